"""Progress on stderr: a bar on a terminal, a sparse line elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from feitian_sim.cli.output import quantity

if TYPE_CHECKING:
    from feitian_sim.experiments.progress import Listener, Progress

#: Without a terminal: a line this often at most, so that logs of CI systems stay short.
_LINE_EVERY_S = 15.0


@contextmanager
def shown_progress(quiet: bool) -> Iterator[Listener | None]:
    """A listener that shows progress while the block runs."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as listener:
            yield listener
    else:
        yield _Lines().tell


class _Lines:
    def __init__(self) -> None:
        self._last_s = 0.0

    def tell(self, progress: Progress) -> None:
        if progress.elapsed_s - self._last_s < _LINE_EVERY_S:
            return
        self._last_s = progress.elapsed_s
        click.echo(f"{progress.done_ratio:4.0%}  {_words(progress)}", err=True)


@contextmanager
def _bar() -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(bar_width=30), TaskProgressColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=1.0)

        def tell(progress: Progress) -> None:
            bar.update(task, completed=progress.done_ratio, description=_words(progress), refresh=True)

        yield tell


def _words(progress: Progress) -> str:
    run = f"run {progress.run + 1} of {progress.runs}, " if progress.runs > 1 else ""
    left = "" if progress.remaining_s is None else f", {quantity(max(progress.remaining_s, 1.0), 's')} left"
    return (
        f"{run}{quantity(progress.sim_s, 's')} of {quantity(progress.duration_s, 's')} simulated, "
        f"{progress.events_per_s:,.0f} events/s{left}"
    )
