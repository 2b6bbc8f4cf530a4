"""Latency percentiles of foreground operations over time, one panel per operation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.operations import operation_names, selected
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import clock, latency, round_window_s
from feitian_sim.report.series import Floats, Series, edges, over_runs, window_percentiles
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Panel, Sheet
from feitian_sim.report.style import BLUE, DASHED, DOTTED, SOLID, VERMILLION, Look, paper_style, twin
from feitian_sim.report.timeline import draw_timeline, time_scale

#: Percentile -> look; p99 is heavier and dotted, so that the tail is seen in grey too.
_PERCENTILES = {
    50: Look(BLUE, SOLID, 1.0, "."),
    95: Look("#009E73", DASHED, 1.0, "."),
    99: Look(VERMILLION, DOTTED, 1.3, "."),
}
_PANELS = 3
#: Of a run: when operations ended, and how long each took, seconds.
Took = Callable[[Tables], tuple[Floats, Floats]]
#: p99 needs a hundred operations; windows widen until the busiest operation has them, within these numbers.
_MOST_WINDOWS, _FEWEST_WINDOWS = 60, 12


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """The 50th, 95th and 99th percentile of the duration of successful operations, by operation."""
    windows = _windows(evidence)
    shown = {name: percentile_curves(evidence.runs, _took(name), windows) for name in operation_names(evidence)}
    shown = {name: curves for name, curves in shown.items() if curves}
    if not shown:
        return Omitted("too few successful operations for a percentile")
    names = list(shown)[:_PANELS]
    sheet = Sheet([2.3] if len(names) == 1 else [1.45] * len(names), width_in)
    with paper_style():
        for name in names:
            panel = percentile_panel(sheet, evidence, name, shown[name])
            if with_twin and evidence.twin is not None:
                add_calm(panel, percentile_curves((evidence.twin,), _took(name), windows))
    draw_timeline(sheet, evidence)
    return sheet.finish("latency", "Operation latency", _caption(evidence, float(windows[1]), names))


def add_calm(panel: Panel, curves: dict[int, Series]) -> None:
    """The median of the run in which nothing failed, if there are enough operations for one."""
    if 50 in curves:
        panel.line("p50, no fault", curves[50], twin(_PERCENTILES[50]), front=2)


def percentile_panel(sheet: Sheet, evidence: Evidence, name: str, curves: dict[int, Series]) -> Panel:
    """A panel with percentiles over time, by decades where they differ that much."""
    least_s = min(float(np.nanmin(series.y)) for series in curves.values())
    largest_s = max(series.largest for series in curves.values())
    by_decade = largest_s > 20 * least_s
    scale = latency((least_s * largest_s) ** 0.5 if by_decade else largest_s)
    panel = sheet.panel(name, time_scale(evidence), scale, f"{name} latency")
    for percent, series in curves.items():
        panel.line(f"p{percent}", series, _PERCENTILES[percent])
    if by_decade:
        panel.axes.set_yscale("log")
        panel.axes.yaxis.set_major_formatter(PLAIN)
    else:
        panel.axes.set_ylim(bottom=0)
    return panel


def percentile_curves(runs: tuple[Tables, ...], took: Took, windows: Floats) -> dict[int, Series]:
    """Percentile -> its curve; those for which no window has enough are left out."""
    middles = (windows[:-1] + windows[1:]) / 2
    curves = {}
    for percent in _PERCENTILES:
        per_run = [window_percentiles(*took(run), windows, percent) for run in runs]
        series = over_runs(middles, per_run)
        if np.isfinite(series.y).any():
            curves[percent] = series
    return curves


def _took(name: str) -> Took:
    def took(run: Tables) -> tuple[Floats, Floats]:
        columns = selected(run, name, ok=True)
        if not columns:
            return np.zeros(0), np.zeros(0)
        return columns["time_s"], columns["time_s"] - columns["start_s"]

    return took


def _windows(evidence: Evidence) -> Floats:
    busiest = max((_operations(evidence, name) for name in operation_names(evidence)), default=0)
    return percentile_windows(evidence, busiest)


def percentile_windows(evidence: Evidence, busiest: int) -> Floats:
    """Windows in which the busiest operation, done so often, has enough for its percentiles."""
    count = min(max(busiest // 150, _FEWEST_WINDOWS), _MOST_WINDOWS)
    return edges(evidence.duration_s, round_window_s(evidence.duration_s, count))


def _operations(evidence: Evidence, name: str) -> int:
    return min(len(selected(run, name, ok=True).get("time_s", ())) for run in evidence.runs)


def _caption(evidence: Evidence, window_s: float, names: list[str]) -> str:
    return (
        f"Percentiles of the duration of successful operations ({', '.join(names)}) that ended in each window of "
        f"{clock(window_s)}. A percentile is left out of windows with too few operations to make it up: 20 for p95, "
        "100 for p99." + runs_words(evidence)
    )
