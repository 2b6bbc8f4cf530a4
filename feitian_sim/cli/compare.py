"""`feitian compare`: variants of a scenario that meet the same chance, in one table and one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import LINES_MOST, print_json, print_table, quantity
from feitian_sim.cli.progress import told_of_runs
from feitian_sim.cli.summary import shown_path

if TYPE_CHECKING:
    from feitian_sim.experiments.compare import Compared
    from feitian_sim.experiments.comparison import Cell, Comparison
    from feitian_sim.experiments.goals import Goal


@click.command("compare", short_help="Variants that meet the same chance, with intervals of their differences.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE | DIR DIR...")
@click.option("--vary", "varied", multiple=True, metavar="KEY=A,B,...",
              help="The variants: pangu.placement=random,copyset; default: the file's sweep. Repeatable.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Set in every variant. Repeatable.")
@click.option("--baseline", metavar="VARIANT", help="To which the others are held; default: the first.")
@click.option("--metric", "metrics", multiple=True, metavar="METRIC", help="Show these instead. Repeatable.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of all chance, instead of the file's.")
@click.option("--runs", type=click.IntRange(1, 100_000), help="Runs of each variant; default: the file's, or 5.")
@click.option("--precision", metavar="SHARE", help="Add runs until the interval is so narrow: 5%.")
@click.option("--of", "precise", metavar="METRIC", help="Of which metric; default: the first in the table that varies.")
@click.option("--max-runs", type=click.IntRange(2), default=200, show_default=True, help="The most with --precision.")
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes.")
@click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True,
              help="Who carries the runs out.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Dask's scheduler, as tcp://host:8786; else workers of our own.")
@click.option("--dry-run", is_flag=True, help="Say what would be run and how long it would take.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
              metavar="DIR", help="Folder under which the results folder is written.")  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of published traces.")
@click.option("--no-figures", is_flag=True, help="Leave the figures and the page out.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def compare_command(paths: tuple[Path, ...], as_json: bool, metrics: tuple[str, ...], **given: Any) -> ExitCode:
    """Run every variant of FILE under the same failures and the same load, and compare; or compare results DIR DIR.

    Each cell is a mean over runs; beside it the difference to the baseline, run by run, as a share, with its 95 %
    interval. * is the best; a difference in brackets is not certain. `feitian explain METRIC` says what a number is.
    """
    from feitian_sim.experiments.compare import compare_results
    from feitian_sim.kernel import ScenarioError
    from feitian_sim.scenario.metrics import library

    for metric in (*metrics, *([given["precise"]] if given["precise"] else ())):
        try:
            library().split(metric)
        except ValueError as error:
            raise ScenarioError(str(error)) from None
    if len(paths) > 1 or paths[0].is_dir():
        comparison = compare_results(paths)
        _say(comparison, None, metrics, as_json)
        return ExitCode.DONE
    return _compare_file(paths[0], metrics, as_json, **given)


def _compare_file(
    path: Path, metrics: tuple[str, ...], as_json: bool, *, varied: tuple[str, ...], settings: tuple[str, ...],
    baseline: str | None, seed: int | None, runs: int | None, precision: str | None, precise: str | None, max_runs: int,
    jobs: int, engine: str, scheduler: str | None, dry_run: bool, output: Path, data: Path | None, no_figures: bool,
    quiet: bool,
) -> ExitCode:  # fmt: skip
    from feitian_sim.cli.sweep import dry_run_of, sweep_figures, warn_of
    from feitian_sim.experiments.compare import RUNS, Precision, compare
    from feitian_sim.experiments.engines import engine_of
    from feitian_sim.experiments.interruption import interruptible
    from feitian_sim.experiments.sweep import SweepOptions
    from feitian_sim.scenario.overrides import split_axes

    overrides, axes = split_axes((*settings, *varied))
    options = SweepOptions(
        overrides, axes, seed, runs, engine_of(engine, jobs, scheduler), output, data,
        render=None if no_figures else sweep_figures,
    )  # fmt: skip
    if dry_run:
        return dry_run_of(path, options, jobs, least_runs=RUNS)
    warn_of(path, options)
    wanted = None if precision is None else Precision(_share(precision), precise, max_runs)
    with interruptible(), told_of_runs(quiet) as listener:
        done = compare(path, options, baseline, wanted, listener)
    return answer_compared(done, metrics, as_json)


def answer_compared(done: Compared, metrics: tuple[str, ...], as_json: bool) -> ExitCode:
    """Print what came of a comparison."""
    for failed in done.swept.failed:
        click.echo(f"failed: {' '.join(failed.point.overrides)} run {failed.run}: {failed.reason}", err=True)
    _say(done.comparison, done, metrics, as_json)
    if done.swept.failed:
        return ExitCode.SOME_FAILED
    return ExitCode.FAILED if done.swept.broken else ExitCode.DONE


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise click.BadParameter(f"{text!r} is no share between 0 and 1: write 5%", param_hint="--precision")
    return share


def _say(comparison: Comparison, done: Compared | None, metrics: tuple[str, ...], as_json: bool) -> None:
    from feitian_sim.experiments.goals import goal_of

    if as_json:
        print_json(_document(comparison, done))
        return
    goals = [goal_of(metric) for metric in metrics] or list(comparison.goals)
    columns = ("", *(f"{label} (baseline)" if label == comparison.baseline else label for label in comparison.labels))
    rows = [_row(comparison, goal) for goal in goals]
    lost = {label: comparison.lost(label) for label in comparison.labels}
    if not metrics and any(found is not None and found[0] for found in lost.values()):
        rows.insert(0, ("runs with loss (95 % interval)", *(_lost_words(lost[label]) for label in comparison.labels)))
    print_table(columns, rows[: LINES_MOST - 6], right=tuple(range(1, len(columns))))
    runs = {len(comparison.runs[label]) for label in comparison.labels}
    click.echo(
        f"{'/'.join(map(str, sorted(runs)))} runs of each variant, paired; * best; a difference to "
        f"{comparison.baseline} in brackets is not certain"
    )
    if done is not None:
        directory = shown_path(done.swept.directory)
        click.echo(f"Results  {directory}")
        if any(path.name == "report.html" for path in done.swept.figures):
            click.echo(f"Report   {directory}/report.html")
        click.echo(f"digest {done.swept.digest}")


def _row(comparison: Comparison, goal: Goal) -> tuple[str, ...]:
    best = comparison.best(goal)
    cells = [(label, comparison.cell(goal.metric, label)) for label in comparison.labels]
    baseline = comparison.cell(goal.metric, comparison.baseline)
    return (goal.short, *(_cell_words(cell, baseline, label in best) for label, cell in cells))


def _cell_words(cell: Cell | None, baseline: Cell | None, is_best: bool) -> str:
    if cell is None:
        return "-"
    words = ("* " if is_best else "") + quantity(float(f"{cell.estimate.value:.4g}"), cell.estimate.unit)
    found = cell.difference
    if found is None or baseline is None or not baseline.estimate.value:
        return words
    share = 100 / abs(baseline.estimate.value)
    if found.low is None or found.high is None:
        return f"{words} {share * found.value:+.3g} %"
    if found.low == found.high:
        return f"{words} {share * found.value:+.3g} %" if found.value else f"{words} ="
    low, high = share * (found.value - found.low), share * (found.high - found.value)
    if max(low, high) < 1.5 * min(low, high):
        text = f"{_signed(share * found.value)}±{_plain(max(low, high))} %"
    else:
        text = f"{_signed(share * found.value)} ({_signed(share * found.low)} to {_signed(share * found.high)}) %"
    return f"{words} {text}" if found.is_certain else f"{words} [{text}]"


def _signed(share: float) -> str:
    return f"{share:+,.0f}" if abs(share) >= 100 else f"{float(f'{share:.3g}'):+.4g}" if abs(share) >= 0.001 else "+0"


def _plain(share: float) -> str:
    return f"{share:,.0f}" if share >= 100 else f"{share:.2g}" if share >= 0.001 else "0"


def _lost_words(found: tuple[int, int, float, float] | None) -> str:
    return "-" if found is None else f"{found[0]} of {found[1]} ({100 * found[2]:.3g} to {100 * found[3]:.3g} %)"


def _document(comparison: Comparison, done: Compared | None) -> dict[str, Any]:
    from feitian_sim.experiments.summary import definitions_of
    from feitian_sim.scenario.metrics import library

    document = comparison.document(definitions_of(tuple(library())))
    if done is None:
        return document
    swept = done.swept
    return {
        **document,
        "scenario": swept.name,
        "seed": swept.seed,
        "digest": swept.digest,
        "failed": [{"axes": dict(one.point.values), "run": one.run, "reason": one.reason} for one in swept.failed],
        "expectations": [
            {"axes": dict(one.point.values), "run": one.run, "text": one.expectation, "ok": False} for one in swept.broken
        ],
        "directory": str(swept.directory),
        "figures": [str(path) for path in swept.figures],
    }
