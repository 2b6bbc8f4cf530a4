"""`feitian export`: results in the formats of others."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("export", short_help="Write results in the formats of others.")
def export_command() -> None:
    """Write results in the formats of others."""


@export_command.command("wfformat", short_help="A job as WfFormat 1.5 (WfCommons).")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--job", help="Which job of run 0. Default: the one with most failures and backups, then most instances.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: beside the results, by its name."
)
def wfformat_command(directory: Path, job: str | None, output: Path | None) -> None:
    """Write a job that ran in the results DIR as a WfFormat document."""
    from feitian_sim.cli.summary import shown_path
    from feitian_sim.experiments.store import locate, refusing
    from feitian_sim.report.wfformat import write_job

    folder = locate(directory)
    with refusing(folder):
        path = write_job(folder, job, output)
    click.echo(shown_path(path))
