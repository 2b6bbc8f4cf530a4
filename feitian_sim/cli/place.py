"""`feitian place`: what placement policies do, counted without a simulation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import number, print_json, print_table, quantity

if TYPE_CHECKING:
    from feitian_sim.experiments.place import Placed
    from feitian_sim.pangu.survey.balance import Spread
    from feitian_sim.pangu.survey.bursts import BurstRisk


@click.command("place", short_help="What placement policies do, without simulating.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--set", "settings", multiple=True, metavar="KEY=A,B,...",
              help="Policies: pangu.placement=random,copyset; one value is set everywhere. Repeatable.")  # fmt: skip
@click.option("--vary", "varied", multiple=True, metavar="KEY=A,B,...", help="The same as --set with several values.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of all chance, instead of the file's.")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of published traces.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def place_command(
    file: Path, settings: tuple[str, ...], varied: tuple[str, ...], seed: int | None, data: Path | None, as_json: bool
) -> ExitCode:
    """Lay the dataset of FILE out by each policy (its own sweep's, or those given) and count what that is worth.

    Balance, usable capacity, copysets and scatter width, what bursts and racks would take, what growth would move, and
    cost. Nothing is simulated; `feitian explain pangu.burst_loss_ratio` says how a number is found.
    """
    from feitian_sim.experiments.place import placed
    from feitian_sim.experiments.study import axes_of
    from feitian_sim.kernel import ScenarioError
    from feitian_sim.scenario import load
    from feitian_sim.scenario.overrides import split_axes

    overrides, axes = split_axes((*settings, *varied))
    folders = (data,) if data else ()
    if not axes:
        try:
            axes = axes_of(load(file, overrides, seed, None, folders), {})
        except ScenarioError as error:
            if "nothing to vary" not in str(error):
                raise
    found = placed(file, overrides, axes, seed, folders)
    if as_json:
        print_json({"schema_version": 1, "scenario": str(file), "policies": [_document(one) for one in found]})
    else:
        _print(found)
    return ExitCode.DONE


def _print(found: list[Placed]) -> None:
    columns = ("", *(one.label for one in found))
    print_table(columns, _rows(found), right=tuple(range(1, len(columns))))
    for one in found:
        for words in one.warnings:
            click.echo(f"warning: {one.label}: {words}")


def _rows(found: list[Placed]) -> list[tuple[str, ...]]:
    surveys = [one.survey for one in found]
    first = surveys[0]
    rows: list[tuple[str, list[str]]] = [
        ("chunks", [number(one.chunks) for one in surveys]),
        ("full: servers, min p10 p50 p90 max", [_five(one.servers) for one in surveys]),
        ("  standard deviation", [quantity(one.servers.sd, "ratio") for one in surveys]),
        ("full: racks, min p50 max", [_three(one.racks) for one in surveys]),
        ("full: power domains, min p50 max", [_three(one.power_domains) for one in surveys]),
        ("usable when the fullest server is full", [quantity(one.usable_ratio, "ratio") for one in surveys]),
        ("copysets in use", [number(one.copysets) for one in surveys]),
        ("scatter width, mean (min to max)", [_width(one.scatter_width) for one in surveys]),
    ]
    for place, risk in enumerate(first.bursts[:4]):
        rows.append((f"{risk.failures} servers fail: P(any loss)", [_chance(one.bursts[place]) for one in surveys]))
    rows += [
        ("  expected lost chunks, of the first", [number(_short(one.burst.expected_chunks)) for one in surveys]),
        ("  lost chunks when any is", [number(_short(one.burst.chunks_per_incident)) for one in surveys]),
        ("chunks with all copies on different racks", [quantity(one.rack_apart_ratio, "ratio") for one in surveys]),
        ("a rack is lost: P(any loss)", [quantity(one.rack_lost.any_loss_ratio, "ratio") for one in surveys]),
        ("two racks: P(any loss)", [quantity(one.two_racks_lost.any_loss_ratio, "ratio") for one in surveys]),
        (
            f"moved by {first.grown.servers} servers more (optimum)",
            [f"{_percent(one.grown.moved_ratio)} ({_percent(one.grown.optimum_ratio)})" for one in surveys],
        ),
        (
            f"moved by {-first.shrunk.servers} servers less (optimum)",
            [f"{_percent(one.shrunk.moved_ratio)} ({_percent(one.shrunk.optimum_ratio)})" for one in surveys],
        ),
        ("spare racks, power domains", [f"{one.spare_racks}, {one.spare_power_domains}" for one in surveys]),
        ("USD per usable TB and year", [f"{one.usd_per_usable_tb_year:.2f}" for one in surveys]),
    ]
    return [(name, *values) for name, values in rows]


def _five(spread: Spread) -> str:
    shown = (spread.minimum, spread.p10, spread.p50, spread.p90, spread.maximum)
    return " ".join(f"{100 * one:.3g}" for one in shown) + " %"


def _three(spread: Spread) -> str:
    return " ".join(f"{100 * one:.3g}" for one in (spread.minimum, spread.p50, spread.maximum)) + " %"


def _width(width: tuple[float, int, int]) -> str:
    return f"{width[0]:,.4g} ({width[1]} to {width[2]})"


def _chance(risk: BurstRisk) -> str:
    if risk.counted:
        return quantity(_short(risk.any_loss_ratio), "ratio")
    return f"{_percent(risk.any_loss_ratio)} ({_percent(risk.low)} to {_percent(risk.high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _document(one: Placed) -> dict[str, Any]:
    from dataclasses import asdict

    return {"policy": one.label, **asdict(one.survey), "warnings": list(one.warnings)}
