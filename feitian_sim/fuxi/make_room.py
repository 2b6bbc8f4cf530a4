"""Making room: who is told to go so that somebody with a better right can come (Fuxi, VLDB 2014, sec. 3.4).

Two levels. First *priority*: a unit may displace units of lower priority of its own quota group. Then *quota*: a unit
that is within its group's minimum may displace units of groups that use more than theirs, down to the minimum and no
further. On a machine the lowest priority goes first, always; the preemption policy decides among equals. Masters of
applications are spared: who loses its master loses everything.

What is told to go is not free yet. For whom it was done the room is *claimed*: nobody else gets it when it comes free.
What is returning already counts before anybody else is displaced, so that the same wish never displaces twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from feitian_sim.fuxi.books import Machine, Unit, Why, total
from feitian_sim.fuxi.free_index import Shape
from feitian_sim.fuxi.ledger import Ledger, Moves
from feitian_sim.fuxi.locality_tree import LocalityTree
from feitian_sim.fuxi.preemption import PreemptionPolicy, Victim
from feitian_sim.fuxi.quota import Group

_MASTER = 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """Who goes from a machine so that one more unit can come."""

    machine: Machine
    victims: tuple[tuple[Unit, int], ...]

    @property
    def cost(self) -> tuple[int, int, int, int]:
        """The smallest is best: nobody at all, then the lowest priority that is hit, then few."""
        if not self.victims:
            return (0, 0, 0, self.machine.index)
        priority = max(unit.priority for unit, _ in self.victims)
        return (1, priority, sum(count for _, count in self.victims), self.machine.index)


class MakeRoom:
    """Finds and tells victims; keeps nothing between calls but what is in the books."""

    def __init__(self, ledger: Ledger, tree: LocalityTree, policy: PreemptionPolicy) -> None:
        self._ledger = ledger
        self._tree = tree
        self._policy = policy

    def run(self, moves: Moves) -> list[Machine]:
        """Make room for all that wait, as far as they have a right to it; the machines on which something was claimed."""
        touched: dict[Machine, None] = {}
        vain: dict[tuple[Why, Group, Shape], int] = {}
        for unit in sorted(self._tree.waiting(), key=self._tree.precedence):
            for why, allowed in self._levels(unit):
                left = unit.wanted - total(unit.claimed)
                # Where nothing was found for a shape, nothing will be for the same shape with no better right.
                if left <= 0 or vain.get((why, unit.group, unit.shape), unit.priority - 1) >= unit.priority:
                    continue
                if unit.avoid == 0 and not self._displace(unit, left, why, allowed, moves, touched):
                    vain[why, unit.group, unit.shape] = unit.priority
                elif unit.avoid:
                    self._displace(unit, left, why, allowed, moves, touched)
        return list(touched)

    def _levels(self, unit: Unit) -> Iterator[tuple[Why, Callable[[Unit], bool]]]:
        group = unit.group
        if any(held and priority < unit.priority for priority, held in group.holding.items()):
            yield "preempted", lambda other: other.group is group and other.priority < unit.priority
        if _planned(group, group.minimum, unit.shape):
            yield "quota", lambda other: other.group is not group and other.group.over_minimum()

    def _displace(
        self, unit: Unit, left: int, why: Why, allowed: Callable[[Unit], bool], moves: Moves, touched: dict[Machine, None]
    ) -> bool:
        """Make room for up to ``left`` of a unit; whether there was room to be made for one at least."""
        plans = [it for machine in self._places(unit) if (it := self._plan(unit, machine, why, allowed))]
        plans.sort(key=lambda it: it.cost)
        found = False
        for first in plans:
            plan = self._plan(unit, first.machine, why, allowed)
            while left and plan is not None:
                for victim, count in plan.victims:
                    self._ledger.tell(victim, plan.machine, count)
                    moves.add(victim, plan.machine.index, -count, why)
                self._ledger.claim(unit, plan.machine, 1)
                touched[plan.machine] = None
                found = True
                left -= 1
                plan = self._plan(unit, first.machine, why, allowed)
            if not left:
                break
        return found

    def _places(self, unit: Unit) -> Iterator[Machine]:
        for machine in self._ledger.machines:
            if machine.up and not machine.closed and machine.units and not unit.avoid >> machine.index & 1:
                yield machine

    def _plan(self, unit: Unit, machine: Machine, why: Why, allowed: Callable[[Unit], bool]) -> _Plan | None:
        """Who must go from the machine for one more of the unit; None when that cannot be."""
        short = [-amount for amount in _to_come(machine)]
        for dimension, amount in unit.shape.needs:
            short[dimension] += amount
        over = _over_maximum(unit)
        within = self._quota_holds(unit, why)
        if not within:
            return None
        victims: list[tuple[Unit, int]] = []
        borrowed = {unit.group: over}
        if _enough(short) and _enough(over):
            return _Plan(machine, ())
        for other in self._in_order(machine, allowed):
            count = 0
            spare = borrowed.setdefault(other.group, _above_minimum(other.group))
            while count < other.held[machine.index] and not (_enough(short) and _enough(over)):
                if why == "quota" and max(spare) <= 0:
                    break
                for dimension, amount in other.shape.needs:
                    short[dimension] -= amount
                    spare[dimension] -= amount
                count += 1
            if count:
                victims.append((other, count))
            if _enough(short) and _enough(over):
                return _Plan(machine, tuple(victims))
        return None

    def _quota_holds(self, unit: Unit, why: Why) -> bool:
        return why != "quota" or _planned(unit.group, unit.group.minimum, unit.shape) > 0

    def _in_order(self, machine: Machine, allowed: Callable[[Unit], bool]) -> list[Unit]:
        """The victims that a machine has, who goes first first."""
        ranked: list[tuple[int, tuple[float, ...], int, Unit]] = []
        for arrival, other in enumerate(machine.units):
            if other.number != _MASTER and machine.index in other.held and allowed(other):
                ranked.append((other.priority, self._policy.rank(_victim(other, machine, arrival)), -arrival, other))
        ranked.sort(key=lambda line: line[:3])
        return [line[3] for line in ranked]


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


def _enough(short: list[int]) -> bool:
    return max(short) <= 0
