"""Coordination: what the clients of Nuwa got, and how long it took, around the faults."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.kernel.tables import Column
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.operations import step_series
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import Scale, clock, latency, round_window_s
from feitian_sim.report.series import Floats, Series, counts, edges, over_runs
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Sheet
from feitian_sim.report.style import BLUE, DASHED, SOLID, VERMILLION, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_OPERATION = "nuwa.operation"
_WRITES = ("create", "put", "delete", "multi")
_LOOKS = {"writes": Look(BLUE, SOLID), "reads": Look(VERMILLION, DASHED)}
#: About as many windows as a column can show apart.
_WINDOWS = 150


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Operations per second that succeeded, and the slowest of each window, reads and writes apart."""
    if not any(len(run.column("nuwa.account", "load")) for run in evidence.runs):
        return Omitted("no load asked Nuwa: there is no nuwa.account")
    windows = edges(evidence.duration_s, round_window_s(evidence.duration_s, _WINDOWS))
    sheet = Sheet([1.5, 1.6], width_in)
    with paper_style():
        panel = sheet.panel("rate", time_scale(evidence), Scale(1.0, "1/s"), "succeeded")
        for name, look in _LOOKS.items():
            series = step_series(windows, [_rate(run, name, windows) for run in evidence.runs])
            if series.largest:
                panel.line(name, series, look, steps=True)
        panel.axes.set_ylim(bottom=0)
        _latencies(sheet, evidence, windows)
    draw_timeline(sheet, evidence)
    return sheet.finish("coordination", "Reads and writes of Nuwa", _caption(evidence, float(windows[1])))


def _latencies(sheet: Sheet, evidence: Evidence, windows: Floats) -> None:
    shown = {name: _slowest(evidence, name, windows) for name in _LOOKS}
    shown = {name: series for name, series in shown.items() if np.isfinite(series.y).any()}
    if not shown:
        return
    least = min(float(np.nanmin(series.y)) for series in shown.values())
    largest = max(series.largest for series in shown.values())
    panel = sheet.panel("slowest", time_scale(evidence), latency((least * largest) ** 0.5), "slowest")
    for name, series in shown.items():
        panel.line(name, series, _LOOKS[name])
    panel.axes.set_yscale("log")
    panel.axes.yaxis.set_major_formatter(PLAIN)


def selected(run: Tables, name: str) -> dict[str, Column]:
    """The reads or the writes of the loads' clients that succeeded."""
    columns = run.columns(_OPERATION)
    loads = [f"{load}-" for load in run.column("nuwa.account", "load").astype(str)]
    if not columns or not loads:
        return {}
    owners = columns["owner"].astype(str)
    chosen = np.isin(columns["op"].astype(str), _WRITES) == (name == "writes")
    chosen &= columns["error"].astype(str) == ""
    chosen &= np.logical_or.reduce([np.char.startswith(owners, load) for load in loads])
    return {column: values[chosen] for column, values in columns.items()}


def _rate(run: Tables, name: str, windows: Floats) -> Floats:
    times = selected(run, name).get("time_s", np.zeros(0))
    rates: Floats = counts(times, windows) / np.diff(windows)
    return rates


def _slowest(evidence: Evidence, name: str, windows: Floats) -> Series:
    per_run = []
    for run in evidence.runs:
        columns = selected(run, name)
        slowest = np.full(len(windows) - 1, np.nan)
        if columns:
            window = np.clip(np.searchsorted(windows, columns["time_s"], side="right") - 1, 0, len(slowest) - 1)
            took = np.full(len(slowest), -1.0)
            np.maximum.at(took, window, columns["time_s"] - columns["start_s"])
            slowest = np.where(took < 0, np.nan, took)
        per_run.append(slowest)
    return over_runs((windows[:-1] + windows[1:]) / 2, per_run)


def _caption(evidence: Evidence, window_s: float) -> str:
    return (
        f"Reads and writes of Nuwa's clients that succeeded, in windows of {clock(window_s)}; below, the longest of "
        "those that ended in each window, from the request to the answer, all retries included." + runs_words(evidence)
    )
