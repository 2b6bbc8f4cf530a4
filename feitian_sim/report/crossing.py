"""The figure of a sweep over one or two axes that are not the size of a Pangu: metrics over one axis, a line for each
value of the other.

Which metrics are shown, and how, stands in one table: the row whose axis the sweep has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import NullFormatter

from feitian_sim.report.scale import Scale, latency
from feitian_sim.report.series import Series
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Sheet
from feitian_sim.report.style import COLUMN_IN, CYCLE, Look, paper_style


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure: the axis that asks for it, its metrics with the labels of their panels; whether numbers span decades."""

    axis: str
    name: str
    title: str
    panels: tuple[tuple[str, str], ...]
    by_decade: bool = False


_TABLE = (
    Shown(
        "kuafu.proxies",
        "connections",
        "Connections by the number of machines",
        (
            ("kuafu.connections_max_count", "connections"),
            ("kuafu.machine_connections_max_count", "of one machine"),
        ),
        by_decade=True,
    ),
    Shown(
        "nuwa.servers",
        "coordination-throughput",
        "Nuwa's throughput",
        (("nuwa.reads_per_s", "reads (1/s)"), ("nuwa.writes_per_s", "writes (1/s)")),
    ),
)
_RACKS = "cluster.racks"


def draw(folder: Path, width_in: float = COLUMN_IN) -> Drawing | Omitted:
    """The figure of a sweep's folder, or why there is none."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    points: Sequence[Mapping[str, Any]] = summary["points"]
    axes = list(summary["axes"])
    numeric = next((axis for axis in axes if all(_number(point["axes"][axis]) is not None for point in points)), None)
    if numeric is None or len(axes) > 2 or len(points) < 2:
        return Omitted("no axis of numbers, or more than two axes")
    names = {row["name"] for point in points for row in point["metrics"]}
    shown = next((one for one in _TABLE if one.axis in axes), None)
    if shown is None or not any(metric in names for metric, _ in shown.panels):
        return Omitted("no figure is about its axes")
    other = next((axis for axis in axes if axis != numeric), None)
    factor = _machines_per_rack(folder) if numeric == _RACKS else 1
    sheet = Sheet([1.6] * len(shown.panels), width_in)
    with paper_style():
        for metric, label in shown.panels:
            _panel(sheet, points, (numeric, other), metric, label, factor, shown.by_decade)
        sheet.panels[-1].axes.set_xlabel("machines" if numeric == _RACKS else numeric)
    caption = "; ".join(f"{label}: {metric}" for metric, label in shown.panels)
    return sheet.finish(shown.name, shown.title, f"{caption}, at each point of the sweep (`feitian explain METRIC`).")


def _panel(
    sheet: Sheet,
    points: Sequence[Mapping[str, Any]],
    axes: tuple[str, str | None],
    metric: str,
    label: str,
    factor: int,
    by_decade: bool,
) -> None:
    numeric, other = axes
    panel = sheet.panel(metric, Scale(1.0, ""), latency(1e-3) if metric.endswith("_s.p99") else Scale(1.0, ""), label)
    lines: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        value = next((row["value"] for row in point["metrics"] if row["name"] == metric), None)
        x = _number(point["axes"][numeric])
        if value is not None and x is not None:
            key = "" if other is None else f"{other.rpartition('.')[2]}: {point['axes'][other]}"
            lines.setdefault(key or metric, []).append((x * factor, float(value)))
    for number, (name, found) in enumerate(lines.items()):
        found.sort()
        look = CYCLE[number % len(CYCLE)]
        xs, ys = np.array(found, dtype=np.float64).T
        panel.line(name, Series(xs, ys), Look(look.colour, look.dash, look.width, "o"))
        panel.axes.lines[-1].set_markersize(2.5)
    if by_decade:
        panel.axes.set_xscale("log")
        panel.axes.set_yscale("log")
        for axis in (panel.axes.xaxis, panel.axes.yaxis):
            axis.set_major_formatter(PLAIN)
            axis.set_minor_formatter(NullFormatter())
    else:
        panel.axes.set_ylim(bottom=0)
    if panel is not sheet.panels[-1] and len(sheet.panels) > 1:
        panel.axes.tick_params(labelbottom=False)


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _machines_per_rack(folder: Path) -> int:
    from ruamel.yaml import YAML

    text = (folder / "scenario.resolved.yaml").read_text(encoding="utf-8")
    return int(YAML(typ="safe", pure=True).load(text)["cluster"]["machines_per_rack"])
