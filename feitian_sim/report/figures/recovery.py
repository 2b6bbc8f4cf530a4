"""The recovery plot: risk, repair and what the users feel, one under the other on one time axis."""

from __future__ import annotations

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.redundancy import levels, redundancy_panel
from feitian_sim.report.figures.repair import backlog_panel, repair_panel, repaired
from feitian_sim.report.figures.throughput import moving, runs_words, throughput_panel
from feitian_sim.report.sheet import Drawing, Omitted, Sheet
from feitian_sim.report.style import paper_style
from feitian_sim.report.timeline import draw_timeline


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Panels of redundancy, repair throughput and foreground throughput, as far as each has data."""
    at_risk, cloned, load = bool(levels(evidence)), repaired(evidence), bool(moving(evidence))
    if not at_risk and not cloned:
        return Omitted("no sample saw a chunk miss a replica, and nothing was repaired")
    # Short repairs of a long run fall between two samples of redundancy: then the master's backlog tells the risk.
    panels = 1 + cloned + load
    sheet = Sheet([1.3] * panels if panels > 1 else [2.3], width_in)
    with paper_style():
        if at_risk:
            redundancy_panel(sheet, evidence)
        else:
            backlog_panel(sheet, evidence)
        if cloned:
            repair_panel(sheet, evidence)
        if load:
            throughput_panel(sheet, evidence, with_twin)
    draw_timeline(sheet, evidence)
    return sheet.finish("recovery", "Recovery", _caption(evidence, at_risk, with_twin and load))


def _caption(evidence: Evidence, at_risk: bool, with_twin: bool) -> str:
    risk = "chunks that miss replicas" if at_risk else "replicas that the master had to restore (the most in a window)"
    text = f"From fault to full redundancy: {risk}, bytes cloned per second, and what the clients got meanwhile."
    if with_twin and evidence.twin is not None:
        text += " Grey: the same scenario and seed without its faults."
    return text + runs_words(evidence)
