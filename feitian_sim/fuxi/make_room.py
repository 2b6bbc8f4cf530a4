"""Making room: who is told to go so that somebody with a better right can come (Fuxi, VLDB 2014, sec. 3.4).

Two levels. First *priority*: a unit may displace units of lower priority of its own quota group. Then *quota*: a unit
that is within its group's minimum may displace units of groups that use more than theirs, down to the minimum and no
further. On a machine the lowest priority goes first, always; the preemption policy decides among equals. Masters of
applications are spared: who loses its master loses everything.

What is told to go is not free yet. For whom it was done the room is *claimed*: nobody else gets it when it comes free.
What is returning already counts before anybody else is displaced, so that the same wish never displaces twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice

from feitian_sim.fuxi.books import Machine, Unit, Why, total
from feitian_sim.fuxi.free_index import Shape, machines_of
from feitian_sim.fuxi.ledger import Ledger, Moves
from feitian_sim.fuxi.locality_tree import LocalityTree
from feitian_sim.fuxi.preemption import PreemptionPolicy, Victim
from feitian_sim.fuxi.quota import Group

_MASTER = 0
#: Before all priorities: somebody is on the way already.
_NOBODY = -(1 << 62)
#: Machines that are looked at before the cheapest of them is taken.
_AT_A_TIME = 256


@dataclass(frozen=True, slots=True)
class _Plan:
    """Who goes from a machine so that one more unit can come."""

    machine: Machine
    victims: tuple[tuple[Unit, int], ...]
    #: How many were told before it was made.
    stamp: int

    @property
    def cost(self) -> tuple[int, int, int, int]:
        """The smallest is best: nobody at all, then the lowest priority that is hit, then few."""
        if not self.victims:
            return (0, 0, 0, self.machine.index)
        priority = max(unit.priority for unit, _ in self.victims)
        return (1, priority, sum(count for _, count in self.victims), self.machine.index)


class MakeRoom:
    """Finds and tells victims; keeps nothing between calls but what is in the books."""

    def __init__(self, ledger: Ledger, tree: LocalityTree, groups: Sequence[Group], policy: PreemptionPolicy) -> None:
        self._ledger = ledger
        self._groups = groups
        self._tree = tree
        self._policy = policy
        self._told = 0

    def run(self, moves: Moves) -> list[Machine]:
        """Make room for all that wait, as far as they have a right to it; the machines on which something was claimed."""
        touched: dict[Machine, None] = {}
        searches: dict[tuple[Why, Group, Shape, int], _Search] = {}
        places: dict[tuple[Why, Group, int], dict[int, int]] = {}
        # The highest priority for which there is nothing; then there is nothing for a lower one either.
        vain: dict[tuple[Why, Group, Shape], int] = {}
        for unit in sorted(self._tree.waiting(), key=self._tree.precedence):
            for why in self._rights(unit):
                left = unit.wanted - total(unit.claimed)
                same = (why, unit.group, unit.shape)
                if not left or vain.get(same, unit.priority - 1) >= unit.priority:
                    continue
                search = searches.get((*same, unit.priority))
                if search is None:
                    search = searches[*same, unit.priority] = _Search(self._places(unit, why, places))
                self._displace(unit, left, why, search, moves, touched)
                if search.exhausted:
                    vain[same] = unit.priority
        return list(touched)

    def _rights(self, unit: Unit) -> Iterator[Why]:
        if any(held and priority < unit.priority for priority, held in unit.group.holding.items()):
            yield "preempted"
        borrowed = any(group is not unit.group and group.over_minimum() for group in self._groups)
        if borrowed and _planned(unit.group, unit.group.minimum, unit.shape):
            yield "quota"

    def _displace(
        self, unit: Unit, left: int, why: Why, search: _Search, moves: Moves, touched: dict[Machine, None]
    ) -> None:
        """Make room for up to ``left`` of a unit."""
        avoided: list[_Plan] = []
        while left and (before := search.cheapest(lambda machine: self._plan(unit, machine, why))) is not None:
            if unit.avoid >> before.machine.index & 1:
                avoided.append(before)
                continue
            # What was told meanwhile may have used up a quota, or have left more room than it needed: look again.
            plan = before if before.stamp == self._told else self._plan(unit, before.machine, why)
            if plan is not None and plan.cost <= before.cost:
                for victim, count in plan.victims:
                    self._ledger.tell(victim, plan.machine, count)
                    moves.add(victim, plan.machine.index, -count, why)
                self._ledger.claim(unit, plan.machine, 1)
                self._told += 1
                touched[plan.machine] = None
                left -= 1
                plan = self._plan(unit, plan.machine, why)
            if plan is not None:
                search.push(plan)
        for skipped in avoided:
            search.push(skipped)

    def _places(self, unit: Unit, why: Why, known: dict[tuple[Why, Group, int], dict[int, int]]) -> Iterator[Machine]:
        """Machines with somebody who may be displaced, those with the lowest priorities first."""
        # With a right by quota, whose priority it is does not matter.
        kind = (why, unit.group, unit.priority if why == "preempted" else 0)
        found = known.get(kind)
        if found is None:
            found = known[kind] = self._victims_by_priority(unit, why)
        for priority in sorted(found):
            for index in machines_of(found[priority]):
                yield self._ledger.machines[index]

    def _victims_by_priority(self, unit: Unit, why: Why) -> dict[int, int]:
        """Sets of machines by the lowest priority that may be displaced there."""
        found: dict[int, int] = {}
        for machine in self._ledger.machines:
            if not machine.up or machine.closed:
                continue
            lowest: int | None = None
            for other in machine.units:
                if other.returning and machine.index in other.returning:
                    lowest = _NOBODY
                    break
                if (lowest is None or other.priority < lowest) and self._may_go(unit, other, why):
                    lowest = other.priority
            if lowest is not None:
                found[lowest] = found.get(lowest, 0) | 1 << machine.index
        return found

    @staticmethod
    def _may_go(unit: Unit, other: Unit, why: Why) -> bool:
        if other.number == _MASTER:
            return False
        if why == "preempted":
            return other.group is unit.group and other.priority < unit.priority
        return other.group is not unit.group and other.group.over_minimum()

    def _plan(self, unit: Unit, machine: Machine, why: Why) -> _Plan | None:
        """Who must go from the machine for one more of the unit; None when that cannot be."""
        if why == "quota" and not _planned(unit.group, unit.group.minimum, unit.shape):
            return None
        short = [-amount for amount in _to_come(machine)]
        for dimension, amount in unit.shape.needs:
            short[dimension] += amount
        over = _over_maximum(unit)
        # Of the unit's own group what goes makes room under its maximum; of others, above their minimums.
        excess = {unit.group: over}
        victims: list[tuple[Unit, int]] = []
        for other in self._in_order(unit, machine, why) if max(*short, *over) > 0 else ():
            spare = excess.get(other.group)
            if spare is None:
                spare = excess[other.group] = _above_minimum(other.group)
            count = 0
            while count < other.held[machine.index] and max(*short, *over) > 0:
                if why == "quota" and max(spare) <= 0:
                    break
                for dimension, amount in other.shape.needs:
                    short[dimension] -= amount
                    spare[dimension] -= amount
                count += 1
            if count:
                victims.append((other, count))
        return _Plan(machine, tuple(victims), self._told) if max(*short, *over) <= 0 else None

    def _in_order(self, unit: Unit, machine: Machine, why: Why) -> list[Unit]:
        """The victims that a machine has, who goes first first."""
        ranked: list[tuple[int, tuple[float, ...], int, Unit]] = []
        for arrival, other in enumerate(machine.units):
            if machine.index in other.held and self._may_go(unit, other, why):
                ranked.append((other.priority, self._policy.rank(_victim(other, machine, arrival)), -arrival, other))
        ranked.sort(key=lambda line: line[:3])
        return [line[3] for line in ranked]


class _Search:
    """The machines where room can be made for one kind of unit: a few hundred at a time, the cheapest of these first."""

    __slots__ = ("_machines", "_plans", "exhausted")

    def __init__(self, machines: Iterator[Machine]) -> None:
        self._machines = machines
        self._plans: list[tuple[tuple[int, int, int, int], _Plan]] = []
        #: There is nothing left.
        self.exhausted = False

    def push(self, plan: _Plan) -> None:
        """This plan is possible, too."""
        heappush(self._plans, (plan.cost, plan))
        self.exhausted = False

    def cheapest(self, plan_for: Callable[[Machine], _Plan | None]) -> _Plan | None:
        """Take the cheapest plan; None: there is none."""
        while not self._plans:
            some = list(islice(self._machines, _AT_A_TIME))
            if not some:
                self.exhausted = True
                return None
            for plan in map(plan_for, some):
                if plan is not None:
                    heappush(self._plans, (plan.cost, plan))
        return heappop(self._plans)[1]


def _victim(unit: Unit, machine: Machine, arrival: int) -> Victim:
    share = max(amount / machine.capacity[dimension] if machine.capacity[dimension] else 0.0
                for dimension, amount in unit.shape.needs)  # fmt: skip
    held = unit.held[machine.index]
    app = unit.app
    return Victim(app.name, unit.number, unit.priority, unit.shape.vector, held, app.submitted_ns, arrival, share)


def _to_come(machine: Machine) -> list[int]:
    """What is free on a machine, or will be when everybody who was told to go has gone, and is not claimed."""
    coming = list(machine.open_free())
    for unit in machine.units:
        back = unit.returning.get(machine.index, 0)
        if back:
            for dimension, amount in unit.shape.needs:
                coming[dimension] += amount * back
    return coming


def _planned(group: Group, most: list[int], shape: Shape) -> int:
    """How many more of a shape keep a group within ``most`` when all that was told and claimed has come about."""
    return shape.fit(
        [
            amount - used + back - claimed
            for amount, used, back, claimed in zip(most, group.used, group.returning, group.claimed, strict=True)
        ]
    )


def _over_maximum(unit: Unit) -> list[int]:
    """By how much one more of the unit would take its group above its maximum; negative or zero: it would not."""
    group = unit.group
    if group.maximum is None:
        return [0] * len(group.used)
    over = [0] * len(group.used)
    for dimension, amount in unit.shape.needs:
        planned = group.used[dimension] - group.returning[dimension] + group.claimed[dimension]
        over[dimension] = planned + amount - group.maximum[dimension]
    return over


def _above_minimum(group: Group) -> list[int]:
    """By how much a group borrows when all that was told has come about."""
    return [used - back - sure for used, back, sure in zip(group.used, group.returning, group.minimum, strict=True)]
