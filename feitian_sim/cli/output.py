"""What the command prints: tables and JSON on stdout, messages on stderr."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Literal

import click

#: An answer fits on a screen.
LINES_MOST = 25


def print_json(document: object) -> None:
    """One JSON document."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (), *, fold: bool = True
) -> None:
    """A table without frames; the columns in ``right`` hold numbers.

    What is too wide for a terminal is folded, or with ``fold=False`` cut, so that a row stays one line.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, column in enumerate(columns):
        justify: Literal["right", "left"] = "right" if number in right else "left"
        table.add_column(column, justify=justify, no_wrap=not fold, overflow="fold" if fold else "ellipsis")
    for row in rows:
        table.add_row(*(_escaped(cell) for cell in row))
    # A pipe has no width: never fold what a script will read.
    width = None if sys.stdout.isatty() else 200
    console = Console(highlight=False, width=width, color_system=None, file=io.StringIO())
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    for line in console.file.getvalue().splitlines():
        click.echo(line.rstrip())


def _escaped(cell: str) -> str:
    from rich.markup import escape

    return escape(cell)


def number(value: float | int | None) -> str:
    """A value for people: up to six significant digits, thousands separated."""
    if value is None:
        return "-"
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


_SCALES: Mapping[str, tuple[tuple[float, str], ...]] = {
    "s": ((86400 * 365.25, "years"), (86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "us")),
    "bytes": ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")),
    "bytes_per_s": ((1e12, "TB/s"), (1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")),
    "bps": ((1e12, "Tbit/s"), (1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1, "bit/s")),
}


_SCALES_OF: Mapping[str, str] = {"B": "bytes", "B/s": "bytes_per_s", "bit/s": "bps"}


def quantity(value: float | None, unit: str) -> str:
    """A value with a unit that suits its size: ``23.2 min``, ``440 MB/s``."""
    if value is None:
        return "-"
    if unit == "ratio":
        return f"{value * 100:.4g} %"
    scales = _SCALES.get(_SCALES_OF.get(unit, unit))
    if scales is None:
        return f"{number(value)} {unit}".rstrip()
    size = abs(value)
    factor, name = next(((factor, name) for factor, name in scales if size >= factor), scales[-1])
    if size == 0:
        factor, name = 1, next(name for factor, name in scales if factor == 1)
    return f"{value / factor:.4g} {name}"
