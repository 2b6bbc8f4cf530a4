"""Render: all figures of a results folder, each drawn once and written in every format with its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from feitian_sim.report.comparison import drawings
from feitian_sim.report.comparison_page import comparison_page
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
        return render_study(folder, formats)
    return gallery(evidence, width_in, twin).save(evidence.folder / "figures", formats)


def report(folder: str | Path, formats: Sequence[str] = FORMATS, twin: bool = True) -> list[Path]:
    """Write the figures and ``report.html`` of a results folder, drawing each figure once; returns the paths."""
    evidence = Evidence(folder)
    if evidence.is_sweep:
        return render_study(folder, formats)
    shown = gallery(evidence, twin=twin)
    paths = shown.save(evidence.folder / "figures", formats)
    return [*paths, _written(evidence.folder, page(evidence, shown))]


def render_study(folder: str | Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write the figures of a sweep or a comparison, and a comparison's page; returns the paths."""
    folder = Path(folder)
    if not (folder / "comparison.json").is_file():
        return render_sweep(folder, formats)
    drawn = drawings(folder)
    paths = [path for drawing in drawn for path in drawing.save(folder / "figures", formats)]
    return [*paths, _written(folder, comparison_page(folder, drawn))]


def _written(folder: Path, text: str) -> Path:
    whole = folder / "report.html"
    partial = whole.with_name(".report.html.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(whole)
    return whole
