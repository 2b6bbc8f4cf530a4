"""Decisions of the FuxiMaster: how many it makes, and how long each takes from the request's arrival on."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.operations import step_series
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import Scale, clock, latency, round_window_s
from feitian_sim.report.series import Floats, Series, edges, over_runs, window_of
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Sheet
from feitian_sim.report.style import BLUE, DASHED, SOLID, VERMILLION, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_DECISIONS = "fuxi.decisions"
# Points, since between windows without any decision there is no line.
_MEAN, _LONGEST = Look(BLUE, SOLID, 0.8, "."), Look(VERMILLION, DASHED, 0.8, ".")
_RATE = Look(BLUE, SOLID)
#: About as many windows as a column can show apart.
_WINDOWS = 150


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Latency above, mean and longest of each window; decisions per second below."""
    if not any(run.column(_DECISIONS, "count").sum() for run in evidence.runs):
        return Omitted("nothing was decided: there is no fuxi.decisions")
    windows = edges(evidence.duration_s, round_window_s(evidence.duration_s, _WINDOWS))
    sums = [_windowed(run, windows) for run in evidence.runs]
    middles = (windows[:-1] + windows[1:]) / 2
    mean = over_runs(middles, [np.where(count > 0, total / np.maximum(count, 1), np.nan) for count, total, _ in sums])
    longest = over_runs(middles, [np.where(count > 0, most, np.nan) for count, _, most in sums])
    sheet = Sheet([1.6, 1.0], width_in)
    with paper_style():
        scale = latency(float(np.nanmedian(mean.y)) or 1e-3)
        panel = sheet.panel("latency", time_scale(evidence), scale, "decision")
        panel.line("longest", longest, _LONGEST)
        panel.line("mean", mean, _MEAN)
        if longest.largest > 20 * float(np.nanmedian(mean.y)):
            panel.axes.set_yscale("log")
            panel.axes.yaxis.set_major_formatter(PLAIN)
        else:
            panel.axes.set_ylim(0, 1.1 * longest.largest / scale.factor)
        rates = step_series(windows, [count / np.diff(windows) for count, _, _ in sums])
        below = sheet.panel("rate", time_scale(evidence), Scale(1.0, "1/s"), "decisions")
        below.line("decisions", Series(rates.x, rates.y, rates.low, rates.high), _RATE, steps=True)
        below.axes.set_ylim(bottom=0)
    draw_timeline(sheet, evidence)
    return sheet.finish("decisions", "Scheduling decisions", _caption(float(windows[1])) + runs_words(evidence))


def _windowed(run: Tables, windows: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each window: decisions, their time in all, the longest."""
    count, total, most = (np.zeros(len(windows) - 1) for _ in range(3))
    columns = run.columns(_DECISIONS)
    if columns:
        # A sample tells of the time before it.
        where = window_of(np.maximum(columns["time_s"] - 1e-9, 0.0), windows)
        np.add.at(count, where, columns["count"].astype(np.float64))
        np.add.at(total, where, columns["total_s"])
        np.maximum.at(most, where, columns["longest_s"])
    return count, total, most


def _caption(window_s: float) -> str:
    return (
        "Simulated time from a request's arrival at the FuxiMaster until it has been decided, queueing included, in "
        f"windows of {clock(window_s)}; below, requests decided per second."
    )
