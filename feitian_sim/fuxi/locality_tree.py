"""The locality tree: who waits at which machine, at which rack, at the cluster (Fuxi, VLDB 2014, sec. 3.3).

A unit that still wants something waits at the cluster, and besides at every machine and rack that it prefers. What is
freed on a machine is offered to three queues: the machine's, its rack's, the cluster's. Who goes first: who is owed
something by quota; then priority; then the machine's queue before the rack's before the cluster's; then the fairness
policy's key; then waiting time. How a queue is kept so that few of those who wait are looked at is told in
:mod:`.lanes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from feitian_sim.fuxi.books import Machine, Unit
from feitian_sim.fuxi.fairness import FairnessPolicy, Party
from feitian_sim.fuxi.free_index import Shape
from feitian_sim.fuxi.lanes import Band, Order
from feitian_sim.fuxi.quota import Group

MACHINE, RACK, CLUSTER = 0, 1, 2

_Standing = tuple[int, int, float, tuple[int, int, int, int]]


class Queue:
    """Those that wait at one machine, one rack or the cluster."""

    __slots__ = ("bands", "level", "node")

    def __init__(self, node: int, level: int) -> None:
        self.node = node
        self.level = level
        self.bands: dict[tuple[Group, Party | None], Band] = {}


class LocalityTree:
    """The queues of all machines and racks and of the cluster."""

    def __init__(self, racks: list[int], policy: FairnessPolicy, several_groups: bool) -> None:
        self.policy = policy
        self._rack_of = racks
        self._machines = len(racks)
        self._several_groups = several_groups
        self._order = Order(policy.key, policy.parties == "app")
        #: Whether bands are compared by the policy's key.
        self._compared = policy.parties != "nothing"
        self._by_user = policy.parties == "user"
        self._top = len(racks) + (max(racks) + 1 if racks else 0)
        self._queues: dict[int, Queue] = {}
        self.cluster = self._queues[self._top] = Queue(self._top, CLUSTER)

    def resized(self) -> None:
        """The cluster's total has changed, and with it everybody's share."""
        self._order.epoch += 1

    def settle(self, unit: Unit, wishes_changed: bool = True) -> None:
        """Make the unit wait where it should, now that its count or its wishes have changed."""
        if not unit.wanted:
            unit.forget_wishes()
            self.leave(unit)
            return
        if not wishes_changed and self._top in unit.entries:
            return
        wished = dict.fromkeys(unit.machine_wishes)
        wished.update(dict.fromkeys(self._machines + rack for rack in unit.rack_wishes))
        wished[self._top] = None
        for node in [node for node in unit.entries if node not in wished]:
            self._leave(unit, node)
        for node in wished:
            if node not in unit.entries:
                self._enter(unit, node)

    def leave(self, unit: Unit) -> None:
        """The unit waits nowhere."""
        for node in list(unit.entries):
            self._leave(unit, node)

    def served(self, unit: Unit, machine: int, count: int) -> None:
        """The unit was granted ``count`` on a machine: so many wishes for it and for its rack are fulfilled."""
        if unit.machine_wishes:
            self._fulfil(unit, unit.machine_wishes, machine, machine, count)
        if unit.rack_wishes:
            rack = self._rack_of[machine]
            self._fulfil(unit, unit.rack_wishes, rack, self._machines + rack, count)

    def eased(self, unit: Unit) -> None:
        """The unit's party uses less than before: its units may come nearer to the front."""
        if self._order.shifting:
            for other in unit.app.units.values():
                if other.wanted and self._top in other.entries:
                    self.cluster.bands[self._band_key(other)].eased(other)

    def best_for(self, machine: Machine, bit: int) -> tuple[Unit, int] | None:
        """Who takes what a machine has free, and from which queue. None: nobody can, or may."""
        free = machine.open_free()
        if self._several_groups:
            found = self._best_for(machine, bit, free, self._owed)
            if found is not None:
                return found
        return self._best_for(machine, bit, free, self._allowed)

    def best_anywhere(self, with_room: Callable[[Shape], int], most: Sequence[int], group: Group | None) -> Unit | None:
        """Who goes first of all that wait (in one group) and could be served somewhere; ``most``: what any may need."""
        bands = [band for band in self.cluster.bands.values() if group is None or band.group is group]
        for limit in (self._owed, self._allowed) if self._several_groups else (self._allowed,):
            best: Unit | None = None
            first: _Standing | None = None
            for band in bands:
                within = limit(band.group, most)
                unit = band.best(within, 0, with_room) if within is not None else None
                if unit is not None:
                    standing = self._standing(unit, band, CLUSTER)
                    if first is None or standing < first:
                        best, first = unit, standing
            if best is not None:
                return best
        return None

    def precedence(self, unit: Unit) -> tuple[object, ...]:
        """Its place among all that wait, the smallest first."""
        owed = not self._several_groups or unit.group.owed(unit.shape) > 0
        return (not owed, *self._standing(unit, self.cluster.bands[self._band_key(unit)], CLUSTER))

    def waiting(self) -> Iterator[Unit]:
        """All units that wait."""
        for band in self.cluster.bands.values():
            yield from band.units()

    def _best_for(
        self,
        machine: Machine,
        bit: int,
        free: Sequence[int],
        limit: Callable[[Group, Sequence[int]], Sequence[int] | None],
    ) -> tuple[Unit, int] | None:
        best: tuple[Unit, int] | None = None
        first: _Standing | None = None
        for node in (machine.index, self._machines + machine.rack, self._top):
            queue = self._queues.get(node)
            if queue is None:
                continue
            for band in queue.bands.values():
                within = limit(band.group, free)
                unit = band.best(within, bit) if within is not None else None
                if unit is not None:
                    standing = self._standing(unit, band, queue.level)
                    if first is None or standing < first:
                        best, first = (unit, queue.level), standing
        return best

    def _standing(self, unit: Unit, band: Band, level: int) -> _Standing:
        key = 0.0
        if self._compared:
            key = self.policy.key(unit.party if self._order.shifting else band.party)
        return (-unit.priority, level, key, unit.turn)

    @staticmethod
    def _owed(group: Group, free: Sequence[int]) -> Sequence[int] | None:
        """What of ``free`` is within the group's minimum."""
        within = [
            there if there < sure - used else sure - used
            for there, sure, used in zip(free, group.minimum, group.used, strict=True)
        ]
        return within if max(within) > 0 else None

    @staticmethod
    def _allowed(group: Group, free: Sequence[int]) -> Sequence[int]:
        """What of ``free`` is within the group's maximum; where that is less, it may be all that somebody lacks."""
        if group.maximum is None:
            return free
        binds = False
        within = []
        for there, most, used in zip(free, group.maximum, group.used, strict=True):
            if most - used < there:
                binds = True
                there = most - used
            within.append(there)
        if binds:
            group.capped = True
        return within

    def _fulfil(self, unit: Unit, wishes: dict[int, int], place: int, node: int, count: int) -> None:
        left = wishes.get(place)
        if left is None:
            return
        if left > count:
            wishes[place] = left - count
            return
        del wishes[place]
        if wishes is unit.machine_wishes:
            unit.wish(place, False)
        if node in unit.entries:
            self._leave(unit, node)

    def _band_key(self, unit: Unit) -> tuple[Group, Party | None]:
        return (unit.group, unit.party if self._by_user else None)

    def _enter(self, unit: Unit, node: int) -> None:
        queue = self._queues.get(node)
        if queue is None:
            level = MACHINE if node < self._machines else RACK
            queue = self._queues[node] = Queue(node, level)
        key = self._band_key(unit)
        band = queue.bands.get(key)
        if band is None:
            band = queue.bands[key] = Band(node, unit.group, unit.party, self._order, node == self._top)
        band.enter(unit)

    def _leave(self, unit: Unit, node: int) -> None:
        queue = self._queues[node]
        key = self._band_key(unit)
        band = queue.bands[key]
        band.leave(unit)
        if not band.live:
            del queue.bands[key]
            if not queue.bands and node != self._top:
                del self._queues[node]
