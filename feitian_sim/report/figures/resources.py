"""Resources of Fuxi over time: what is wanted, granted, held and used of each, as shares of what there is."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import Scale
from feitian_sim.report.series import Floats, Series, held, over_runs
from feitian_sim.report.sheet import Drawing, Omitted, Sheet
from feitian_sim.report.style import BLACK, BLUE, DASH_DOT, DASHED, DOTTED, GREEN, SOLID, VERMILLION, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_USAGE = "fuxi.usage"
_PERCENT = Scale(0.01, "%")
#: From what is asked for down to what is there, with the words of the Fuxi paper (VLDB 2014, fig. 10).
_LEVELS = {
    "wanted": ("requested", Look(BLACK, DOTTED, 0.9)),
    "planned": ("granted", Look(BLUE, SOLID)),
    "obtained": ("held by applications", Look(GREEN, DASH_DOT)),
    "used": ("used by processes", Look(VERMILLION, DASHED)),
}
#: Demand beyond this is cut off: the rest of the picture would be a line at the bottom.
_MOST = 1.3


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """One panel for each resource that the cell has."""
    names = resource_names(evidence)
    if not names:
        return Omitted("resources were not sampled: there is no fuxi.usage")
    sheet = Sheet([1.35] * len(names), width_in)
    cut = False
    with paper_style():
        for name in names:
            panel = sheet.panel(name, time_scale(evidence), _PERCENT, name)
            largest = 0.0
            for column, (label, look) in _LEVELS.items():
                series = _series(evidence, name, column)
                largest = max(largest, series.largest)
                panel.line(label, series, look)
            cut |= largest > _MOST
            panel.axes.set_ylim(0, 100 * min(_MOST, max(0.05, 1.08 * largest)))
    draw_timeline(sheet, evidence)
    return sheet.finish("resources", "Resources requested, granted and used", _caption(evidence, cut))


def resource_names(evidence: Evidence) -> tuple[str, ...]:
    """The sampled resources of which there is some and some is used, in the order in which they are sampled."""
    found: dict[str, None] = {}
    for run in evidence.runs:
        columns = run.columns(_USAGE)
        if columns:
            there = (columns["capacity"] > 0) & (columns["wanted"] > 0)
            found |= dict.fromkeys(columns["resource"][there].astype(str).tolist())
    return tuple(found)


def share(run: Tables, resource: str, column: str) -> tuple[Floats, Floats]:
    """When a resource was sampled, and a column of it over its capacity."""
    columns = run.columns(_USAGE)
    if not columns:
        return np.zeros(0), np.zeros(0)
    chosen = columns["resource"].astype(str) == resource
    capacity = np.maximum(columns["capacity"][chosen].astype(np.float64), 1.0)
    return columns["time_s"][chosen].astype(np.float64), columns[column][chosen] / capacity


def _series(evidence: Evidence, resource: str, column: str) -> Series:
    sampled = [share(run, resource, column) for run in evidence.runs]
    times_s = np.unique(np.concatenate([times for times, _ in sampled]))
    return over_runs(times_s, [held(times, values, times_s) for times, values in sampled])


def _caption(evidence: Evidence, cut: bool) -> str:
    text = (
        "Shares of each resource of all machines: requested (granted and waited for), granted by the FuxiMaster, held by "
        "applications as far as they know, and used by the processes that Tubos have."
    )
    return text + (f" Requests above {100 * _MOST:g} % are cut off." if cut else "") + runs_words(evidence)
