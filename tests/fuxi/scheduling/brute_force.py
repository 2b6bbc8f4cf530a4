"""The rules of the scheduler, solved by scanning everything: the yardstick on small cases.

It keeps no index, no queue and no order; each decision looks at every unit and every machine, one unit at a time. Where
units go is ``FirstFit``, so that both schedulers choose the same machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from feitian_sim.fuxi.fairness import Party
from feitian_sim.fuxi.machine_choice import MachineChoice
from feitian_sim.fuxi.resources import fits
from tests.fuxi.scheduling.vectors import minus, plus, times


class FirstFit(MachineChoice):
    """The machine with the lowest number."""

    def choose(self, cluster, candidates, shape):
        return (candidates & -candidates).bit_length() - 1


@dataclass(eq=False)
class Unit:
    app: str
    number: int
    group: str
    user: str
    submitted: int
    order: int
    vector: tuple[int, ...]
    priority: int
    wanted: int = 0
    since: int = 0
    wishes: dict = field(default_factory=dict)
    rack_wishes: dict = field(default_factory=dict)
    avoid: tuple = ()
    held: dict = field(default_factory=dict)


class BruteForce:
    def __init__(self, racks, width, groups, fairness):
        """``groups``: name -> (minimum, maximum) as shares."""
        self.racks = racks
        self.width = width
        self.groups = groups
        self.fairness = fairness
        self.capacity = {}
        self.closed = {}
        self.apps = {}
        self.units = {}
        self.held = False
        self.moves = {}

    # What is free, used, allowed

    def free(self, machine):
        if machine not in self.capacity:
            return (0,) * self.width
        left = self.capacity[machine]
        for unit in self.units.values():
            left = minus(left, times(unit.vector, unit.held.get(machine, 0)))
        return left

    def totals(self):
        whole = (0,) * self.width
        for capacity in self.capacity.values():
            whole = plus(whole, capacity)
        return whole

    def used(self, which):
        amount = (0,) * self.width
        for unit in self.units.values():
            if which(unit):
                amount = plus(amount, times(unit.vector, sum(unit.held.values())))
        return amount

    def room(self, unit, which):
        share = self.groups[unit.group][which]
        if which == 1 and share >= 1:
            return 10**9
        most = tuple(int(whole * share) for whole in self.totals())
        left = minus(most, self.used(lambda other: other.group == unit.group))
        return min(max(0, there // need) for there, need in zip(left, unit.vector, strict=True) if need)

    def key(self, unit):
        kind = self.fairness.parties
        same = {
            "nothing": lambda other: False,
            "app": lambda other: other.app == unit.app,
            "user": lambda other: other.user == unit.user,
            "group": lambda other: other.group == unit.group,
        }[kind]
        minimum = [int(whole * self.groups[unit.group][0]) for whole in self.totals()] if kind == "group" else ()
        return self.fairness.key(Party("", list(self.used(same)), self.totals(), minimum))

    def rank(self, unit, level):
        owed = len(self.groups) > 1 and self.room(unit, 0) > 0
        turn = (unit.since, unit.submitted, unit.order, unit.number)
        return (not owed, -unit.priority, level, self.key(unit), turn)

    def may(self, unit, machine):
        return (
            unit.wanted > 0
            and machine in self.capacity
            and not self.closed.get(machine)
            and machine not in unit.avoid
            and fits(unit.vector, self.free(machine))
            and self.room(unit, 1) > 0
        )

    # Decisions

    def grant(self, unit, machine):
        unit.held[machine] = unit.held.get(machine, 0) + 1
        unit.wanted -= 1
        for wishes, place in ((unit.wishes, machine), (unit.rack_wishes, self.racks[machine])):
            if place in wishes:
                wishes[place] -= 1
                if not wishes[place]:
                    del wishes[place]
        if not unit.wanted:
            unit.wishes.clear()
            unit.rack_wishes.clear()
        line = (unit.app, unit.number, machine)
        self.moves[line] = self.moves.get(line, 0) + 1

    def offer(self, machine):
        while True:
            takers = [
                (self.rank(unit, level), unit)
                for unit in self.units.values()
                if self.may(unit, machine)
                for level, wish in (
                    (0, unit.wishes.get(machine, 0)),
                    (1, unit.rack_wishes.get(self.racks[machine], 0)),
                    (2, unit.wanted),
                )
                if wish
            ]
            if self.held or not takers:
                return
            self.grant(min(takers, key=lambda one: one[0])[1], machine)

    def serve_one(self, unit):
        places = [machine for machine in range(len(self.racks)) if self.may(unit, machine)]
        if not places:
            return False
        wished = [machine for machine in unit.wishes if machine in places]
        in_racks = [m for rack in unit.rack_wishes for m in places if self.racks[m] == rack]
        self.grant(unit, (wished or in_racks or places)[0])
        return True

    def serve_all(self):
        while not self.held:
            able = [u for u in self.units.values() if any(self.may(u, m) for m in range(len(self.racks)))]
            if not able:
                return
            assert self.serve_one(min(able, key=lambda unit: self.rank(unit, 2)))

    def answer(self):
        self.serve_all()
        moves, self.moves = self.moves, {}
        return moves

    # Events

    def machine_up(self, machine, capacity):
        self.capacity[machine] = capacity
        self.offer(machine)
        return self.answer()

    def machine_gone(self, machine):
        self.capacity.pop(machine, None)
        lost = {}
        for unit in self.units.values():
            count = unit.held.pop(machine, 0)
            if count:
                lost[unit.app, unit.number, machine] = -count
        return lost | self.answer()

    def set_closed(self, machine, closed):
        self.closed[machine] = closed
        self.offer(machine)
        return self.answer()

    def wants(self, app, changes, now):
        units = []
        for number, wanted, vector, priority, wishes, rack_wishes, avoid in changes:
            unit = self.units.get((app, number))
            if unit is None:
                group, user, submitted, order = self.apps[app]
                unit = Unit(app, number, group, user, submitted, order, vector, priority)
                self.units[app, number] = unit
            unit.priority = priority
            if not unit.wanted and wanted > 0:
                unit.since = now
            unit.wanted = max(0, unit.wanted + wanted)
            for counts, more in ((unit.wishes, wishes), (unit.rack_wishes, rack_wishes)):
                for place, count in more:
                    counts[place] = max(0, counts.get(place, 0) + count)
                    if not counts[place]:
                        del counts[place]
            if not unit.wanted:
                unit.wishes.clear()
                unit.rack_wishes.clear()
            unit.avoid = unit.avoid if avoid is None else avoid
            units.append(unit)
        for unit in sorted(units, key=lambda one: (-one.priority, one.number)):
            while not self.held and self.serve_one(unit):
                pass
        return self.answer()

    def freed(self, app, number, machine, count):
        unit = self.units[app, number]
        unit.held[machine] -= count
        if not unit.held[machine]:
            del unit.held[machine]
        self.offer(machine)
        return self.answer()

    def hold(self, on):
        self.held = on
        return self.answer()

    def remove_app(self, app):
        for unit in self.units.values():
            if unit.app == app:
                unit.wanted = 0
                unit.wishes.clear()
                unit.rack_wishes.clear()
        return self.answer()
