"""Redundancy: how many chunks miss one, two or more replicas, over time."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import Scale
from feitian_sim.report.series import Floats, Series, held, over_runs
from feitian_sim.report.sheet import Drawing, Omitted, Panel, Sheet
from feitian_sim.report.style import BLUE, DASHED, DOTTED, ORANGE, SOLID, VERMILLION, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_LOOKS = {1: Look(BLUE, SOLID), 2: Look(ORANGE, DASHED, 1.3), 3: Look(VERMILLION, DOTTED, 1.6)}
#: Levels that differ by more than this are shown on a scale that is linear up to 1 and logarithmic above.
_LOG_RANGE = 50.0


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Chunks by number of missing replicas."""
    if not levels(evidence):
        return Omitted("no sample saw a chunk miss a replica")
    sheet = Sheet([2.3], width_in)
    with paper_style():
        redundancy_panel(sheet, evidence)
    draw_timeline(sheet, evidence)
    return sheet.finish("redundancy", "Chunks by missing replicas", caption(evidence))


def redundancy_panel(sheet: Sheet, evidence: Evidence) -> Panel:
    """The panel of chunks by missing replicas."""
    shown = {level: _chunks(evidence, level) for level in levels(evidence)}
    panel = sheet.panel("redundancy", time_scale(evidence), Scale(1.0, ""), "chunks")
    panel.least_named = 1
    for level, series in shown.items():
        panel.line(_label(level), series, _LOOKS.get(level, _LOOKS[3]), steps=True)
    peaks = [series.largest for series in shown.values()]
    if max(peaks) > _LOG_RANGE * min(peaks):
        panel.counts_by_decade(max(peaks))
    else:
        panel.axes.set_ylim(bottom=0)
    return panel


def levels(evidence: Evidence) -> tuple[int, ...]:
    """How many replicas some chunk missed at some time, in increasing order."""
    seen = set()
    for run in evidence.runs:
        columns = run.columns("pangu.redundancy")
        if columns:
            seen |= set(columns["missing"][(columns["missing"] > 0) & (columns["chunks"] > 0)].tolist())
    return tuple(sorted(seen))


def caption(evidence: Evidence) -> str:
    """What the figure shows."""
    return (
        "Chunks that miss that many of their replicas on disks that work and can be reached, sampled through the "
        "run. A chunk that misses all of them cannot be read while it does." + runs_words(evidence)
    )


def _chunks(evidence: Evidence, level: int) -> Series:
    times_s = _sample_times(evidence.runs[0])
    return over_runs(times_s, [held(*_samples(run, level), times_s) for run in evidence.runs])


def _samples(run: Tables, level: int) -> tuple[Floats, Floats]:
    columns = run.columns("pangu.redundancy")
    times_s = _sample_times(run)
    chunks = np.zeros(len(times_s))
    if columns:
        chosen = columns["missing"] == level
        chunks[np.searchsorted(times_s, columns["time_s"][chosen])] = columns["chunks"][chosen]
    return times_s, chunks


def _sample_times(run: Tables) -> Floats:
    columns = run.columns("pangu.redundancy")
    return np.unique(columns["time_s"].astype(np.float64)) if columns else np.zeros(1)


def _label(level: int) -> str:
    return f"{level} replica missing" if level == 1 else f"{level} replicas missing"
