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
from feitian_sim.report.series import Floats, Series, held, over_runs, spread_rate
from feitian_sim.report.sheet import Drawing, Omitted, Panel, Sheet
from feitian_sim.report.style import DASHED, GREEN, PURPLE, SOLID, VERMILLION, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_RATE = Look(GREEN, SOLID)
_QUEUED = Look(VERMILLION, DASHED)
_RUNNING = Look(PURPLE, SOLID)


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Bytes cloned per second, and below it the clones that wait and run."""
    if not repaired(evidence):
        return Omitted("nothing was repaired")
    queue = _sampled(evidence)
    sheet = Sheet([1.6, 1.1] if queue else [2.3], width_in)
    with paper_style():
        repair_panel(sheet, evidence)
        if queue:
            panel = sheet.panel("queue", time_scale(evidence), Scale(1.0, ""), "clones")
            waiting, running = _samples(evidence, "queued"), _samples(evidence, "running")
            panel.line("waiting", waiting, _QUEUED, steps=True)
            panel.line("running", running, _RUNNING, steps=True)
            panel.counts_by_decade(max(waiting.largest, running.largest))
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


def caption(evidence: Evidence) -> str:
    """What the figure shows."""
    window_s = float(window_edges(evidence)[1])
    return (
        f"Bytes of finished clones per second in windows of {clock(window_s)}, each clone spread evenly from its "
        "start to its end; clones that wait and that run, as sampled." + runs_words(evidence)
    )


def _rate(columns: Mapping[str, Column], windows: Floats) -> Floats:
    if not columns:
        return np.zeros(len(windows) - 1)
    sizes = columns["size_bytes"].astype(np.float64)
    return spread_rate(columns["started_s"], columns["time_s"], sizes, windows)


def _sampled(evidence: Evidence) -> bool:
    return any(run.columns("pangu.repair_queue") for run in evidence.runs)


def _samples(evidence: Evidence, column: str) -> Series:
    times_s = _times(evidence.runs[0])
    runs = [held(_times(run), _values(run, column), times_s) for run in evidence.runs]
    return over_runs(times_s, runs)


def _times(run: Tables) -> Floats:
    columns = run.columns("pangu.repair_queue")
    return columns["time_s"].astype(np.float64) if columns else np.zeros(1)


def _values(run: Tables, column: str) -> Floats:
    columns = run.columns("pangu.repair_queue")
    return columns[column].astype(np.float64) if columns else np.zeros(1)
