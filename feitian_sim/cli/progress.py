"""Progress on stderr: a bar on a terminal, a sparse line elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from feitian_sim.cli.output import quantity

if TYPE_CHECKING:
    from feitian_sim.experiments.progress import Listener, Progress
    from feitian_sim.experiments.sweep import Told

#: Without a terminal: a line this often at most, so that logs of CI systems stay short.
_LINE_EVERY_S = 15.0


@contextmanager
def shown_progress(quiet: bool) -> Iterator[Listener | None]:
    """A listener that shows progress while the block runs."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as (bar, task):
            yield lambda progress: bar.update(
                task, completed=progress.done_ratio, description=_words(progress), refresh=True
            )
    else:
        yield _Lines().tell


@contextmanager
def told_of_runs(quiet: bool) -> Iterator[Callable[[Told], None] | None]:
    """A listener that shows how many runs of a study are done: a bar on a terminal, a line for each elsewhere."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as (bar, task):
            yield lambda told: bar.update(
                task, completed=told.done / told.runs, description=_words_of_runs(told), refresh=True
            )
    else:
        yield lambda told: click.echo(_words_of_runs(told), err=True)


@contextmanager
def bar_or_lines(quiet: bool) -> Iterator[Callable[[float, str, float], None] | None]:
    """What shows a share done, words and seconds since the beginning: a bar on a terminal, else a sparse line."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as (bar, task):
            yield lambda share, words, _: bar.update(task, completed=share, description=words, refresh=True)
    else:
        last_s = [0.0]

        def line(share: float, words: str, elapsed_s: float) -> None:
            if elapsed_s - last_s[0] >= _LINE_EVERY_S:
                last_s[0] = elapsed_s
                click.echo(f"{share:4.0%}  {words}", err=True)

        yield line


def _words_of_runs(told: Told) -> str:
    left = f", {quantity(max(told.left_s, 1.0), 's')} left" if told.done < told.runs else ""
    return f"{told.done} of {told.runs} runs{left}"


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
        yield bar, bar.add_task("", total=1.0)


def _words(progress: Progress) -> str:
    run = f"run {progress.run + 1} of {progress.runs}, " if progress.runs > 1 else ""
    left = "" if progress.remaining_s is None else f", {quantity(max(progress.remaining_s, 1.0), 's')} left"
    return (
        f"{run}{quantity(progress.sim_s, 's')} of {quantity(progress.duration_s, 's')} simulated, "
        f"{progress.events_per_s:,.0f} events/s{left}"
    )
