"""The figures of a comparison: the front of what can be had together, recovery over time, and loss against bursts.

They are drawn from the files of the comparison's folder: ``comparison.json`` and the facts of each run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from feitian_sim.kernel import EnvironmentRefusal, ScenarioError
from feitian_sim.kernel.tables import read_columns
from feitian_sim.report.scale import Scale, amount, latency, rate, run_time
from feitian_sim.report.series import Floats, Series
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Sheet
from feitian_sim.report.style import COLUMN_IN, CYCLE, PAGE_IN, Look, paper_style

_MARKERS = "osD^vP*Xhd<>"
#: What stands against what in the front, by preference: the first pairs that are measured and differ are shown.
_PAIRS = (
    ("pangu.recovery_s.p95", "pangu.burst_loss_ratio"),
    ("hardware.cross_rack_bytes", "pangu.two_rack_loss_ratio"),
    ("pangu.usd_per_tb_year", "pangu.recovery_s.p95"),
    ("pangu.layout_sd_ratio", "pangu.repair_write_latency_s.p99"),
    ("pangu.write_latency_s.p99", "pangu.read_latency_s.p99"),
    ("workloads.request_wait_s.mean", "workloads.request_response_s.mean"),
)
_NAMES = {
    "pangu.recovery_s.p95": "recovery, p95",
    "pangu.burst_loss_ratio": "P(any loss) in a burst",
    "hardware.cross_rack_bytes": "traffic between racks",
    "pangu.two_rack_loss_ratio": "P(any loss), two racks",
    "pangu.usd_per_tb_year": "cost of a usable TB and year",
    "pangu.layout_sd_ratio": "imbalance, sd",
    "pangu.repair_write_latency_s.p99": "write in repair, p99",
    "pangu.write_latency_s.p99": "write, p99",
    "pangu.read_latency_s.p99": "read, p99",
    "workloads.request_wait_s.mean": "wait, mean",
    "workloads.request_response_s.mean": "response, mean",
}
_PANELS = 4
#: Nothing is repaired faster, so that a logarithmic axis can show it.
_SHORTEST_S = 0.01


@dataclass(frozen=True)
class Compared:
    """The folder of a comparison, opened for drawing. Raises EnvironmentRefusal for one that is none."""

    folder: Path

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """comparison.json."""
        try:
            document = json.loads((self.folder / "comparison.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EnvironmentRefusal(f"{self.folder} is not the folder of a comparison: {error}") from None
        assert isinstance(document, dict)
        return document

    @property
    def labels(self) -> tuple[str, ...]:
        """The variants, in order."""
        return tuple(self.document["variants"])

    def look(self, label: str) -> Look:
        """How a variant is drawn in every figure."""
        number = self.labels.index(label)
        base = CYCLE[number % len(CYCLE)]
        return Look(base.colour, base.dash, base.width, _MARKERS[number % len(_MARKERS)])

    def row(self, metric: str) -> Mapping[str, Any] | None:
        """A metric's row; None when no run has it."""
        return next((row for row in self.document["metrics"] if row["name"] == metric), None)

    def values(self, metric: str) -> dict[str, tuple[float, float, float]]:
        """Mean, low and high of a metric, by variant."""
        row = self.row(metric)
        found = {}
        for label, cell in (row or {"variants": {}})["variants"].items():
            if cell["value"] is not None:
                low, high = cell["interval"] or (cell["value"], cell["value"])
                found[label] = (cell["value"], low, high)
        return found

    def facts(self, label: str, kind: str) -> list[Mapping[str, Any]]:
        """The columns of a kind of facts, of each run of a variant in which any happened."""
        plan = json.loads((self.folder / "plan.json").read_text(encoding="utf-8"))
        number = self.labels.index(label)
        axes = plan["points"][number]["axes"]
        folders = [path for path in sorted(self.folder.glob("runs/**/run=*")) if _is_at(path, self.folder, axes)]
        paths = [folder / "facts" / f"{kind}.parquet" for folder in folders]
        return [read_columns(path) for path in paths if path.is_file()]


def _is_at(path: Path, folder: Path, axes: Mapping[str, str]) -> bool:
    from feitian_sim.experiments.study import Point

    return path.parent == folder / "runs" / Point(tuple(axes.items())).folder


