"""What the users of services on Fuxi got, how long it took, and what became of the partitions meanwhile."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.latency import add_calm, percentile_curves, percentile_panel, percentile_windows
from feitian_sim.report.figures.operations import step_series, window_edges
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import Scale, clock
from feitian_sim.report.series import Floats, Series, counts, held, over_runs
from feitian_sim.report.sheet import Drawing, Omitted, Sheet
from feitian_sim.report.style import BLUE, DASHED, DOTTED, GREEN, SOLID, VERMILLION, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_REQUEST, _MOVED = "fuxi.service_request", "fuxi.partition_moved"
_ANSWERED, _FAILED = Look(BLUE, SOLID), Look(VERMILLION, DASHED)
#: What is counted of partitions: by how much a fact changes it.
_PARTITIONS = {
    "served": ({"fuxi.partition_loaded": 1, "fuxi.partition_unloaded": -1}, Look(BLUE, SOLID)),
    "splits so far": ({"fuxi.partition_split": 1}, Look(VERMILLION, DASHED)),
    "moves so far": ({_MOVED: 1}, Look(GREEN, DOTTED, 1.4)),
}


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Requests per second, percentiles of how long they took, and partitions, over time."""
    if not any(run.count(_REQUEST) for run in evidence.runs):
        return Omitted("no service was asked anything: there is no fuxi.service_request")
    windows = percentile_windows(evidence, min(len(_took(run)[0]) for run in evidence.runs))
    sheet = Sheet([1.2, 1.5, 1.2], width_in)
    with paper_style():
        _rates(sheet, evidence)
        curves = percentile_curves(evidence.runs, _took, windows)
        if curves:
            panel = percentile_panel(sheet, evidence, "request", curves)
            if with_twin and evidence.twin is not None:
                add_calm(panel, percentile_curves((evidence.twin,), _took, windows))
        _partitions(sheet, evidence)
    draw_timeline(sheet, evidence)
    return sheet.finish("service", "Requests to services", _caption(evidence, float(windows[1])))


def _rates(sheet: Sheet, evidence: Evidence) -> None:
    windows = window_edges(evidence)
    panel = sheet.panel("rate", time_scale(evidence), Scale(1.0, "1/s"), "requests")
    for name, ok, look in (("answered", True, _ANSWERED), ("failed", False, _FAILED)):
        rates = [counts(_ended_s(run, ok), windows) / np.diff(windows) for run in evidence.runs]
        if any(rate.any() for rate in rates):
            panel.line(name, step_series(windows, rates), look, steps=True)
    panel.axes.set_ylim(bottom=0)


def _ended_s(run: Tables, ok: bool) -> Floats:
    ended_s: Floats = run.column(_REQUEST, "time_s")[run.column(_REQUEST, "ok").astype(bool) == ok]
    return ended_s


def _took(run: Tables) -> tuple[Floats, Floats]:
    ok = run.column(_REQUEST, "ok").astype(bool)
    ended_s = run.column(_REQUEST, "time_s")[ok]
    return ended_s, ended_s - run.column(_REQUEST, "start_s")[ok]


def _partitions(sheet: Sheet, evidence: Evidence) -> None:
    panel = sheet.panel("partitions", time_scale(evidence), Scale(1.0, ""), "partitions")
    for name, (steps, look) in _PARTITIONS.items():
        series = _counted(evidence, steps)
        if series.largest:
            panel.line(name, series, look, steps=True)
    panel.axes.set_ylim(bottom=0)


def _counted(evidence: Evidence, steps: dict[str, int]) -> Series:
    per_run = [_levels(run, steps) for run in evidence.runs]
    shown_s = np.unique(np.concatenate([[0.0, evidence.duration_s], *(times_s for times_s, _ in per_run)]))
    return over_runs(shown_s, [held(times_s, levels, shown_s) for times_s, levels in per_run])


def _levels(run: Tables, steps: dict[str, int]) -> tuple[Floats, Floats]:
    found = {kind: _when(run, kind) for kind in steps}
    times_s = np.concatenate(list(found.values()))
    by = np.concatenate([np.full(len(found[kind]), float(step)) for kind, step in steps.items()])
    order = np.argsort(times_s, kind="stable")
    levels: Floats = np.cumsum(by[order])
    return times_s[order], levels


def _when(run: Tables, kind: str) -> Floats:
    """When it happened; a partition that was nobody's before is placed, not moved."""
    times_s: Floats = run.column(kind, "time_s")
    if kind == _MOVED:
        times_s = times_s[run.column(kind, "why").astype(str) != "placed"]
    return times_s


def _caption(evidence: Evidence, window_s: float) -> str:
    return (
        "Requests that were answered and that failed; percentiles of how long those took that were answered in each "
        f"window of {clock(window_s)}, from the first try to the answer; partitions that a worker serves, and how often "
        "one was split, or went from one worker to another." + runs_words(evidence)
    )
