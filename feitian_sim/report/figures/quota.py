"""Quota groups over time: the share that each has, beside what it is guaranteed."""

from __future__ import annotations

import numpy as np

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.throughput import runs_words
from feitian_sim.report.scale import Scale
from feitian_sim.report.series import Floats, Series, held, over_runs
from feitian_sim.report.sheet import Drawing, Omitted, Sheet
from feitian_sim.report.style import CYCLE, Look, paper_style
from feitian_sim.report.timeline import draw_timeline, time_scale

_QUOTA = "fuxi.quota"
#: More groups than looks: those that use most have a line of their own.
_SHOWN = 6


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """The dominant share of each group; thin lines of its colour are its guarantee."""
    groups = _groups(evidence)
    if len(groups) < 2:
        return Omitted("there are no quota groups beside each other: there is no fuxi.quota of two")
    sheet = Sheet([2.1], width_in)
    with paper_style():
        panel = sheet.panel("quota", time_scale(evidence), Scale(0.01, "%"), "dominant share")
        panel.least_named = 1
        for group, look in zip(groups, CYCLE, strict=False):
            guaranteed = _series(evidence, group, "guaranteed_ratio")
            if guaranteed.largest:
                panel.line(f"{group}, guaranteed", guaranteed, Look(look.colour, look.dash, 0.5), steps=True, front=2)
                del panel.entries[f"{group}, guaranteed"]
            panel.line(group, _series(evidence, group, "share_ratio"), look, steps=True)
        panel.axes.set_ylim(bottom=0)
    draw_timeline(sheet, evidence)
    return sheet.finish("quota", "Shares of quota groups", _CAPTION + runs_words(evidence))


def _groups(evidence: Evidence) -> list[str]:
    most: dict[str, float] = {}
    for run in evidence.runs:
        columns = run.columns(_QUOTA)
        for group, share in zip(columns["group"].astype(str), columns["share_ratio"], strict=True) if columns else ():
            most[group] = max(most.get(group, 0.0), float(share))
    return sorted(sorted(most, key=lambda group: (-most[group], group))[:_SHOWN])


def _series(evidence: Evidence, group: str, column: str) -> Series:
    sampled = [_sampled(run.columns(_QUOTA), group, column) for run in evidence.runs]
    times_s = np.unique(np.concatenate([times for times, _ in sampled]))
    return over_runs(times_s, [held(times, values, times_s) for times, values in sampled])


def _sampled(columns: object, group: str, column: str) -> tuple[Floats, Floats]:
    if not isinstance(columns, dict) or not columns:
        return np.zeros(0), np.zeros(0)
    chosen = columns["group"].astype(str) == group
    return columns["time_s"][chosen].astype(np.float64), columns[column][chosen].astype(np.float64)


_CAPTION = (
    "The largest of a group's shares of the cell's resources. Thin lines: what the group is guaranteed; above it, it "
    "has borrowed."
)
