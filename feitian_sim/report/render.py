"""Render: all figures of a results folder, each drawn once and written in every format with its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.gallery import gallery
from feitian_sim.report.html import page
from feitian_sim.report.scaling import render_sweep
from feitian_sim.report.style import COLUMN_IN, FORMATS


def render(
    folder: str | Path, formats: Sequence[str] = FORMATS, twin: bool = True, width_in: float = COLUMN_IN
) -> list[Path]:
    """Write ``figures/<name>.<format>`` and ``figures/<name>.csv`` of a results folder; returns the paths."""
    evidence = Evidence(folder)
    if evidence.is_sweep:
        return render_sweep(folder, formats)
    return gallery(evidence, width_in, twin).save(evidence.folder / "figures", formats)


def report(folder: str | Path, formats: Sequence[str] = FORMATS, twin: bool = True) -> list[Path]:
    """Write the figures and ``report.html`` of a results folder, drawing each figure once; returns the paths."""
    evidence = Evidence(folder)
    if evidence.is_sweep:
        return render_sweep(folder, formats)
    shown = gallery(evidence, twin=twin)
    paths = shown.save(evidence.folder / "figures", formats)
    whole = evidence.folder / "report.html"
    partial = whole.with_name(".report.html.partial")
    partial.write_text(page(evidence, shown), encoding="utf-8")
    partial.replace(whole)
    return [*paths, whole]
