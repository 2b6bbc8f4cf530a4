"""The figures of one results folder, drawn once, for files and page alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures import FIGURES
from feitian_sim.report.sheet import Drawing, Omitted
from feitian_sim.report.style import COLUMN_IN, FORMATS


@dataclass(frozen=True)
class Gallery:
    """The figures of one results folder, and why the others are missing."""

    drawings: tuple[Drawing, ...]
    omitted: dict[str, str]

    def save(self, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
        """Write every drawing into a folder."""
        return [path for drawing in self.drawings for path in drawing.save(folder, formats)]


def gallery(evidence: Evidence, width_in: float = COLUMN_IN, twin: bool = True) -> Gallery:
    """Draw every figure that has data."""
    drawings, omitted = [], {}
    for name, draw in FIGURES.items():
        drawn = draw(evidence, width_in, twin) if evidence.runs else Omitted("no run was finished")
        if isinstance(drawn, Omitted):
            omitted[name] = drawn.reason
        else:
            drawings.append(drawn)
    return Gallery(tuple(drawings), omitted)
