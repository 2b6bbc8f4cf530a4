"""Style: what every figure looks like, and how it becomes the same bytes each time.

A figure is made for a printed column: 3.5 in wide (or 7 in across the page), 7-8 pt DejaVu Sans (it comes with
matplotlib), fonts embedded, no LaTeX. Colours are Okabe and Ito's, which colour-blind readers tell apart; each
goes with a dash pattern of its own, so that a grey print tells them apart too. No date and no random id enters
a file: drawing the same results twice gives the same bytes in SVG, PDF and PNG.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import matplotlib
from matplotlib.figure import Figure

#: Width of a figure in one column and across the page of a two-column paper.
COLUMN_IN = 3.5
PAGE_IN = 7.0

#: Okabe and Ito, "Color Universal Design" (2008); their yellow is too faint for a thin line on white.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
TWIN_GREY = "#9A9A9A"
MARK_GREY = "#333333"

#: Fills of fault windows with the hatch that tells them apart in grey.
WINDOW_FILLS = (("#FBE8C6", ""), ("#DCE6F0", "////"), ("#F4DCE8", "...."))

Dash = Literal["-", "none"] | tuple[int, tuple[float, ...]]
SOLID: Dash = "-"
DASHED: Dash = (0, (4, 1.5))
DOTTED: Dash = (0, (1, 1.2))
DASH_DOT: Dash = (0, (5, 1.3, 1, 1.3))
DASH_DOT_DOT: Dash = (0, (5, 1.2, 1, 1.2, 1, 1.2))
LONG: Dash = (0, (8, 2))

FORMATS = ("svg", "pdf", "png")
_METADATA: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}, "png": {}}
)


@dataclass(frozen=True, slots=True)
class Look:
    """How one series is drawn."""

    colour: str
    dash: Dash = SOLID
    width: float = 1.1
    marker: str = ""


CYCLE = (
    Look(BLUE, SOLID),
    Look(VERMILLION, DASHED),
    Look(GREEN, DASH_DOT),
    Look(PURPLE, DOTTED, 1.4),
    Look(ORANGE, LONG),
    Look(SKY, DASH_DOT_DOT),
    Look(BLACK, SOLID, 0.8),
)

#: An operation keeps its look in every figure.
OPERATION_LOOKS: MappingProxyType[str, Look] = MappingProxyType(
    {"write": CYCLE[0], "read": CYCLE[1], "append": CYCLE[2], "create": CYCLE[3], "delete": CYCLE[4]}
)


def operation_look(operation: str) -> Look:
    """The look of an operation; an unknown one is black."""
    return OPERATION_LOOKS.get(operation, CYCLE[6])


def twin(look: Look) -> Look:
    """The same dashes, thin and grey: the run in which nothing failed."""
    return Look(TWIN_GREY, look.dash, 0.7)


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw and save inside this context."""
    with matplotlib.rc_context(fname=Path(__file__).with_name("paper.mplstyle")):
        yield


def image(figure: Figure, image_format: str) -> bytes:
    """The figure as a file of the format, without dates."""
    stream = BytesIO()
    with paper_style():
        figure.savefig(stream, format=image_format, metadata=_METADATA[image_format])
    return stream.getvalue()
