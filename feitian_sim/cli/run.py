"""`feitian run`: one scenario, its runs, its results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import print_json
from feitian_sim.cli.progress import shown_progress

if TYPE_CHECKING:
    from feitian_sim.experiments.run import Experiment


@click.command("run", short_help="Run a scenario and write its results.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of all chance, instead of the file's.")
@click.option("--runs", type=click.IntRange(1, 100_000), help="Replications, instead of the file's.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set any key: pangu.replicas=2. Repeatable.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
              metavar="DIR", help="Folder under which the results folder is written.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of published traces.")
@click.option("--no-figures", is_flag=True, help="Leave figures and report.html out.")
@click.option("--events", is_flag=True, help="Also store checkpoints of the events, for `feitian diff`.")
@click.option("--event-lines", is_flag=True, help="Also store every event, for `feitian diff` with other code.")
@click.option("--keep-going", is_flag=True, help="Leave rows of traces that do not parse out, and count them.")
@click.option("--twin", is_flag=True, help="Also run without the faults, and draw that behind the run.")
def run_command(
    file: Path, seed: int | None, runs: int | None, overrides: tuple[str, ...], output: Path, as_json: bool,
    quiet: bool, data: Path | None, no_figures: bool, events: bool, event_lines: bool,
    keep_going: bool, twin: bool,
) -> ExitCode:  # fmt: skip
    """Run the scenario FILE and write results/<name>-<hash>: tables, summary, figures, report.html.

    Running the same again replaces its results. The exit code is 1 when an expectation did not hold.
    """
    from feitian_sim.experiments.interruption import interruptible
    from feitian_sim.experiments.run import Options, run

    options = Options(
        overrides=(*overrides, *(_dropping(file, overrides, data) if keep_going else ())),
        seed=seed,
        runs=runs,
        output=output,
        data=data,
        twin=twin or None,
        events="lines" if event_lines else "checkpoints" if events else "",
        render=None if no_figures else _render,
    )
    with interruptible(), shown_progress(quiet) as listener:
        done = run(file, options, listener)
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
    if as_json:
        print_json(run_document(done))
    else:
        from feitian_sim.cli.summary import print_summary

        print_summary(done)
    return ExitCode.DONE if done.summary.held else ExitCode.FAILED


def _dropping(file: Path, overrides: tuple[str, ...], data: Path | None) -> list[str]:
    """What ``--keep-going`` sets: traces, of jobs and of failures, drop what does not parse."""
    from feitian_sim.scenario import load

    scenario = load(file, overrides=overrides, data=[data] if data is not None else []).scenario
    loads = [f"load[{at}]" for at, one in enumerate(scenario.load) if hasattr(one, "on_bad_row")]
    faults = [f"faults[{at}].trace" for at, one in enumerate(scenario.faults) if getattr(one, "trace", None) is not None]
    return [f"{key}.on_bad_row=drop" for key in (*loads, *faults)]


def _render(folder: Path) -> list[Path]:
    # Drawing needs matplotlib, a second of import: not before the simulation is over.
    from feitian_sim.report import report

    return report(folder)


def run_document(done: Experiment) -> dict[str, Any]:
    """The JSON document of a run."""
    from feitian_sim.experiments.manifest import SCHEMA_VERSION
    from feitian_sim.experiments.summary import expectation_row, metric_row

    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": done.summary.name,
        "seed": done.summary.seed,
        "runs": done.summary.runs,
        "digest": done.summary.digest,
        "digests": [record.digest for record in done.records],
        "metrics": [metric_row(estimate) for estimate in done.summary.metrics],
        "expectations": [expectation_row(verdict) for verdict in done.summary.verdicts],
        "directory": str(done.directory),
        "figures": [str(path) for path in done.figures],
    }
