"""Traffic by class of link: what crosses machines, racks, the core and the disks."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import clock, rate, round_window_s
from feitian_sim.report.series import Floats, Series, edges, over_runs
from feitian_sim.report.sheet import Drawing, Omitted, Sheet
from feitian_sim.report.style import CYCLE, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

#: From the machine outwards, then the disks; others follow by name.
_ORDER = ("nic", "rack", "core", "disk-read", "disk-write")
_WINDOWS = 120


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Bytes per second summed over all links of a class."""
    classes = _classes(evidence)
    if not classes:
        return Omitted("no traffic was sampled: there is no hardware.traffic")
    windows = edges(evidence.duration_s, _window_s(evidence))
    shown = {name: _rates(evidence, name, windows) for name in classes}
    shown = {name: series for name, series in shown.items() if series.largest > 0}
    if not shown:
        return Omitted("no link carried anything")
    sheet = Sheet([2.3], width_in)
    with paper_style():
        scale = rate(max(series.largest for series in shown.values()))
        panel = sheet.panel("traffic", time_scale(evidence), scale, "traffic")
        for index, (name, series) in enumerate(shown.items()):
            panel.line(name, series, CYCLE[index % len(CYCLE)], steps=True)
        panel.axes.set_ylim(bottom=0)
    draw_timeline(sheet, evidence)
    return sheet.finish("traffic", "Traffic by class of link", _caption(evidence, float(windows[1])))


def _classes(evidence: Evidence) -> list[str]:
    seen = {str(name) for run in evidence.runs for name in run.columns("hardware.traffic").get("link_class", ())}
    return sorted(seen, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def _rates(evidence: Evidence, name: str, windows: Floats) -> Series:
    rates = [_rate(run, name, windows) for run in evidence.runs]
    return over_runs(windows, [np.append(values, values[-1]) for values in rates])


def _rate(run: Tables, name: str, windows: Floats) -> Floats:
    columns = run.columns("hardware.traffic")
    chosen = columns["link_class"] == name if columns else np.zeros(0, dtype=bool)
    if not chosen.any():
        return np.zeros(len(windows) - 1)
    times_s = np.concatenate([[0.0], columns["time_s"][chosen]])
    carried = np.concatenate([[0.0], columns["bytes"][chosen].astype(np.float64)])
    rates: Floats = np.diff(np.interp(windows, times_s, carried)) / np.diff(windows)
    return rates


def _window_s(evidence: Evidence) -> float:
    """Never finer than the samples."""
    times_s = np.unique(evidence.runs[0].columns("hardware.traffic").get("time_s", np.zeros(0)))
    sampled_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else evidence.duration_s
    window_s = round_window_s(evidence.duration_s, _WINDOWS)
    return max(window_s, min(sampled_s, evidence.duration_s))


def _caption(evidence: Evidence, window_s: float) -> str:
    return (
        f"Bytes per second summed over all links of each class, in windows of {clock(window_s)}: machines' network "
        "interfaces, racks' links to the core, the core itself, disks read and written. One byte that crosses "
        "several links counts in each." + runs_words(evidence)
    )
