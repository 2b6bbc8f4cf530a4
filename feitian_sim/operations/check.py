"""What is wrong with the operations of a scenario, each with its remedy; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from feitian_sim.faults.places import CLIENT_RACK, places, rack_of
from feitian_sim.faults.targets import candidates, check_target
from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.operations.config import Operation


def check_operation(
    operation: Operation, cluster: ClusterConfig, roles: Mapping[str, Sequence[str]], master: str
) -> list[str]:
    """Problems of one operation; ``master`` is the role that no operation may take away."""
    problems = check_target(cast(Any, operation), cluster, roles)
    if problems:
        return problems
    where = places(cluster, roles)
    names = candidates(operation.target, operation.unit, where)
    clients = [name for name in names if rack_of(name) == CLIENT_RACK]
    if clients:
        return [f"target matches {clients[0]}, a machine of clients, which holds no chunks: say rack or role too"]
    everyone = operation.target.mode == "all"
    led = [name for name in names if where.runs(name, master)]
    if led and everyone and getattr(operation, "kind", "") != "machine-drain":
        return [
            f"target matches {led[0]}, which runs {master}: the cell would be without it; name the other machines, "
            "or use machine-drain, which leaves the machine on"
        ]
    if len(names) == len(where.servers) and everyone:
        return ["target matches every machine: somebody must hold the data"]
    return []


def racks_left(
    operations: Sequence[Operation], cluster: ClusterConfig, roles: Mapping[str, Sequence[str]]
) -> tuple[int, int]:
    """Machines and racks that accept replicas when all drains have begun, whatever their order."""
    where = places(cluster, roles)
    gone: dict[str, None] = {}
    for operation in operations:
        if getattr(operation, "kind", "") != "machine-add" and operation.target.mode == "all":
            gone.update(dict.fromkeys(candidates(operation.target, operation.unit, where)))
    left = [name for name in where.servers if name not in gone]
    return len(left), len(dict.fromkeys(rack_of(name) for name in left))
