"""Which machines an operation is about, and which of them are not there at the beginning.

Pure: computed from the scenario alone, so that what cannot be is refused when the scenario is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feitian_sim.faults.places import Places
from feitian_sim.faults.targets import candidates, select
from feitian_sim.kernel import Stream
from feitian_sim.operations.config import Operation

_ACTIONS: Mapping[str, str] = {
    "machine-add": "add",
    "machine-drain": "drain",
    "machine-decommission": "decommission",
}


@dataclass(frozen=True, slots=True)
class Order:
    """One operation on its machines."""

    id: str
    at_ns: int
    action: str
    machines: tuple[str, ...]


def orders(operations: Sequence[Operation], where: Places, stream_of: Mapping[int, Stream]) -> list[Order]:
    """All orders, by time and then as the scenario lists them; ``stream_of`` has the draws of each operation."""
    found = []
    for position, operation in enumerate(operations):
        kind = str(getattr(operation, "kind", ""))
        names = select(operation.target, candidates(operation.target, operation.unit, where), stream_of[position])
        name = operation.name or f"o{position}-{kind}"
        found.append(Order(name, operation.at, _ACTIONS[kind], names))
    return sorted(found, key=lambda order: order.at_ns)


def absent_at_start(found: Sequence[Order]) -> tuple[str, ...]:
    """Machines whose first order is to be added."""
    first: dict[str, str] = {}
    for order in found:
        for machine in order.machines:
            first.setdefault(machine, order.action)
    return tuple(machine for machine, action in first.items() if action == "add")
