"""Flow completion times of a replayed flow trace, as a distribution."""

from __future__ import annotations

import numpy as np

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.scale import Scale, latency
from feitian_sim.report.series import Floats, Series, thinned
from feitian_sim.report.sheet import PLAIN, Drawing, Omitted, Sheet
from feitian_sim.report.style import BLUE, VERMILLION, Look, paper_style

_ALL = Look(BLUE)
_BY_SIZE = (Look(VERMILLION, (0, (4, 1.5))), Look("#009E73", (0, (1, 1.2)), 1.4))
#: Flows below and above this are shown apart: short flows wait, long flows share.
_SHORT_BYTES = 1_000_000
#: Times that differ by more than this are shown on a logarithmic axis.
_LOG_RANGE = 20.0


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Empirical distribution of flow completion times over all runs, all flows and by size."""
    times_s, sizes = _completions(evidence)
    if not len(times_s):
        return Omitted("no flow was replayed: there is no hardware.flow")
    scale = latency(float(np.median(times_s)))
    sheet = Sheet([2.3], width_in)
    with paper_style():
        panel = sheet.panel("flows", scale, Scale(0.01, "%"), "flows completed")
        panel.line(f"all {len(times_s):,} flows", _distribution(times_s), _ALL, steps=True)
        short = sizes < _SHORT_BYTES
        parts = (("below 1 MB", times_s[short]), ("1 MB and more", times_s[~short]))
        for (label, part), look in zip(parts, _BY_SIZE, strict=True):
            if 0 < len(part) < len(times_s):
                panel.line(label, _distribution(part), look, steps=True)
        if times_s.max() > _LOG_RANGE * times_s.min():
            panel.axes.set_xscale("log")
            panel.axes.xaxis.set_major_formatter(PLAIN)
        else:
            panel.axes.set_xlim(left=0)
        panel.axes.set_ylim(0, 100)
        panel.axes.set_xlabel(f"flow completion time ({scale.unit})")
    return sheet.finish("flows", "Flow completion times", _caption(len(times_s)))


def _completions(evidence: Evidence) -> tuple[Floats, Floats]:
    tables = [run.columns("hardware.flow") for run in evidence.runs]
    tables = [columns for columns in tables if columns]
    if not tables:
        return np.zeros(0), np.zeros(0)
    times = np.concatenate([columns["finish_s"] - columns["start_s"] for columns in tables])
    sizes = np.concatenate([columns["size_bytes"] for columns in tables])
    finished = times > 0
    return times[finished], sizes[finished].astype(np.float64)


def _distribution(times_s: Floats) -> Series:
    ordered = np.sort(times_s)
    share = np.arange(len(ordered) + 1) / len(ordered)
    return Series(*thinned(np.append(ordered[:1], ordered), share))


def _caption(flows: int) -> str:
    return (
        f"Share of the {flows:,} replayed flows that had completed within a time of their start; flows below and "
        "from 1 MB apart when the trace has both."
    )
