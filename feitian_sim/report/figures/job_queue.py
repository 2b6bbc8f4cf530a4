"""Jobs and instances over time: how many wait, how many run."""

from __future__ import annotations

import numpy as np

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import Scale
from feitian_sim.report.series import Series, held, over_runs
from feitian_sim.report.sheet import Drawing, Omitted, Sheet, short_count
from feitian_sim.report.style import BLUE, DASHED, SOLID, VERMILLION, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_QUEUE = "fuxi.queue"
_LOOKS = {"running": Look(BLUE, SOLID), "waiting": Look(VERMILLION, DASHED)}


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Jobs above, instances below."""
    if not any(run.count(_QUEUE) for run in evidence.runs):
        return Omitted("jobs were not counted: there is no fuxi.queue")
    sheet = Sheet([1.35, 1.35], width_in)
    with paper_style():
        for what in ("jobs", "instances"):
            panel = sheet.panel(what, time_scale(evidence), Scale(1.0, ""), what)
            for state, look in _LOOKS.items():
                panel.line(state, _series(evidence, f"{what}_{state}"), look, steps=True)
            panel.axes.set_ylim(bottom=0)
            panel.axes.yaxis.set_major_formatter(lambda value, _: short_count(value))
    draw_timeline(sheet, evidence)
    return sheet.finish("job-queue", "Jobs and instances", _CAPTION + runs_words(evidence))


def _series(evidence: Evidence, column: str) -> Series:
    times_s = np.unique(np.concatenate([run.column(_QUEUE, "time_s") for run in evidence.runs]))
    return over_runs(
        times_s, [held(run.column(_QUEUE, "time_s"), run.column(_QUEUE, column), times_s) for run in evidence.runs]
    )


_CAPTION = (
    "Jobs that wait for their master and that run; instances of the running jobs that could run and wait for a worker, "
    "and that run."
)
