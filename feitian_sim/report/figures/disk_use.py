"""Disk use of every machine before and after: where the lost replicas went, and how even it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MaxNLocator

from feitian_sim.kernel.metric import Column
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.scale import Scale
from feitian_sim.report.series import Floats, Series
from feitian_sim.report.sheet import Drawing, Omitted, Sheet
from feitian_sim.report.style import BLUE, SOLID, VERMILLION, Look, paper_style

_PERCENT = Scale(0.01, "%")
#: Above this many machines a point is too large to be told from its neighbour.
_POINTS = 150


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Used share of each machine's disks at the start and at the end of run 0, machines in order of racks."""
    columns = evidence.runs[0].columns("hardware.disk_use") if evidence.runs else {}
    if not columns:
        return Omitted("disk use was not sampled: there is no hardware.disk_use")
    names = sorted({str(name) for name in columns["machine"]}, key=_natural)
    times_s = np.unique(columns["time_s"])
    shares = [_shares(columns, names, float(time_s)) for time_s in (times_s[0], times_s[-1])]
    if max(float(share.max()) for share in shares) <= 0:
        return Omitted("no machine holds data")
    sheet = Sheet([2.2], width_in)
    with paper_style():
        _points(sheet, names, shares, len(times_s) > 1)
    return sheet.finish("disk-use", "Disk use across machines", _caption(evidence))


def _points(sheet: Sheet, names: list[str], shares: list[Floats], both: bool) -> None:
    panel = sheet.panel("machines", Scale(1.0, "machine"), _PERCENT, "disk use")
    x = np.arange(len(names), dtype=np.float64)
    size = 3.0 if len(names) <= _POINTS else 1.2
    looks = (Look(BLUE, "none", 0, "o"), Look(VERMILLION, "none", 0, "x"))
    for label, share, look in zip(("before", "after"), shares, looks, strict=True):
        if label == "before" or both:
            panel.line(f"{label}: {_evenness(share)}", Series(x, share), look)
            panel.axes.lines[-1].set_markersize(size)
            panel.axes.lines[-1].set_fillstyle("none")
            panel.axes.lines[-1].set_markeredgewidth(0.6)
    for first in _rack_starts(names)[1:]:
        panel.axes.axvline(first - 0.5, color="#CCCCCC", linewidth=0.5, linestyle=SOLID, zorder=0)
    panel.axes.grid(visible=False, axis="x")
    panel.axes.set_xlim(-0.5, len(names) - 0.5)
    panel.axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panel.axes.margins(y=0.12)
    panel.axes.set_xlabel("machine, in order of racks (grey lines between racks)")


def _shares(columns: Mapping[str, Column], names: list[str], time_s: float) -> Floats:
    place = {name: index for index, name in enumerate(names)}
    used, capacity = np.zeros(len(names)), np.zeros(len(names))
    now = columns["time_s"] == time_s
    where = [place[str(name)] for name in columns["machine"][now]]
    np.add.at(used, where, columns["used_bytes"][now])
    np.add.at(capacity, where, columns["capacity_bytes"][now])
    return used / np.maximum(capacity, 1)


def _evenness(share: Floats) -> str:
    mean = float(share.mean())
    return f"mean {100 * mean:.3g} %, max/mean {float(share.max()) / mean:.2f}" if mean > 0 else "empty"


def _rack_starts(names: list[str]) -> list[int]:
    racks = [name.rpartition("/")[0] for name in names]
    return [index for index, rack in enumerate(racks) if index == 0 or rack != racks[index - 1]]


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.findall(r"\d+|\D+", name)
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def _caption(evidence: Evidence) -> str:
    text = (
        "Share of each machine's disk capacity that holds replicas, at the start and at the end of the run. "
        "max/mean is the fullest machine over the mean: 1 is even."
    )
    return text + (" Run 0 is shown." if len(evidence.runs) > 1 else "")
