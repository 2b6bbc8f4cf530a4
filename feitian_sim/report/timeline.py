"""Timeline: what figures over time have in common: the time axis, shaded fault windows, phases.

A few faults are shaded and named with their target. Many faults of one kind become ticks above the top panel,
counted in the legend. Phases are thin vertical lines through all panels, each with a marker of its own above the
top panel, and their times in the legend.
"""

from __future__ import annotations

import matplotlib.patches
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.phases import Phase, Window, fault_windows, phases
from feitian_sim.report.scale import Scale, clock, run_time
from feitian_sim.report.sheet import MARK_ROW_POINTS, Sheet
from feitian_sim.report.style import (
    BLUE,
    DASH_DOT,
    DASHED,
    DOTTED,
    MARK_GREY,
    SOLID,
    VERMILLION,
    WINDOW_FILLS,
    Dash,
    paper_style,
)

#: More windows than this of one kind are drawn as ticks.
_SHADED_WINDOWS = 6
#: Markers nearer than this share of the axis are put above each other.
_CROWDED = 0.035
_LABEL_CHARACTERS = 26
_TICK_COLOURS = (MARK_GREY, VERMILLION, BLUE)

_MARKS: dict[str, tuple[str, Dash]] = {
    "fault": ("v", SOLID),
    "detected": ("D", DASHED),
    "master back": ("s", DASHED),
    "repairing": ("^", DOTTED),
    "restored": ("o", DASH_DOT),
}


def time_scale(evidence: Evidence) -> Scale:
    """The unit in which this run's time axes are labelled."""
    return run_time(evidence.duration_s)


def draw_timeline(sheet: Sheet, evidence: Evidence) -> None:
    """Shade the faults, mark the phases, and share one time axis among the panels of the sheet."""
    if not evidence.runs:
        return
    scale = time_scale(evidence)
    with paper_style():
        _axis(sheet, evidence, scale)
        first = evidence.runs[0]
        _faults(sheet, fault_windows(first, evidence.duration_s), scale)
        _phases(sheet, phases(first, evidence.duration_s), scale, evidence.duration_s)


def draw_span(sheet: Sheet, evidence: Evidence, start_s: float, end_s: float) -> None:
    """Show a part of run 0's time on the axis, and shade the faults that it overlaps."""
    margin_s = 0.02 * max(end_s - start_s, 1e-9)
    low_s, high_s = max(0.0, start_s - margin_s), end_s + margin_s
    for panel in sheet.panels:
        scale = panel.x_scale
        inside = [
            Window(window.kind, window.target, max(window.start_s, low_s), min(window.end_s, high_s))
            for window in fault_windows(evidence.runs[0], evidence.duration_s)
            if window.start_s <= high_s and window.end_s >= low_s
        ]
        panel.axes.set_xlim(low_s / scale.factor, high_s / scale.factor)
        panel.axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
        _faults(sheet, tuple(inside), scale)
    sheet.panels[-1].axes.set_xlabel(f"simulated time ({sheet.panels[-1].x_scale.unit})")


def _axis(sheet: Sheet, evidence: Evidence, scale: Scale) -> None:
    for panel in sheet.panels:
        panel.axes.set_xlim(0, evidence.duration_s / scale.factor)
        panel.axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
        if panel is not sheet.panels[-1]:
            panel.axes.tick_params(labelbottom=False)
    sheet.panels[-1].axes.set_xlabel(f"simulated time ({scale.unit})")
    if evidence.warmup_s > 0:
        _shade(sheet, "warm-up (not measured)", Window("", "", 0.0, evidence.warmup_s), scale, ("#EEEEEE", ""))


def _faults(sheet: Sheet, windows: tuple[Window, ...], scale: Scale) -> None:
    kinds = sorted({window.kind for window in windows})
    for index, kind in enumerate(kinds):
        fill = WINDOW_FILLS[index % len(WINDOW_FILLS)]
        alike = [window for window in windows if window.kind == kind]
        if len(alike) > _SHADED_WINDOWS:
            _ticks(sheet, f"{kind} ({len(alike)} times)", alike, scale)
            continue
        label = f"{kind} {alike[0].target}" if len(alike) == 1 else f"{kind} ({len(alike)} times)"
        for window in alike:
            _shade(sheet, _short(label), window, scale, fill)


def _shade(sheet: Sheet, label: str, window: Window, scale: Scale, fill: tuple[str, str]) -> None:
    colour, hatch = fill
    start, end = window.start_s / scale.factor, window.end_s / scale.factor
    for panel in sheet.panels:
        if end > start:
            panel.axes.axvspan(start, end, facecolor=colour, hatch=hatch, edgecolor="#BBBBBB", linewidth=0, zorder=0)
        else:
            panel.axes.axvline(start, color=MARK_GREY, linewidth=0.6, zorder=1)
    sheet.mark(label, matplotlib.patches.Patch(facecolor=colour, hatch=hatch, edgecolor="#BBBBBB", linewidth=0.4))
    sheet.note_span(label, window.start_s, window.end_s)


def _ticks(sheet: Sheet, label: str, windows: list[Window], scale: Scale) -> None:
    """Ticks in a row of their own above the top panel: one row for each kind of fault."""
    row, colour = sheet.mark_rows, _TICK_COLOURS[sheet.mark_rows % len(_TICK_COLOURS)]
    for window in windows:
        sheet.note_span(label, window.start_s, window.end_s)
    _above(sheet, [window.start_s / scale.factor for window in windows], row, "|", colour)
    sheet.mark(label, Line2D([], [], color=colour, linestyle="none", marker="|", markersize=4))


def _phases(sheet: Sheet, told: tuple[Phase, ...], scale: Scale, duration_s: float) -> None:
    first_row = row = sheet.mark_rows
    last_s = -duration_s
    for phase in told:
        row = row + 1 if phase.time_s - last_s < _CROWDED * duration_s else first_row
        last_s = phase.time_s
        marker, dash = _MARKS[phase.name]
        x = phase.time_s / scale.factor
        for panel in sheet.panels:
            panel.axes.axvline(x, color=MARK_GREY, linewidth=0.6, linestyle=dash, zorder=2)
        _above(sheet, [x], row, marker, MARK_GREY)
        sheet.note_span(phase.name, phase.time_s, phase.time_s)
    for name, (marker, dash) in _MARKS.items():
        times = [clock(phase.time_s) for phase in told if phase.name == name]
        if times:
            handle = Line2D([], [], color=MARK_GREY, linewidth=0.6, linestyle=dash, marker=marker, markersize=3)
            sheet.mark(f"{name} at {', '.join(times)}" if len(times) < 3 else f"{name} ({len(times)} times)", handle)


def _above(sheet: Sheet, x: list[float], row: int, marker: str, colour: str) -> None:
    """Markers in a row above the top panel, outside of its data."""
    sheet.mark_rows = max(sheet.mark_rows, row + 1)
    axes = sheet.panels[0].axes
    lift = ScaledTranslation(0, (2.5 + MARK_ROW_POINTS * row) / 72, sheet.figure.dpi_scale_trans)
    axes.plot(
        x,
        [1.0] * len(x),
        marker=marker,
        markersize=4 if marker == "|" else 3,
        markeredgewidth=0.4 if marker == "|" else 1.0,
        color=colour,
        linestyle="none",
        transform=axes.get_xaxis_transform() + lift,
        clip_on=False,
    )


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_CHARACTERS else f"{label[: _LABEL_CHARACTERS - 1]}…"
