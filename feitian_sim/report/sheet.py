"""Sheet: a figure under construction that notes every number it draws.

A figure asks its sheet for panels and draws series through them; the sheet keeps the same arrays as rows, so the
CSV beside a figure holds exactly what the figure shows. Fault windows, phases and legend are drawn here, alike in
every figure over time.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from feitian_sim.report.scale import Scale
from feitian_sim.report.series import Series
from feitian_sim.report.style import COLUMN_IN, FORMATS, Look, image, paper_style

#: Height of one row of a legend.
_LEGEND_ROW_IN = 0.135
#: Height of one row of marks above the top panel.
MARK_ROW_POINTS = 4.5

#: Ticks of a logarithmic axis as plain numbers: 0.01, 1, 1000.
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")

CSV_HEADER = ("panel", "series", "x", "x_unit", "y", "y_unit", "low", "high")
Row = tuple[str, str, float, str, float | None, str, float | None, float | None]


@dataclass(frozen=True)
class Omitted:
    """A figure that has nothing to show, and why."""

    reason: str


@dataclass(frozen=True)
class Drawing:
    """A finished figure: the picture, the rows that it shows, and a caption."""

    name: str
    title: str
    caption: str = field(repr=False)
    figure: Figure = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)
    _images: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    def image(self, image_format: str) -> bytes:
        """The picture as svg, pdf or png; each is made once."""
        if image_format not in self._images:
            self._images[image_format] = image(self.figure, image_format)
        return self._images[image_format]

    def csv(self) -> str:
        """The shown data, one row per point."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(CSV_HEADER)
        writer.writerows(["" if cell is None or cell != cell else cell for cell in row] for row in self.rows)
        return text.getvalue()

    def save(self, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
        """Write the picture in each format, and its data."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for image_format in formats:
            path = folder / f"{self.name}.{image_format}"
            path.write_bytes(self.image(image_format))
            paths.append(path)
        path = folder / f"{self.name}.csv"
        path.write_text(self.csv(), encoding="utf-8")
        return [*paths, path]

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """For notebooks: the printed picture, one and a half times as wide on a screen."""
        return self.image("png"), {"width": round(150 * self.figure.get_size_inches()[0])}


class Panel:
    """One pair of axes of a sheet."""

    def __init__(self, sheet: Sheet, axes: Axes, name: str, x_scale: Scale, y_scale: Scale, y_label: str) -> None:
        self.sheet, self.axes, self.name = sheet, axes, name
        self.x_scale, self.y_scale = x_scale, y_scale
        self.entries: dict[str, Artist] = {}
        #: A single series is told by the label of its axis, unless the panel wants it named.
        self.least_named = 2
        axes.set_ylabel(f"{y_label}{sheet.label_break}({y_scale.unit})" if y_scale.unit else y_label)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], integer=not y_scale.unit))

    def line(self, label: str, series: Series, look: Look, *, steps: bool = False, front: int = 3) -> None:
        """Draw a series, with its band over runs, and note it."""
        x, y = series.x / self.x_scale.factor, series.y / self.y_scale.factor
        (line,) = self.axes.plot(
            x,
            y,
            color=look.colour,
            linestyle=look.dash,
            linewidth=look.width,
            marker=look.marker or None,
            drawstyle="steps-post" if steps else "default",
            zorder=front,
        )
        self.entries.setdefault(label, line)
        if series.low is not None and series.high is not None:
            low, high = series.low / self.y_scale.factor, series.high / self.y_scale.factor
            step: Literal["post"] | None = "post" if steps else None
            shade: dict[str, Any] = {"color": look.colour, "alpha": 0.18, "linewidth": 0, "zorder": front - 1}
            self.axes.fill_between(x, low, high, step=step, **shade)
        self.sheet.note(self, label, series)

    def counts_by_decade(self, largest: float) -> None:
        """A y axis that is linear up to 1 and logarithmic above, so that 1 and 100,000 chunks are both seen."""
        decades = [float(10**power) for power in range(len(str(max(1, int(largest)))))]
        kept = decades[:: -(-len(decades) // 4)]
        self.axes.set_yscale("symlog", linthresh=1, linscale=0.4)
        self.axes.yaxis.set_major_locator(FixedLocator([0, *kept]))
        self.axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
        self.axes.yaxis.set_minor_locator(FixedLocator(decades))
        self.axes.set_ylim(0, 1.6 * max(1.0, largest))

    def legend(self, lift_points: float) -> int:
        """Name the series above the panel, that far above its edge; returns the rows that this takes."""
        above = self.sheet.panels[self.sheet.panels.index(self) - 1] if self is not self.sheet.panels[0] else None
        if len(self.entries) < self.least_named or (above is not None and above.entries.keys() == self.entries.keys()):
            return 0
        columns = fitting_columns(self.entries, self.sheet.width_in - 0.4)
        self.axes.legend(
            list(self.entries.values()),
            list(self.entries),
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            borderaxespad=lift_points / 6.8,
            ncols=columns,
        )
        return -(-len(self.entries) // columns)


class Sheet:
    """The figure, its panels from top to bottom, its legend entries and the rows shown so far."""

    def __init__(self, heights: Sequence[float], width_in: float = COLUMN_IN, columns: int = 1) -> None:
        """``heights``: of each row of panels, in inches; ``columns``: panels beside each other, filled row by row."""
        self.width_in = width_in
        self.heights_in = list(heights)
        self.label_break = " " if len(heights) == 1 else "\n"
        with paper_style():
            self.figure = Figure(figsize=(width_in, sum(heights)))
            grid = self.figure.add_gridspec(len(heights), columns, height_ratios=self.heights_in)
            self._free = [
                self.figure.add_subplot(grid[row, column]) for row in range(len(heights)) for column in range(columns)
            ]
        self.figure.set_layout_engine("constrained", h_pad=0.03, w_pad=0.02, hspace=0.02)
        self.panels: list[Panel] = []
        #: Rows of marks above the top panel.
        self.mark_rows = 0
        self._marks: dict[str, Artist] = {}
        self._rows: list[Row] = []

    def panel(self, name: str, x_scale: Scale, y_scale: Scale, y_label: str) -> Panel:
        """The next panel, row by row from the top."""
        panel = Panel(self, self._free.pop(0), name, x_scale, y_scale, y_label)
        self.panels.append(panel)
        return panel

    @property
    def has_room(self) -> bool:
        """Whether a place for a panel is left."""
        return bool(self._free)

    def leave_empty(self) -> None:
        """Show nothing in the next place."""
        self._free.pop(0).set_axis_off()

    def mark(self, label: str, artist: Artist) -> None:
        """Name a fault window or a phase in the legend below the panels; a label appears once."""
        self._marks.setdefault(label, artist)

    def note(self, panel: Panel, label: str, series: Series) -> None:
        """Keep the rows of a series."""
        empty: list[float | None] = [None] * len(series.x)
        low = empty if series.low is None else series.low.tolist()
        high = empty if series.high is None else series.high.tolist()
        x_unit, y_unit = base_unit(panel.x_scale.unit), base_unit(panel.y_scale.unit)
        rows = zip(series.x.tolist(), series.y.tolist(), low, high, strict=True)
        self._rows += [(panel.name, label, x, x_unit, y, y_unit, bottom, top) for x, y, bottom, top in rows]

    def note_span(self, label: str, start_s: float, end_s: float) -> None:
        """Keep a fault window or a phase: x is its start, low and high its start and end."""
        self._rows.append(("marks", label, start_s, "s", None, "s", start_s, end_s))

    def finish(self, name: str, title: str, caption: str) -> Drawing:
        """Put the legends outside the axes, where they cover no data, and make room for them."""
        with paper_style():
            marks_points = 1.0 + MARK_ROW_POINTS * self.mark_rows if self.mark_rows else 0.0
            rows = [panel.legend(2 + marks_points * (panel is self.panels[0])) for panel in self.panels]
            if self._marks:
                columns = fitting_columns(self._marks, self.width_in)
                rows.append(-(-len(self._marks) // columns))
                self.figure.legend(
                    list(self._marks.values()), list(self._marks), loc="outside lower center", ncols=columns
                )
            self.figure.align_ylabels([panel.axes for panel in self.panels])
            height_in = sum(self.heights_in) + _LEGEND_ROW_IN * sum(rows) + marks_points / 72
            self.figure.set_size_inches(self.width_in, height_in)
            # Laid out once for all formats: a layout for each took a third of the time.
            engine = self.figure.get_layout_engine()
            assert engine is not None
            engine.execute(self.figure)
            self.figure.set_layout_engine("none")
        return Drawing(name, title, caption, self.figure, tuple(self._rows))


def fitting_columns(entries: Mapping[str, Artist], width_in: float) -> int:
    """How many columns of a legend fit into the width: a character is about 3.7 points, a handle 28."""
    longest = max(len(label) for label in entries)
    fitting = [count for count in (5, 4, 3, 2) if count * (28 + 3.7 * longest) <= 72 * width_in]
    return min(fitting[0] if fitting else 1, len(entries))


def short_count(value: float) -> str:
    """A count for an axis: 0, 10, 1k, 100k, 10M."""
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:g}{letter}"
    return f"{value:g}"


def base_unit(unit: str) -> str:
    """Rows are in seconds, bytes, bytes per second and ratios, whatever unit the axis shows."""
    if unit in ("µs", "ms", "s", "min", "h", "d"):
        return "s"
    if unit == "%":
        return "ratio"
    amount, slash, per = unit.partition("/")
    return f"B{slash}{per}" if amount in ("B", "kB", "MB", "GB", "TB", "PB") else unit
