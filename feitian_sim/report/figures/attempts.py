"""Attempts: what a compromised machine tried, and why it was refused."""

from __future__ import annotations

import numpy as np

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.scale import Scale
from feitian_sim.report.series import Series
from feitian_sim.report.sheet import Drawing, Omitted, Sheet
from feitian_sim.report.style import CYCLE, paper_style

_ATTEMPT = "zhongkui.attempt"
_THROUGH = "LET THROUGH"


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """For each kind of attempt, how often it was refused for which reason."""
    found: dict[str, dict[str, int]] = {}
    for run in evidence.runs:
        columns = run.columns(_ATTEMPT)
        if not columns:
            continue
        for attempt, refused in zip(columns["attempt"].astype(str), columns["refused"].astype(str), strict=True):
            reasons = found.setdefault(str(attempt), {})
            reason = str(refused) or _THROUGH
            reasons[reason] = reasons.get(reason, 0) + 1
    if not found:
        return Omitted("nobody tried to break in: there is no zhongkui.attempt")
    kinds = sorted(found)
    every_reason = sorted({reason for one in found.values() for reason in one})
    sheet = Sheet([0.35 + 0.19 * len(kinds)], width_in)
    with paper_style():
        panel = sheet.panel("attempts", Scale(1.0, ""), Scale(1.0, ""), "")
        left = np.zeros(len(kinds))
        places = np.arange(len(kinds), dtype=np.float64)
        for number, reason in enumerate(every_reason):
            counted = np.array([found[kind].get(reason, 0) for kind in kinds], dtype=np.float64)
            look = CYCLE[number % len(CYCLE)]
            panel.axes.barh(
                places,
                counted,
                left=left,
                height=0.7,
                color=look.colour,
                edgecolor="white",
                linewidth=0.3,
                hatch="" if number < len(CYCLE) else "////",
            )
            for place, count, start in zip(places, counted, left, strict=True):
                if count:
                    panel.axes.text(
                        start + count / 2, place, reason, ha="center", va="center", color="white", fontsize=5.5
                    )
            sheet.note(panel, reason, Series(places, counted))
            left += counted
        panel.axes.set_yticks(places, kinds)
        panel.axes.invert_yaxis()
        panel.axes.set_xlabel("attempts refused, by reason")
    total = int(sum(sum(one.values()) for one in found.values()))
    through = sum(one.get(_THROUGH, 0) for one in found.values())
    return sheet.finish(
        "attempts",
        "What was tried, and why it was refused",
        f"{total} attempts of a compromised machine by kind, each bar split by the reason that the server gave; "
        f"{through} were let through.",
    )