def front(compared: Compared) -> Drawing | Omitted:
    """Pairs of goals against each other; what no other variant beats in both is ringed."""
    pairs = [pair for pair in _PAIRS if all(_differs(compared.values(metric)) for metric in pair)][:_PANELS]
    if not pairs:
        return Omitted("no two goals were measured on which the variants differ")
    columns = min(2, len(pairs))
    sheet = Sheet([2.2] * -(-len(pairs) // columns), PAGE_IN if columns == 2 else COLUMN_IN, columns)
    with paper_style():
        for across, up in pairs:
            _front_panel(sheet, compared, across, up)
        while sheet.has_room:
            sheet.leave_empty()
    return sheet.finish(
        "pareto",
        "What can be had together",
        "Each variant at its mean over runs, with 95 % intervals; less is better on every axis. Ringed: no other is "
        "better in one and at least as good in the other of the two.",
    )


def _front_panel(sheet: Sheet, compared: Compared, across: str, up: str) -> None:
    xs, ys = compared.values(across), compared.values(up)
    x_scale, y_scale = _scale(compared, across), _scale(compared, up)
    panel = sheet.panel(f"{across} / {up}", x_scale, y_scale, _NAMES[up])
    panel.least_named = 1000
    both = [label for label in compared.labels if label in xs and label in ys]
    for label in both:
        look = compared.look(label)
        x, y = np.array(xs[label]) / x_scale.factor, np.array(ys[label]) / y_scale.factor
        container = panel.axes.errorbar(
            x[0],
            y[0],
            xerr=[[max(0.0, x[0] - x[1])], [max(0.0, x[2] - x[0])]],
            yerr=[[max(0.0, y[0] - y[1])], [max(0.0, y[2] - y[0])]],
            color=look.colour,
            marker=look.marker,
            markersize=4,
            linewidth=0.8,
            linestyle="none",
        )
        sheet.mark(label, container.lines[0])
        sheet.note(panel, label, Series(*(np.array([values[0]]) for values in (xs[label], ys[label]))))
        if not any(_beats(xs, ys, other, label) for other in both):
            panel.axes.plot(
                x[0], y[0], marker="o", markersize=9, markerfacecolor="none", markeredgecolor="#555555", zorder=1
            )
    panel.axes.set_xlabel(f"{_NAMES[across]} ({x_scale.unit})" if x_scale.unit else _NAMES[across])
    panel.axes.margins(0.12)
    _spread_out(panel.axes, "x", [xs[label][0] / x_scale.factor for label in both])
    _spread_out(panel.axes, "y", [ys[label][0] / y_scale.factor for label in both])


def _beats(
    xs: Mapping[str, tuple[float, float, float]], ys: Mapping[str, tuple[float, float, float]], one: str, other: str
) -> bool:
    no_worse = xs[one][0] <= xs[other][0] and ys[one][0] <= ys[other][0]
    return no_worse and (xs[one][0] < xs[other][0] or ys[one][0] < ys[other][0])


def _spread_out(axes: Axes, which: Literal["x", "y"], values: Sequence[float]) -> None:
    """A logarithmic axis where the variants lie decades apart; room around the points in any case."""
    if min(values) > 0 and max(values) > 20 * min(values):
        getattr(axes, f"set_{which}scale")("log")
        axis = axes.xaxis if which == "x" else axes.yaxis
        axis.set_major_formatter(PLAIN)
        axis.set_minor_formatter(NullFormatter())
    else:
        # Intervals of what cannot be negative may reach below nothing; the axis does not.
        axes.locator_params(axis=which, nbins=5)
        low, high = getattr(axes, f"get_{which}lim")()
        if low < 0 <= min(values):
            getattr(axes, f"set_{which}lim")(min(0.0, -0.08 * max(values)), high)


def _differs(values: Mapping[str, tuple[float, float, float]]) -> bool:
    means = [mean for mean, _, _ in values.values()]
    return len(means) > 1 and min(means) < max(means)


def _scale(compared: Compared, metric: str) -> Scale:
    row = compared.row(metric)
    assert row is not None
    largest = max(abs(mean) for mean, _, _ in compared.values(metric).values())
    unit = row["unit"]
    if unit == "s":
        return latency(largest) if largest < 120 else run_time(10 * largest)
    if unit == "B":
        return amount(largest)
    if unit == "B/s":
        return rate(largest)
    if unit == "ratio":
        return Scale(0.01, "%")
    return Scale(1.0, unit)


def recovery_curves(compared: Compared) -> Drawing | Omitted:
    """Which share of the lost replicas was restored how long after they were found to be missing."""
    shown: dict[str, Series] = {}
    for label in compared.labels:
        runs = [np.sort(run["time_s"] - run["queued_s"]) for run in compared.facts(label, "pangu.repair")]
        if runs:
            waits = np.sort(np.concatenate(runs))
            # A few hundred points draw the same curve as a million.
            kept = np.unique(np.linspace(0, len(waits) - 1, 400).astype(np.int64))
            shown[label] = Series(np.maximum(waits[kept], _SHORTEST_S), (kept + 1) / len(waits))
    if not shown:
        return Omitted("nothing was repaired")
    longest_s = max(float(series.x[-1]) for series in shown.values())
    sheet = Sheet([2.3])
    with paper_style():
        panel = sheet.panel("restored", run_time(longest_s), Scale(0.01, "%"), "restored")
        for label, series in shown.items():
            look = compared.look(label)
            panel.line(label, series, Look(look.colour, look.dash, look.width), steps=True)
        panel.axes.set_xlabel(f"time since the loss was found ({panel.x_scale.unit})")
        panel.axes.set_ylim(0, 104)
        panel.axes.set_xscale("log")
        panel.axes.xaxis.set_major_formatter(PLAIN)
        panel.axes.xaxis.set_minor_formatter(NullFormatter())
    return sheet.finish(
        "recovery-curves",
        "Recovery of lost replicas",
        "Share of the replicas found missing that were restored within so long (pangu.recovery_s), over all runs.",
    )


def burst_curves(compared: Compared) -> Drawing | Omitted:
    """P(any loss) against the number of servers that fail at one time."""
    shown: dict[str, Series] = {}
    for label in compared.labels:
        runs = compared.facts(label, "pangu.burst_surveyed")
        if runs:
            shown[label] = _burst_series(runs)
    if not shown or all(len(series.x) < 2 for series in shown.values()):
        return Omitted("no bursts were surveyed (pangu.survey)")
    sheet = Sheet([2.4])
    with paper_style():
        panel = sheet.panel("bursts", Scale(1.0, "server"), Scale(0.01, "%"), "P(any loss)")
        for label, series in shown.items():
            look = compared.look(label)
            panel.line(label, series, look)
            panel.axes.lines[-1].set_markersize(3)
        panel.axes.set_xscale("log")
        panel.axes.set_yscale("log")
        panel.axes.xaxis.set_major_formatter(PLAIN)
        panel.axes.xaxis.set_minor_formatter(NullFormatter())
        panel.axes.yaxis.set_major_formatter(PLAIN)
        panel.axes.yaxis.set_minor_formatter(NullFormatter())
        panel.axes.set_xlabel("servers that fail for good at one time")
    return sheet.finish(
        "burst-curves",
        "Loss against the size of a burst",
        "The chance that any chunk is lost when so many servers fail at one time, counted from the layouts of all runs "
        "(mean); band: Bonferroni's bounds where they are close, 95 % intervals of drawn bursts elsewhere. The expected "
        "number of lost chunks is the same for every placement: what loses rarely loses much at one time.",
    )


def _burst_series(runs: Sequence[Mapping[str, Any]]) -> Series:
    """The mean over runs, by size of the burst, ascending; those without any chance of loss are left out."""
    sizes = np.asarray(runs[0]["failures"], dtype=np.float64)
    order = np.argsort(sizes, kind="stable")
    columns: dict[str, Floats] = {
        name: np.mean([np.asarray(run[name], dtype=np.float64) for run in runs], axis=0)[order]
        for name in ("any_loss", "low", "high")
    }
    seen = columns["any_loss"] > 0
    low = np.maximum(columns["low"][seen], columns["any_loss"][seen] / 1e3)
    return Series(sizes[order][seen], columns["any_loss"][seen], low, columns["high"][seen])


FIGURES: Mapping[str, Callable[[Compared], Drawing | Omitted]] = MappingProxyType(
    {"pareto": front, "recovery-curves": recovery_curves, "burst-curves": burst_curves}
)


def drawings(folder: Path) -> list[Drawing]:
    """Every figure that has something to show."""
    compared = Compared(folder)
    drawn = [draw(compared) for draw in FIGURES.values()]
    return [one for one in drawn if not isinstance(one, Omitted)]


class ComparisonPlots:
    """The figures of a comparison by name, for notebooks."""

    def __init__(self, folder: Path) -> None:
        self._compared = Compared(folder)

    def __call__(self, name: str) -> Drawing:
        """The figure of that name; raises ScenarioError with the reason when there is nothing to show."""
        if name not in FIGURES:
            raise ScenarioError(f"there is no figure {name!r}: there are {', '.join(FIGURES)}")
        drawn = FIGURES[name](self._compared)
        if isinstance(drawn, Omitted):
            raise ScenarioError(f"no figure {name!r}: {drawn.reason}")
        return drawn
