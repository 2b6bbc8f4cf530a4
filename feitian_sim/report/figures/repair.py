"""Repair: how fast replicas are cloned again, and how many wait."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.kernel.tables import Column
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.operations import step_series, window_edges
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import Scale, clock, rate
from feitian_sim.report.series import Floats, Series, held, over_runs, peaks, spread_rate, window_of
from feitian_sim.report.sheet import Drawing, Omitted, Panel, Sheet
from feitian_sim.report.style import DASHED, GREEN, PURPLE, SOLID, VERMILLION, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_RATE = Look(GREEN, SOLID)
_BACKLOG = Look(VERMILLION, DASHED)
_RUNNING = Look(PURPLE, SOLID)


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Bytes cloned per second, and below it the replicas that are still to be restored and the clones that run."""
    if not repaired(evidence):
        return Omitted("nothing was repaired")
    sheet = Sheet([1.6, 1.1], width_in)
    with paper_style():
        repair_panel(sheet, evidence)
        panel = backlog_panel(sheet, evidence)
        running = _running(evidence)
        if running.largest > 0:
            panel.line("clones running", running, _RUNNING, steps=True)
    draw_timeline(sheet, evidence)
    return sheet.finish("repair", "Repair", caption(evidence))


def repaired(evidence: Evidence) -> bool:
    """Whether any run repaired anything."""
    return any(run.columns("pangu.repair") for run in evidence.runs)


def repair_panel(sheet: Sheet, evidence: Evidence) -> Panel:
    """The panel of repair throughput."""
    windows = window_edges(evidence)
    series = step_series(windows, [_rate(run.columns("pangu.repair"), windows) for run in evidence.runs])
    panel = sheet.panel("repair", time_scale(evidence), rate(series.largest), "repair")
    panel.line("repair", series, _RATE, steps=True)
    panel.axes.set_ylim(bottom=0)
    return panel


def backlog_panel(sheet: Sheet, evidence: Evidence) -> Panel:
    """The panel of replicas to restore: the most in each window."""
    windows = window_edges(evidence)
    series = step_series(windows, [_backlog(run, windows) for run in evidence.runs])
    panel = sheet.panel("backlog", time_scale(evidence), Scale(1.0, ""), "replicas" + sheet.label_break + "to restore")
    panel.line("replicas to restore", series, _BACKLOG, steps=True)
    panel.counts_by_decade(series.largest)
    return panel


def caption(evidence: Evidence) -> str:
    """What the figure shows."""
    window_s = float(window_edges(evidence)[1])
    return (
        f"Bytes of finished clones per second in windows of {clock(window_s)}, each clone spread evenly from its "
        "start to its end. Replicas to restore: the most in each window that the master had queued and that were not "
        "yet restored; clones running: as sampled." + runs_words(evidence)
    )


def _backlog(run: Tables, windows: Floats) -> Floats:
    """From finished repairs exactly, and from samples, which see what was not finished."""
    columns = run.columns("pangu.repair")
    chunks = run.column("pangu.repair", "chunks").astype(np.float64)
    highest = np.zeros(len(windows) - 1)
    if columns:
        times_s = np.concatenate([columns["queued_s"], columns["time_s"]])
        highest = peaks(times_s, np.concatenate([chunks, -chunks]), windows)
    waiting = run.column("pangu.repair_queue", "queued") + run.column("pangu.repair_queue", "running")
    np.maximum.at(highest, window_of(run.column("pangu.repair_queue", "time_s"), windows), waiting)
    return highest


def _rate(columns: Mapping[str, Column], windows: Floats) -> Floats:
    if not columns:
        return np.zeros(len(windows) - 1)
    sizes = columns["size_bytes"].astype(np.float64)
    return spread_rate(columns["started_s"], columns["time_s"], sizes, windows)


def _running(evidence: Evidence) -> Series:
    sampled = [(_column(run, "time_s"), _column(run, "running")) for run in evidence.runs]
    times_s = sampled[0][0]
    return over_runs(times_s, [held(run_times_s, running, times_s) for run_times_s, running in sampled])


def _column(run: Tables, name: str) -> Floats:
    return run.column("pangu.repair_queue", name).astype(np.float64)
