"""`feitian report` and `feitian plot`: the figures and the page of results that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = ("svg", "pdf", "png")


@click.command("report", short_help="Draw the figures and the HTML page of results again.")
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
def report_command(directories: tuple[Path, ...]) -> None:
    """Write report.html and all figures into each results folder DIR."""
    from feitian_sim.report import report

    for directory in directories:
        _draw(directory, lambda folder: report(folder))


@click.command("plot", short_help="Draw the figures of results.")
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--format", "formats", multiple=True, type=click.Choice(FORMATS), help="Only these formats. Repeatable.")
def plot_command(directories: tuple[Path, ...], formats: tuple[str, ...]) -> None:
    """Write the figures of each results folder DIR, each with the data that it shows."""
    from feitian_sim.report import render

    for directory in directories:
        _draw(directory, lambda folder: render(folder, formats=formats or FORMATS))


def _draw(directory: Path, draw: Callable[[Path], list[Path]]) -> None:
    from feitian_sim.cli.summary import shown_path
    from feitian_sim.experiments.store import locate, refusing

    folder = locate(directory)
    with refusing(folder):
        paths = draw(folder)
    for path in paths:
        if path.suffix in (".html", ".svg"):
            click.echo(shown_path(path))
    if not paths:
        click.echo(f"{shown_path(folder)}: there is nothing to draw", err=True)
