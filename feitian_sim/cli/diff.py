"""`feitian diff`: the first diverging event of two runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import print_json
from feitian_sim.cli.progress import shown_progress

if TYPE_CHECKING:
    from feitian_sim.experiments.diff import Diff

_REMARKS_MOST = 6


@click.command("diff", short_help="The first diverging event of two runs.")
@click.argument("first", type=click.Path(path_type=Path), metavar="A")
@click.argument("second", type=click.Path(path_type=Path), metavar="B")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def diff_command(first: Path, second: Path, as_json: bool, quiet: bool) -> ExitCode:
    """Name the first event in which the results folders A and B differ, and the first canonical fact.

    Both were made by `feitian run --event-lines`, or by `--events`: then what differs is repeated by the
    code at hand, which must be the code of both. The exit code is 0 when they are the same, 1 when not.
    """
    from feitian_sim.experiments.diff import diff
    from feitian_sim.experiments.interruption import interruptible

    with interruptible(), shown_progress(quiet) as listener:
        found = diff(first, second, listener)
    if as_json:
        print_json(found.document())
    else:
        _print(found)
    return ExitCode.DONE if found.equal else ExitCode.FAILED


def _print(found: Diff) -> None:
    from feitian_sim.experiments.divergence import divergence_words, fact_words

    click.echo(f"A  {found.directories[0]}\nB  {found.directories[1]}")
    for remark in found.remarks[:_REMARKS_MOST]:
        click.echo(f"note: {remark}")
    if found.equal:
        click.echo(f"the same, event by event, in {found.runs} run{'s' if found.runs > 1 else ''}")
        return
    click.echo(f"run {found.run} differs")
    if found.divergence is not None:
        for line in divergence_words(found.divergence):
            click.echo(line)
    if found.fact is None:
        click.echo("no canonical fact differs: only the order or the making of events does")
    else:
        click.echo(f"first fact in A    {fact_words(found.fact.first)}")
        click.echo(f"first fact in B    {fact_words(found.fact.second)}")
