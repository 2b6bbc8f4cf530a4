"""Completion of jobs: how long they took, and how many times longer than their critical path alone."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.scale import Scale, run_time
from feitian_sim.report.series import Floats, Series, thinned
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Panel, Sheet
from feitian_sim.report.style import BLUE, VERMILLION, Look, paper_style

#: Values that differ by more than this are shown on a logarithmic axis.
_LOG_RANGE = 20.0


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Distributions over the jobs of all runs that finished after the warm-up."""
    jobs = [completions(run) for run in evidence.runs]
    times_s = np.concatenate([took for took, _ in jobs]) if jobs else np.zeros(0)
    slowdowns = np.concatenate([slow for _, slow in jobs]) if jobs else np.zeros(0)
    slowdowns = slowdowns[np.isfinite(slowdowns)]
    if not len(times_s):
        return Omitted("no job finished: there is no fuxi.app_ended of a job")
    scale = run_time(float(np.percentile(times_s, 90)))
    sheet = Sheet([1.7, 1.7] if len(slowdowns) else [2.2], width_in)
    with paper_style():
        panel = sheet.panel("completion", scale, Scale(0.01, "%"), "jobs finished")
        _distribution(panel, f"all {len(times_s):,} jobs", times_s, Look(BLUE))
        panel.axes.set_xlabel(f"time from submission to the end ({scale.unit})")
        if len(slowdowns):
            below = sheet.panel("slowdown", Scale(1.0, ""), Scale(0.01, "%"), "jobs slowed less")
            _distribution(below, f"all {len(slowdowns):,} jobs", slowdowns, Look(VERMILLION))
            below.axes.set_xlabel("slowdown (times the critical path)")
    return sheet.finish("completion", "Completion of jobs", _caption(len(times_s), len(slowdowns)))


def _distribution(panel: Panel, label: str, values: Floats, look: Look) -> None:
    ordered = np.sort(values)
    share = np.arange(len(ordered) + 1) / len(ordered)
    panel.line(label, Series(*thinned(np.append(ordered[:1], ordered), share)), look, steps=True)
    if ordered[-1] > _LOG_RANGE * max(1e-9, float(ordered[0])):
        panel.axes.set_xscale("log")
        panel.axes.xaxis.set_major_formatter(PLAIN)
    panel.axes.set_ylim(0, 100)


def completions(run: Tables) -> tuple[Floats, Floats]:
    """Of each job that finished after the warm-up: how long it took, and its slowdown, NaN where that is not known."""
    ended, submitted = run.settled("fuxi.app_ended"), run.columns("fuxi.app_submitted")
    if not ended or not submitted:
        return np.zeros(0), np.zeros(0)
    jobs = submitted["app"][submitted["app_kind"].astype(str) == "job"].astype(str)
    chosen = ended["ok"].astype(bool) & np.isin(ended["app"].astype(str), jobs)
    took_s = ended["ran_s"][chosen].astype(np.float64)
    ideal = ideal_s(run)
    best = np.array([ideal.get(str(app), np.nan) for app in ended["app"][chosen].tolist()], dtype=np.float64)
    return took_s, np.where(best > 0, took_s / np.where(best > 0, best, 1.0), np.nan)


def ideal_s(run: Tables) -> dict[str, float]:
    """How long each job would have taken if nothing had waited: the longest way through its graph."""
    columns = run.columns("fuxi.job_ended")
    if not columns:
        return {}
    return {str(job): float(critical_s) for job, critical_s in zip(columns["job"], columns["critical_s"], strict=True)}


def _caption(jobs: int, slowed: int) -> str:
    text = f"Share of the {jobs:,} jobs that finished after the warm-up within a time of their submission."
    if slowed:
        text += (
            " Slowdown: that time over the job's critical path, the longest way through its graph with each task as long "
            "as its longest instance computes; 1 would be a job that never waited for anything."
        )
    return text
