"""`feitian sweep`: a scenario over all combinations of the values on its axes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import LINES_MOST, print_json, print_table, quantity
from feitian_sim.cli.progress import told_of_runs

if TYPE_CHECKING:
    from feitian_sim.experiments.study import Point
    from feitian_sim.experiments.sweep import SweepOptions, Swept


@click.command("sweep", short_help="Run a scenario over all combinations of the values on its axes.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--set", "settings", multiple=True, metavar="KEY=A,B,...",
              help="An axis: pangu.placement=random,copyset; one value is set everywhere. Repeatable.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of all chance, instead of the file's.")
@click.option("--runs", type=click.IntRange(1, 100_000), help="Replications of each point, instead of the file's.")
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes.")
@click.option(
    "--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True, help="Who carries the runs out."
)
@click.option("--scheduler", metavar="ADDRESS", help="Dask's scheduler, as tcp://host:8786; else workers of our own.")
@click.option("--dry-run", is_flag=True, help="Say what would be run and how long it would take.")
@click.option("--keep-going/--fail-fast", default=True, show_default=True, help="What to do when a run fails.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
              metavar="DIR", help="Folder under which the results folder is written.")  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of published traces.")
@click.option("--no-figures", is_flag=True, help="Leave the figures out.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def sweep_command(
    file: Path, settings: tuple[str, ...], seed: int | None, runs: int | None, jobs: int, engine: str,
    scheduler: str | None, dry_run: bool, keep_going: bool, output: Path, data: Path | None, no_figures: bool,
    as_json: bool, quiet: bool,
) -> ExitCode:  # fmt: skip
    """Run FILE at every combination of its axes (its own, under sweep:, or those given), each with all its runs.

    All points meet the same chance. The exit code is 4 when some runs failed, 1 when an
    expectation did not hold.
    """
    from feitian_sim.experiments.engines import engine_of
    from feitian_sim.experiments.interruption import interruptible
    from feitian_sim.experiments.sweep import SweepOptions, sweep
    from feitian_sim.scenario.overrides import split_axes

    overrides, axes = split_axes(settings)
    options = SweepOptions(
        overrides,
        axes,
        seed,
        runs,
        engine_of(engine, jobs, scheduler),
        output,
        data,
        fail_fast=not keep_going,
        render=None if no_figures else sweep_figures,
    )
    if dry_run:
        return dry_run_of(file, options, jobs)
    warn_of(file, options)
    with interruptible(), told_of_runs(quiet) as listener:
        done = sweep(file, options, listener)
    return answer(done, as_json)


def answer(done: Swept, as_json: bool) -> ExitCode:
    """Print what came of a sweep."""
    for failed in done.failed:
        click.echo(f"failed: {' '.join(failed.point.overrides)} run {failed.run}: {failed.reason}", err=True)
    for broken in done.broken:
        click.echo(f"did not hold: {' '.join(broken.point.overrides)} run {broken.run}: {broken.expectation}", err=True)
    if as_json:
        print_json(_document(done))
    else:
        _print(done)
    if done.failed:
        return ExitCode.SOME_FAILED
    return ExitCode.FAILED if done.broken else ExitCode.DONE


def warn_of(file: Path, options: SweepOptions) -> None:
    """Say before anything is run what the user should think about, at any point of a study."""
    from feitian_sim.experiments.study import axes_of, points_of
    from feitian_sim.scenario import load

    data = (options.data,) if options.data else ()
    base = load(file, options.overrides, options.seed, options.runs, data)
    said: dict[str, None] = {}
    for point in points_of(axes_of(base, options.axes)):
        loaded = load(file, (*options.overrides, *point.overrides), options.seed, options.runs, data)
        said.update(dict.fromkeys(str(warning) for warning in loaded.warnings))
    for words in said:
        click.echo(f"warning: {words}", err=True)


def sweep_figures(folder: Path) -> list[Path]:
    """Draw the figures of a sweep into its folder."""
    from feitian_sim.report import render_study

    return render_study(folder)


def dry_run_of(file: Path, options: SweepOptions, jobs: int, least_runs: int = 1) -> ExitCode:
    """Say what would be run, and what that would take; ``least_runs`` of each point where nobody says how many."""
    from dataclasses import replace

    from feitian_sim.experiments.estimate import estimate
    from feitian_sim.experiments.study import axes_of, points_of
    from feitian_sim.scenario import load

    base = load(file, options.overrides, options.seed, options.runs)
    if options.runs is None and base.scenario.runs == 1:
        options = replace(options, runs=least_runs)
    points = points_of(axes_of(base, options.axes))
    found = [estimate(load(file, (*options.overrides, *point.overrides), runs=options.runs)) for point in points]
    total_s = sum(one.wall_seconds for one in found)
    print_table(
        ("what", "estimate"),
        [
            ("points", str(len(points))),
            ("runs", str(sum(one.runs for one in found))),
            ("run time of all", quantity(total_s / jobs, "s")),
            ("memory at once", quantity(max(one.memory_bytes for one in found) * jobs, "bytes")),
        ],
    )
    return ExitCode.DONE


def _document(done: Swept) -> dict[str, Any]:
    from feitian_sim.experiments.manifest import SCHEMA_VERSION

    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": done.name,
        "seed": done.seed,
        "digest": done.digest,
        "axes": list(done.axes),
        "points": [
            {"axes": dict(point.values), "run": record.run, "digest": record.digest, "metrics": record.metrics}
            for point, record in done.records
        ],
        "failed": [{"axes": dict(one.point.values), "run": one.run, "reason": one.reason} for one in done.failed],
        "broken": [
            {"axes": dict(one.point.values), "run": one.run, "expectation": one.expectation} for one in done.broken
        ],
        "directory": str(done.directory),
        "figures": [str(path) for path in done.figures],
    }


def _print(done: Swept) -> None:
    """The points, with the metrics of throughput and of whatever the scenario's axes move most."""
    from feitian_sim.scenario.metrics import library

    shown = [name for name in _SHOWN if any(name in record.metrics for _, record in done.records)][:4]
    units = {name: metric.unit_of(name) for metric in library() for name in metric.names()}
    by_point: dict[Point, list[dict[str, float]]] = {}
    for point, record in done.records:
        by_point.setdefault(point, []).append(record.metrics)
    rows = [
        (
            *(value for _, value in point.values),
            *(_mean([one[name] for one in found if name in one], units[name]) for name in shown),
        )
        for point, found in by_point.items()
    ]
    most = LINES_MOST - 5
    print_table((*done.axes, *shown), rows[:most], right=tuple(range(len(done.axes), len(done.axes) + len(shown))))
    if len(rows) > most:
        click.echo(f"... {len(rows) - most} more points in summary.csv")
    click.echo(f"digest {done.digest}")
    click.echo(f"results in {done.directory}")


def _mean(values: list[float], unit: str) -> str:
    from feitian_sim.experiments.statistics import mean

    return quantity(mean(values), unit) if values else "-"


#: Which metrics the table on the screen shows, if they were measured; summary.csv has all.
_SHOWN = (
    "nuwa.reads_per_s",
    "nuwa.writes_per_s",
    "nuwa.acknowledged_lost_count",
    "nuwa.write_pause_s",
    "kuafu.rpc_latency_s.p99",
    "kuafu.server_held_bytes",
    "kuafu.connections_max_count",
    "kuafu.machine_connections_max_count",
    "pangu.read_bytes_per_s",
    "pangu.write_bytes_per_s",
    "pangu.restored_s",
    "pangu.chunks_lost",
    "pangu.read_latency_s.p99",
    "pangu.write_latency_s.p99",
    "hardware.disk_imbalance",
    "workloads.request_response_s.mean",
)
