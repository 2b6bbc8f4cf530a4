"""The audit of the books: what must hold after every event, recomputed from who holds what."""

from __future__ import annotations

from collections.abc import Mapping

from feitian_sim.fuxi.books import App, Machine, Unit
from feitian_sim.fuxi.ledger import Ledger
from feitian_sim.fuxi.locality_tree import LocalityTree
from feitian_sim.fuxi.quota import Group, add


def check_books(ledger: Ledger, groups: Mapping[str, Group], apps: Mapping[str, App], tree: LocalityTree) -> None:
    """Raises AssertionError with the first thing that does not add up."""
    units = [unit for app in apps.values() for unit in app.units.values()]
    for machine in ledger.machines:
        _check_machine(ledger, machine, units)
    for group in groups.values():
        group.check()
        own = [unit for unit in units if unit.group is group]
        assert group.used == _sum(own, group, "held", "returning"), f"group {group.name}: use does not add up"
        assert group.returning == _sum(own, group, "returning"), f"group {group.name}: returns do not add up"
        assert group.claimed == _sum(own, group, "claimed"), f"group {group.name}: claims do not add up"
    waiting = {(unit.app.name, unit.number): unit for unit in tree.waiting()}
    for unit in units:
        _check_unit(unit)
        name = f"{unit.app.name}/{unit.number}"
        assert (unit.wanted > 0) == ((unit.app.name, unit.number) in waiting), f"{name}: wants and does not wait"
    for dimension, whole in enumerate(ledger.totals):
        assert whole == sum(machine.capacity[dimension] for machine in ledger.machines), "the total does not add up"


def _check_machine(ledger: Ledger, machine: Machine, units: list[Unit]) -> None:
    index = machine.index
    free = list(machine.capacity)
    for unit in machine.units:
        add(free, unit.shape, -unit.held.get(index, 0) - unit.returning.get(index, 0))
    assert free == machine.free, f"machine {index}: {free} should be free, the books say {machine.free}"
    assert machine.excused or min(free) >= 0, f"machine {index} is over its capacity: {free} left"
    assert machine.up or not machine.units, f"machine {index} is gone and runs something"
    there = [unit for unit in units if index in unit.held or index in unit.returning]
    assert all(unit in machine.units for unit in there), f"machine {index}: somebody is not in its list"
    assert len(there) == len(machine.units), f"machine {index}: its list names somebody who is not there"
    assert ledger.index.free(index) == machine.open_free(), f"machine {index}: the index is out of date"
    is_open = bool(ledger.index.open >> index & 1)
    assert is_open == (machine.up and not machine.closed), f"machine {index}: open in the index: {is_open}"


def _check_unit(unit: Unit) -> None:
    name = f"{unit.app.name}/{unit.number}"
    assert unit.wanted >= 0, f"{name} wants {unit.wanted}"
    for counts in (unit.held, unit.returning, unit.claimed, unit.machine_wishes, unit.rack_wishes):
        assert all(count > 0 for count in counts.values()), f"{name}: a count that is not positive: {counts}"
    assert unit.wished == sum(1 << machine for machine in unit.machine_wishes), f"{name}: wishes do not add up"
    assert sum(unit.claimed.values()) <= unit.wanted, f"{name}: more is kept for it than it wants"


def _sum(units: list[Unit], group: Group, *columns: str) -> list[int]:
    amounts = [0] * len(group.used)
    for unit in units:
        for column in columns:
            add(amounts, unit.shape, sum(getattr(unit, column).values()))
    return amounts
