"""The figure of a sweep over the size of the cluster: what all clients get together, beside the line of the ideal.

It reads a sweep's summary and its resolved scenario. The ideal line goes through the smallest cluster: twice the
servers, twice the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from feitian_sim.kernel import EnvironmentRefusal
from feitian_sim.report import crossing
from feitian_sim.report.scale import Scale, rate
from feitian_sim.report.series import Floats, Series
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Panel, Sheet
from feitian_sim.report.style import (
    COLUMN_IN,
    DOTTED,
    FORMATS,
    OPERATION_LOOKS,
    TWIN_GREY,
    Look,
    paper_style,
)

_SIZES = ("cluster.racks", "cluster.machines_per_rack")
_RATES = {"read": "pangu.read_bytes_per_s", "write": "pangu.write_bytes_per_s"}


def render_sweep(folder: str | Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write the figures of a sweep's folder; returns the paths. Raises EnvironmentRefusal for a folder that is none."""
    drawing = draw(Path(folder))
    if isinstance(drawing, Omitted):
        drawing = crossing.draw(Path(folder))
    return [] if isinstance(drawing, Omitted) else drawing.save(Path(folder) / "figures", formats)


def draw(folder: Path, width_in: float = COLUMN_IN) -> Drawing | Omitted:
    """Aggregate throughput over the number of servers."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        points, axes = summary["points"], summary["axes"]
    except (OSError, ValueError, KeyError):
        raise EnvironmentRefusal(f"{folder} is not the folder of a sweep") from None
    if not axes or any(axis not in _SIZES for axis in axes):
        return Omitted("the axes are not the size of the cluster")
    servers = np.array([_servers(folder, point["axes"]) for point in points], dtype=np.float64)
    order = np.argsort(servers, kind="stable")
    shown = {
        operation: Series(
            servers[order],
            _column(points, metric, "value")[order],
            _column(points, metric, "low")[order],
            _column(points, metric, "high")[order],
        )
        for operation, metric in _RATES.items()
        if any(row["name"] == metric for point in points for row in point["metrics"])
    }
    if not shown or len(servers) < 2:
        return Omitted("nothing was read or written, or there is one size only")
    sheet = Sheet([2.4, 1.3], width_in)
    with paper_style():
        _throughput(sheet, shown)
        _efficiency(sheet, shown)
    return sheet.finish(
        "scaling",
        "Throughput against the size of the cluster",
        "Bytes that all clients together read and write per second, against the number of servers; dotted: in proportion "
        "to the smallest cluster. Below: what each server gives, as a share of what it gives in the smallest cluster.",
    )


def _throughput(sheet: Sheet, shown: Mapping[str, Series]) -> None:
    largest = max(series.largest for series in shown.values())
    panel = sheet.panel("throughput", Scale(1.0, "server"), rate(largest), "all clients together")
    for operation, series in shown.items():
        ideal = Series(series.x, series.y[0] * series.x / series.x[0])
        panel.line("in proportion", ideal, Look(TWIN_GREY, DOTTED, 1.2), front=2)
        look = OPERATION_LOOKS[operation]
        panel.line(operation, series, Look(look.colour, look.dash, look.width, "o"))
        panel.axes.lines[-1].set_markersize(3)
    panel.axes.set_yscale("log")
    panel.axes.yaxis.set_major_formatter(PLAIN)
    panel.axes.yaxis.set_minor_formatter(NullFormatter())
    _servers_axis(panel, next(iter(shown.values())).x)
    panel.axes.tick_params(labelbottom=False)


def _efficiency(sheet: Sheet, shown: Mapping[str, Series]) -> None:
    panel = sheet.panel("efficiency", Scale(1.0, "server"), Scale(0.01, "%"), "per server")
    for operation, series in shown.items():
        each = series.y / series.x
        look = OPERATION_LOOKS[operation]
        panel.line(operation, Series(series.x, each / each[0]), Look(look.colour, look.dash, look.width, "o"))
        panel.axes.lines[-1].set_markersize(3)
    panel.axes.set_ylim(0, 115)
    _servers_axis(panel, next(iter(shown.values())).x)
    panel.axes.set_xlabel("servers")


def _servers_axis(panel: Panel, servers: Floats) -> None:
    panel.axes.set_xscale("log")
    panel.axes.xaxis.set_major_locator(FixedLocator(servers.tolist()))
    panel.axes.xaxis.set_minor_locator(NullLocator())
    panel.axes.xaxis.set_major_formatter(PLAIN)


def _servers(folder: Path, axes: Mapping[str, str]) -> int:
    from ruamel.yaml import YAML

    text = (folder / "scenario.resolved.yaml").read_text(encoding="utf-8")
    cluster = YAML(typ="safe", pure=True).load(text)["cluster"]
    sizes = [int(axes.get(key, cluster[key.removeprefix("cluster.")])) for key in _SIZES]
    return sizes[0] * sizes[1]


def _column(points: Sequence[Mapping[str, Any]], metric: str, what: str) -> Floats:
    """A metric over the points; its interval is its value where there is one run."""
    found = []
    for point in points:
        row = next((row for row in point["metrics"] if row["name"] == metric), None)
        if row is None:
            found.append(np.nan)
        elif what == "value" or row["interval"] is None:
            found.append(row["value"])
        else:
            found.append(row["interval"][what == "high"])
    return np.array(found, dtype=np.float64)
