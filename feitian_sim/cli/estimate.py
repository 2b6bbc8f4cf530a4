"""`feitian estimate`: run time and memory before running."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from feitian_sim.cli.output import number, print_json, print_table, quantity


@click.command("estimate", short_help="Run time and memory before running.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--runs", type=click.IntRange(1, 100_000), help="Replications, instead of the file's.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set any key. Repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def estimate_command(file: Path, runs: int | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Count what running FILE is made of, and say how long it will take and how much memory, with the error."""
    from feitian_sim.experiments.estimate import estimate
    from feitian_sim.scenario import load

    loaded = load(file, overrides, runs=runs)
    found = estimate(loaded)
    if as_json:
        print_json({"schema_version": 1, "scenario": loaded.scenario.name, **asdict(found)})
        return
    low, high = found.wall_seconds / found.error_factor, found.wall_seconds * found.error_factor
    print_table(
        ("what", "estimate"),
        [
            ("machines", number(found.machines)),
            ("chunks", number(found.chunks)),
            ("operations in a run", number(found.operations)),
            ("repairs in a run", number(found.repairs)),
            ("runs", number(found.runs)),
            ("run time", f"{quantity(found.wall_seconds, 's')} ({quantity(low, 's')} to {quantity(high, 's')})"),
            ("memory", quantity(found.memory_bytes, "bytes")),
        ],
    )
