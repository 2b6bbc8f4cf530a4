"""Foreground throughput: what the clients got, by operation, while things failed and were repaired."""

from __future__ import annotations

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.operations import failures, operation_names, throughput, window_edges
from feitian_sim.report.scale import Scale, clock, rate
from feitian_sim.report.sheet import Drawing, Omitted, Panel, Sheet
from feitian_sim.report.style import CYCLE, Look, operation_look, paper_style, twin
from feitian_sim.report.timeline import draw_timeline, time_scale

_FAILED = Look(CYCLE[6].colour, width=0.9)


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """Bytes per second of successful operations; failed operations in a panel of their own when there are any."""
    names = moving(evidence)
    if not names:
        return Omitted("no client moved data: there is no pangu.operation with bytes")
    windows = window_edges(evidence)
    failed = failures(evidence.runs, windows)
    sheet = Sheet([1.95, 0.85] if failed.largest else [2.3], width_in)
    with paper_style():
        throughput_panel(sheet, evidence, with_twin)
        if failed.largest:
            panel = sheet.panel("failed", time_scale(evidence), Scale(1.0, ""), "failed\noperations")
            panel.line("failed operations", failed, _FAILED, steps=True)
            panel.axes.set_ylim(bottom=0)
    draw_timeline(sheet, evidence)
    return sheet.finish("throughput", "Foreground throughput", caption(evidence, with_twin))


def moving(evidence: Evidence) -> tuple[str, ...]:
    """The operations that moved bytes."""
    windows = window_edges(evidence)
    names = operation_names(evidence)
    return tuple(name for name in names if throughput(evidence.runs, name, windows).largest > 0)


def throughput_panel(sheet: Sheet, evidence: Evidence, with_twin: bool) -> Panel:
    """The panel of throughput by operation, with the fault-free twin behind it."""
    windows = window_edges(evidence)
    shown = {name: throughput(evidence.runs, name, windows) for name in moving(evidence)}
    scale = rate(max(series.largest for series in shown.values()))
    panel = sheet.panel("throughput", time_scale(evidence), scale, "throughput")
    for name, series in shown.items():
        if with_twin and evidence.twin is not None:
            calm = throughput((evidence.twin,), name, windows)
            panel.line(f"{name}, no fault", calm, twin(operation_look(name)), steps=True, front=2)
        panel.line(name, series, operation_look(name), steps=True)
    panel.axes.set_ylim(bottom=0)
    return panel


def caption(evidence: Evidence, with_twin: bool) -> str:
    """What the figure shows, how it was averaged and over how many runs."""
    window_s = window_edges(evidence)[1]
    text = (
        f"Bytes per second that clients moved successfully, by operation, in windows of {clock(float(window_s))}; "
        "each operation's bytes are spread evenly over its duration."
    )
    if with_twin and evidence.twin is not None:
        text += " Grey: the same scenario and seed without its faults."
    return text + runs_words(evidence)


def runs_words(evidence: Evidence) -> str:
    """What line and band mean when there are several runs."""
    count = len(evidence.runs)
    if count < 2:
        return ""
    return f" Line: median of {count} runs; band: smallest to largest run; faults and phases are those of run 0."
