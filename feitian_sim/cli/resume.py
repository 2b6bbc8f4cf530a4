"""`feitian resume` and `feitian status`: sweeps and comparisons that were stopped, or are under way."""

from __future__ import annotations

from pathlib import Path

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import print_json, print_table, quantity
from feitian_sim.cli.progress import told_of_runs


@click.command("resume", short_help="Go on with a sweep or a comparison that was stopped.")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes.")
@click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True,
              help="Who carries the runs out.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Dask's scheduler, as tcp://host:8786; else workers of our own.")
@click.option("--no-figures", is_flag=True, help="Leave the figures out.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def resume_command(
    directory: Path, jobs: int, engine: str, scheduler: str | None, no_figures: bool, as_json: bool, quiet: bool
) -> ExitCode:
    """Carry out the runs that are missing in DIR, and those that failed; what is finished stays as it is.

    DIR is the folder of the sweep or comparison, also when it was killed before that folder was there.
    """
    from feitian_sim.cli.sweep import answer, sweep_figures
    from feitian_sim.experiments.engines import engine_of
    from feitian_sim.experiments.interruption import interruptible
    from feitian_sim.experiments.sweep import SweepOptions, compared, resume

    options = SweepOptions(engine=engine_of(engine, jobs, scheduler), render=None if no_figures else sweep_figures)
    with interruptible(), told_of_runs(quiet) as listener:
        done = resume(directory, options, listener)
    if done.study.kind == "compare":
        from feitian_sim.cli.compare import answer_compared
        from feitian_sim.experiments.compare import Compared

        return answer_compared(Compared(done, compared(done.study, done.found)), (), as_json)
    return answer(done, as_json)


@click.command("status", short_help="How far a sweep or a comparison is.")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def status_command(directory: Path, as_json: bool) -> None:
    """Say how many runs in DIR are finished, whether somebody is at work there, and what is left to do."""
    from feitian_sim.experiments.status import status_of

    found = status_of(directory)
    if as_json:
        print_json(found.document())
        return
    print_table(
        ("what", "is"),
        [
            ("scenario", found.name),
            ("state", found.state),
            ("finished", f"{found.finished} of {found.runs} runs at {found.points} points"),
            ("set aside", str(found.failed)),
            ("processor time so far", quantity(found.cpu_seconds, "s")),
            ("expected for the rest", quantity(found.left_cpu_seconds, "s")),
            ("lies in", str(found.directory)),
        ],
    )
    if found.state == "stopped":
        click.echo(f"Next     feitian resume {directory}")
