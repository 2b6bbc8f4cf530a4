"""`feitian validate`: published experiments, simulated beside published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import print_json, print_table, quantity
from feitian_sim.cli.progress import shown_progress

if TYPE_CHECKING:
    from feitian_sim.experiments.validate import Validated


@click.command("validate", short_help="Published experiments: simulated beside published.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Only those that take under 10 s.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of published traces.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def validate_command(names: tuple[str, ...], quick: bool, as_json: bool, data: Path | None, quiet: bool) -> ExitCode:
    """Run scenarios/validation/NAME.yaml (all by default) and hold them against what is published.

    The exit code is 1 when a value lies outside its tolerance, or no longer does where a gap is stated.
    """
    from feitian_sim.experiments.interruption import interruptible
    from feitian_sim.experiments.shelf import validations
    from feitian_sim.experiments.validate import validate

    rows: list[Validated] = []
    with interruptible():
        for path in validations(names):
            if not quiet:
                click.echo(f"{path.stem} ...", err=True)
            with shown_progress(quiet) as listener:
                rows += validate(path, quick=quick, data=(data,) if data else (), listener=listener)
    if as_json:
        print_json([row.document() for row in rows])
    else:
        _print(rows)
    return ExitCode.DONE if all(row.as_expected for row in rows) else ExitCode.FAILED


def _print(rows: list[Validated]) -> None:
    print_table(
        ("", "name", "quantity", "published", "simulated", "tolerance", "calibrated", "source"),
        [
            (
                _verdict(row),
                row.name,
                row.quantity,
                quantity(row.published, row.unit),
                quantity(row.simulated, row.unit),
                _tolerance(row),
                "yes" if row.calibrated else "no",
                row.source,
            )
            for row in rows
        ],
        right=(3, 4, 5),
    )
    for row in rows:
        if row.known_gap is not None:
            stated = "known gap" if row.as_expected else "no longer a gap, strike known_gap"
            click.echo(f"{stated}: {row.name}, {row.quantity}: {row.known_gap}")
    failed, gaps = sum(not row.as_expected for row in rows), sum(not row.ok and row.as_expected for row in rows)
    known = f", {gaps} known to be outside" if gaps else ""
    click.echo(f"{len(rows)} quantities, {failed} not as expected{known}" if rows else "nothing to validate")


def _tolerance(row: Validated) -> str:
    if row.bound is not None:
        return f"{row.bound} bound"
    return "-" if row.tolerance is None else f"± {quantity(row.tolerance, row.unit)}"


def _verdict(row: Validated) -> str:
    if not row.as_expected:
        return "FAILED"
    return "ok" if row.ok else "gap"
