"""`feitian list`, `explain` and `schema`: the reference, from the models themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from feitian_sim.cli.output import print_json, print_table

KINDS = ("scenarios", "faults", "policies", "workloads", "metrics")


@click.command("list", short_help="List scenarios, faults, policies, workloads or metrics.")
@click.argument("kind", type=click.Choice(KINDS), metavar="|".join(KINDS))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_command(kind: str, as_json: bool) -> None:
    """List what there is of a kind; `feitian explain NAME` tells more of each."""
    rows = _rows(kind)
    if as_json:
        print_json({"schema_version": 1, kind: [dict(zip(_columns(kind), row, strict=True)) for row in rows]})
        return
    print_table(_columns(kind), rows)


def _columns(kind: str) -> tuple[str, ...]:
    return ("name", "unit", "meaning") if kind == "metrics" else ("name", "meaning")


def _rows(kind: str) -> list[tuple[str, ...]]:
    if kind == "scenarios":
        from feitian_sim.experiments.shelf import shelved

        return [(found.id, found.question) for found in shelved()]
    if kind == "metrics":
        from feitian_sim.scenario.metrics import library

        return [(metric.id, metric.unit, " ".join(metric.definition.split())) for metric in library()]
    if kind == "policies":
        return _policies()
    from feitian_sim.scenario.explain import explain

    found = explain("faults" if kind == "faults" else "load").inside
    return sorted((name, meaning.replace("``", "")) for name, meaning in found)


def _policies() -> list[tuple[str, ...]]:
    from feitian_sim.fuxi.fairness import FAIRNESS
    from feitian_sim.fuxi.machine_choice import MACHINE_CHOICES
    from feitian_sim.fuxi.preemption import PREEMPTION
    from feitian_sim.pangu.placement import POLICIES
    from feitian_sim.pangu.rebalance import REBALANCERS

    tables: dict[str, Mapping[str, type[Any]]] = {
        "": POLICIES,
        "rebalance: ": REBALANCERS,
        "fairness: ": FAIRNESS,
        "machine choice: ": MACHINE_CHOICES,
        "preemption: ": PREEMPTION,
    }
    return [(what + name, _first_line(one.__doc__)) for what, table in tables.items() for name, one in table.items()]


def _first_line(text: str | None) -> str:
    return " ".join((text or "").split()).split(". ")[0].rstrip(".")


@click.command("explain", short_help="What a key, a metric or an id means.")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def explain_command(key: str, as_json: bool) -> None:
    """Explain KEY: a key of the scenario (pangu.placement), a metric (pangu.recovery_s.p95) or an id (disk-fail)."""
    from dataclasses import asdict

    from feitian_sim.kernel import ScenarioError
    from feitian_sim.scenario.explain import explain

    try:
        found = explain(key)
    except ScenarioError:
        section = _section_of(key)
        if section is None:
            raise
        found = explain(f"{section}.{key}")
    if as_json:
        print_json({"schema_version": 1, **asdict(found)})
    else:
        click.echo(str(found))


def _section_of(key: str) -> str | None:
    """The list in which a bare id stands: ``disk-fail`` is one of the faults."""
    from feitian_sim.scenario.explain import explain

    head = key.split(".")[0]
    return next((name for name in ("faults", "load") if head in dict(explain(name).inside)), None)


@click.command("schema", short_help="JSON Schema of scenario files, for editors.")
def schema_command() -> None:
    """Print the JSON Schema: `feitian schema > feitian.schema.json`."""
    from feitian_sim.scenario.schema import scenario_schema

    print_json(scenario_schema())
