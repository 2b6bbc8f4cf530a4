"""Entries in the books: what is taken, told to return, and gone, written down in all places at once."""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.fuxi.books import Machine, Move, Unit, Why, added
from feitian_sim.fuxi.free_index import FreeIndex
from feitian_sim.fuxi.quota import Group, add
from feitian_sim.fuxi.resources import Vector


class Moves:
    """What one call has decided: a line for each unit and machine, in order of their first mention."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[tuple[Unit, int, Why], Move] = {}

    def add(self, unit: Unit, machine: int, count: int, why: Why = "granted") -> None:
        """``count`` more (or less)."""
        key = (unit, machine, why)
        line = self._lines.get(key)
        if line is not None:
            count += line.count
        since_ns = unit.since_ns if line is None else line.since_ns
        self._lines[key] = Move(unit.app.name, unit.number, machine, count, why, since_ns)

    def all(self) -> list[Move]:
        """In order."""
        return list(self._lines.values())


class Ledger:
    """All machines, what is free on them, and the totals."""

    def __init__(self, racks: Sequence[int], dimensions: int) -> None:
        self.machines = [Machine(index, rack, dimensions) for index, rack in enumerate(racks)]
        self.index = FreeIndex(len(racks), dimensions)
        #: What all machines that are up have together; the list stays the same.
        self.totals = [0] * dimensions

    def take(self, unit: Unit, machine: Machine, count: int) -> None:
        """``count`` more of a unit run, or may, on a machine."""
        group = unit.group
        free, used = machine.free, group.used
        for dimension, amount in unit.shape.needs:
            free[dimension] -= amount * count
            used[dimension] += amount * count
        added(unit.held, machine.index, count)
        machine.units[unit] = None
        if unit.party.used is not group.used:
            add(unit.party.used, unit.shape, count)
            unit.party.known = None
        group.holding[unit.priority] = group.holding.get(unit.priority, 0) + count

    def tell(self, unit: Unit, machine: Machine, count: int) -> None:
        """``count`` of a unit are told to go; they count as used until they have gone."""
        added(unit.held, machine.index, -count)
        added(unit.returning, machine.index, count)
        add(unit.group.returning, unit.shape, count)
        unit.group.holding[unit.priority] -= count

    def gone(self, unit: Unit, machine: Machine, count: int) -> int:
        """Up to ``count`` of a unit are gone from a machine, first of those that were told to; how many really were."""
        index = machine.index
        told = 0
        if unit.returning and (told := min(count, unit.returning.get(index, 0))):
            added(unit.returning, index, -told)
            add(unit.group.returning, unit.shape, -told)
        untold = min(count - told, unit.held.get(index, 0))
        if untold:
            added(unit.held, index, -untold)
            unit.group.holding[unit.priority] -= untold
        went = told + untold
        if not went:
            return 0
        free, used = machine.free, unit.group.used
        for dimension, amount in unit.shape.needs:
            free[dimension] += amount * went
            used[dimension] -= amount * went
        if unit.party.used is not used:
            add(unit.party.used, unit.shape, -went)
            unit.party.known = None
        if index not in unit.held and index not in unit.returning:
            del machine.units[unit]
        return went

    def claim(self, unit: Unit, machine: Machine, count: int) -> None:
        """Keep room for ``count`` more (or fewer) of a unit on a machine."""
        added(unit.claimed, machine.index, count)
        add(unit.group.claimed, unit.shape, count)
        left = machine.claims.get(unit, 0) + count
        if left:
            machine.claims[unit] = left
        else:
            machine.claims.pop(unit, None)

    def resize(self, machine: Machine, capacity: Vector, groups: Sequence[Group]) -> None:
        """A machine has so much from now on."""
        for dimension, (now, before) in enumerate(zip(capacity, machine.capacity, strict=True)):
            self.totals[dimension] += now - before
            machine.free[dimension] += now - before
        machine.capacity = capacity
        machine.excused = min(machine.free) < 0
        self.index.set_capacity(machine.index, capacity)
        for group in groups:
            group.resize(self.totals)

    def show(self, machine: Machine) -> None:
        """Bring the index up to date about a machine."""
        self.index.show(machine.index, machine.open_free())
        bit = self.index.bits[machine.index]
        if machine.up and not machine.closed:
            self.index.open |= bit
        else:
            self.index.open &= ~bit
