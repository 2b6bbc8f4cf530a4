"""Puts the operations of a scenario on the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from feitian_sim.faults.places import places
from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import Simulation
from feitian_sim.operations.config import Operation
from feitian_sim.operations.facts import Ordered
from feitian_sim.operations.schedule import Order, absent_at_start, orders
from feitian_sim.pangu.operator import Operator
from feitian_sim.pangu.roster_requests import Action


@dataclass(frozen=True, slots=True)
class Installed:
    """The orders of one run."""

    orders: tuple[Order, ...]
    #: Machines that are switched off until they are added.
    absent: tuple[str, ...]


def prepare(
    sim: Simulation,
    datacenter: DataCenter,
    operations: Sequence[Operation],
    roles: Mapping[str, Sequence[str]],
) -> Installed:
    """Before anything is placed: draw the machines of each operation, and switch off those that are to be added."""
    streams = {
        position: sim.stream(f"operations.{operation.name or position}", "", "target")
        for position, operation in enumerate(operations)
    }
    found = orders(operations, places(datacenter.config, roles), streams)
    absent = absent_at_start(found)
    for name in absent:
        datacenter.machine(name).switch_off("not added yet")
    return Installed(tuple(found), absent)


def schedule(sim: Simulation, datacenter: DataCenter, operator: Operator, installed: Installed) -> None:
    """Give each order at its time."""
    for order in installed.orders:
        sim.call_at(order.at_ns, _giver(sim, datacenter, operator, order))


def _giver(sim: Simulation, datacenter: DataCenter, operator: Operator, order: Order) -> Callable[[], None]:
    def give() -> None:
        for name in order.machines:
            sim.emit(Ordered(order.id, order.action, name))
        operator.order([datacenter.machine(name) for name in order.machines], cast(Action, order.action))

    return give
