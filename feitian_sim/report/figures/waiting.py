"""Waiting times of requests at cores: the share that waits longer than a time, as queueing theory draws it."""

from __future__ import annotations

import numpy as np

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.scale import Scale, latency
from feitian_sim.report.series import Floats, Series, thinned
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Sheet
from feitian_sim.report.style import BLUE, DASHED, VERMILLION, Look, paper_style

_WAITED, _SERVED = Look(BLUE), Look(VERMILLION, DASHED)
#: The longest times are so few that their share says nothing.
_FEWEST = 10


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Share of requests that wait, and that are served, longer than a time; exponential times are a straight line."""
    waited_s, served_s = (_times(evidence, column) for column in ("waited_s", "service_s"))
    if len(waited_s) <= _FEWEST:
        return Omitted("no request was served by a core alone: there is no hardware.request")
    scale = latency(float(waited_s.mean()) or float(served_s.mean()))
    sheet = Sheet([2.3], width_in)
    with paper_style():
        panel = sheet.panel("waiting", scale, Scale(0.01, "%"), "requests that take longer")
        panel.line(f"waiting, mean {waited_s.mean() / scale.factor:.3g} {scale.unit}", _longer(waited_s), _WAITED)
        panel.line(f"service, mean {served_s.mean() / scale.factor:.3g} {scale.unit}", _longer(served_s), _SERVED)
        panel.axes.set_yscale("log")
        panel.axes.yaxis.set_major_formatter(PLAIN)
        panel.axes.set_xlim(left=0)
        panel.axes.set_xlabel(f"time ({scale.unit})")
    return sheet.finish("waiting", "Waiting times", _CAPTION)


def _times(evidence: Evidence, column: str) -> Floats:
    """All runs together, without what arrived during the warm-up."""
    tables = [run.columns("hardware.request") for run in evidence.runs]
    parts = [columns[column][columns["arrived_s"] >= evidence.warmup_s] for columns in tables if columns]
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def _longer(times_s: Floats) -> Series:
    ordered = np.sort(times_s)[:-_FEWEST]
    longer = 1.0 - np.arange(1, len(ordered) + 1) / len(times_s)
    return Series(*thinned(ordered, longer))


_CAPTION = (
    "Share of the requests that waited for a core, and that were served, longer than a time, over all runs and "
    "without the warm-up. Exponentially distributed times lie on a straight line."
)
