"""The locality tree: who waits at which machine, at which rack, at the cluster (Fuxi, VLDB 2014, sec. 3.3).

A unit that still wants something waits at the cluster, and besides at every machine and rack that it prefers. What is
freed on a machine is offered to three queues: the machine's, its rack's, the cluster's. Who goes first: who is owed
something by quota; then priority; then the machine's queue before the rack's before the cluster's; then the fairness
policy's key; then waiting time.

A queue has a *lane* for every shape asked for (and group, and whatever the policy compares), because only a shape has to
be compared with what is free. A lane is a heap whose entries may be out of date: an entry counts as long as the unit
still names it as its own. Keys that rise are corrected when they come to the front; keys that fall (an application gave
something back) get a new entry at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush, heapreplace

from feitian_sim.fuxi.books import Machine, Unit
from feitian_sim.fuxi.fairness import FairnessPolicy, Party
from feitian_sim.fuxi.free_index import Shape
from feitian_sim.fuxi.quota import Group

#: Negated priority, the party's key, the unit's turn, a serial number, the unit.
Entry = tuple[int, float, tuple[int, int, int, int], int, Unit]
#: What a lane is for: the group, the party that is compared (None: by applications inside the lane), the shape.
LaneKey = tuple[Group, Party | None, Shape]

MACHINE, RACK, CLUSTER = 0, 1, 2


class Lane:
    """Those in one queue that ask for the same shape with equal standing, in order."""

    __slots__ = ("epoch", "group", "heap", "live", "node", "party", "shape", "tree")

    def __init__(self, tree: LocalityTree, node: int, key: LaneKey) -> None:
        self.tree = tree
        self.node = node
        self.group, self.party, self.shape = key
        self.heap: list[Entry] = []
        #: Entries that count.
        self.live = 0
        self.epoch = tree.epoch

    def push(self, unit: Unit) -> None:
        """The unit has an entry, whether it had one before or not."""
        tree = self.tree
        tree.serial += 1
        entry = (-unit.priority, tree.inner_key(unit), unit.turn, tree.serial, unit)
        unit.entries[self.node] = entry
        if len(self.heap) > 2 * self.live + 16:
            self._rebuild()
        heappush(self.heap, entry)

    def first(self, places: int) -> Unit | None:
        """The first unit that does not avoid all of ``places`` (a set of machines)."""
        if self.epoch != self.tree.epoch:
            self._rebuild()
        heap, node, shifting = self.heap, self.node, self.tree.shifting
        aside: list[Entry] = []
        found: Unit | None = None
        while heap:
            entry = heap[0]
            unit = entry[4]
            if unit.entries.get(node) is not entry:
                heappop(heap)
            elif shifting and (key := self.tree.inner_key(unit)) != entry[1]:
                corrected = (entry[0], key, unit.turn, entry[3], unit)
                unit.entries[node] = corrected
                heapreplace(heap, corrected)
            elif unit.avoid and not places & ~unit.avoid:
                aside.append(heappop(heap))
            else:
                found = unit
                break
        for entry in aside:
            heappush(heap, entry)
        return found

    def units(self) -> Iterator[Unit]:
        """All that wait in it, in no particular but always the same order."""
        for entry in self.heap:
            if entry[4].entries.get(self.node) is entry:
                yield entry[4]

    def _rebuild(self) -> None:
        self.epoch = self.tree.epoch
        fresh: list[Entry] = []
        for entry in self.heap:
            unit = entry[4]
            if unit.entries.get(self.node) is entry:
                renewed = (entry[0], self.tree.inner_key(unit), unit.turn, entry[3], unit)
                unit.entries[self.node] = renewed
                fresh.append(renewed)
        heapify(fresh)
        self.heap = fresh


class Queue:
    """Those that wait at one machine, one rack or the cluster."""

    __slots__ = ("lanes", "level", "node", "tree")

    def __init__(self, tree: LocalityTree, node: int, level: int) -> None:
        self.tree = tree
        self.node = node
        self.level = level
        self.lanes: dict[LaneKey, Lane] = {}

    def enter(self, unit: Unit) -> None:
        """The unit waits here, too."""
        key = self.tree.lane_key(unit)
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(self.tree, self.node, key)
        lane.live += 1
        lane.push(unit)

    def leave(self, unit: Unit) -> None:
        """It does not wait here any more."""
        del unit.entries[self.node]
        key = self.tree.lane_key(unit)
        lane = self.lanes[key]
        lane.live -= 1
        if not lane.live:
            del self.lanes[key]


class LocalityTree:
    """The queues of all machines and racks and of the cluster."""

    def __init__(self, racks: list[int], policy: FairnessPolicy, several_groups: bool) -> None:
        self.policy = policy
        self._rack_of = racks
        self._several_groups = several_groups
        #: Whether keys inside a lane change while units wait.
        self.shifting = policy.parties == "app"
        self._ranked = policy.parties in ("user", "group")
        self._cluster_node = len(racks) + (max(racks) + 1 if racks else 0)
        self._queues: dict[int, Queue] = {}
        self.cluster = Queue(self, self._cluster_node, CLUSTER)
        self.serial = 0
        #: Changes when all keys do: the cluster has become larger or smaller.
        self.epoch = 0
        self.key: Callable[[Party], float] = policy.key

    def lane_key(self, unit: Unit) -> LaneKey:
        """Which lane of a queue is a unit's."""
        return (unit.group, unit.party if self._ranked else None, unit.shape)

    def inner_key(self, unit: Unit) -> float:
        """The policy's key where it orders the units of a lane; lanes themselves are compared when they are asked."""
        return self.key(unit.party) if self.shifting else 0.0

    def resized(self) -> None:
        """The cluster's total has changed, and with it everybody's share."""
        self.epoch += 1

    def settle(self, unit: Unit) -> None:
        """Make the unit wait where it should, now that its wishes have changed."""
        if not unit.wanted:
            unit.machine_wishes.clear()
            unit.rack_wishes.clear()
        wished = self._nodes(unit)
        for node in [node for node in unit.entries if node not in wished]:
            self._queue(node).leave(unit)
            self._tidy(node)
        for node in wished:
            if node not in unit.entries:
                self._queue(node).enter(unit)

    def leave(self, unit: Unit) -> None:
        """The unit waits nowhere."""
        for node in list(unit.entries):
            self._queue(node).leave(unit)
            self._tidy(node)

    def served(self, unit: Unit, machine: int, count: int) -> None:
        """The unit was granted ``count`` on a machine: so many wishes for it and for its rack are fulfilled."""
        rack = self._rack_of[machine]
        for wishes, key, node in (
            (unit.machine_wishes, machine, machine),
            (unit.rack_wishes, rack, len(self._rack_of) + rack),
        ):
            left = wishes.get(key)
            if left is None:
                continue
            if left > count:
                wishes[key] = left - count
                continue
            del wishes[key]
            if node in unit.entries:
                self._queue(node).leave(unit)
                self._tidy(node)

    def eased(self, unit: Unit) -> None:
        """The unit's party uses less than before: it may come nearer to the front of every lane that it waits in."""
        if not self.shifting:
            return
        key = self.inner_key(unit)
        for other in unit.app.units.values():
            for node, entry in list(other.entries.items()):
                if key < entry[1]:  # type: ignore[operator]
                    queue = self._queue(node)
                    queue.lanes[self.lane_key(other)].push(other)

    def best_for(self, machine: Machine, bit: int) -> tuple[Unit, int] | None:
        """Who takes what a machine has free, and from which queue. None: nobody can, or may."""
        free = machine.open_free()
        best: tuple[Unit, int] | None = None
        best_rank: tuple[object, ...] = ()
        for queue in self._offered(machine):
            level = queue.level
            for lane in queue.lanes.values():
                if not lane.shape.fit(free) or not self.may(lane):
                    continue
                unit = lane.first(bit)
                if unit is None:
                    continue
                rank = self.rank(unit, level)
                if best is None or rank < best_rank:
                    best, best_rank = (unit, level), rank
        return best

    def best_anywhere(self, with_room: Callable[[Shape], int], group: Group | None) -> Unit | None:
        """Who goes first of all that wait (in one group) and could be served somewhere."""
        best: Unit | None = None
        best_rank: tuple[object, ...] = ()
        for lane in self.cluster.lanes.values():
            if (group is not None and lane.group is not group) or not self.may(lane):
                continue
            places = with_room(lane.shape)
            if not places:
                continue
            unit = lane.first(places)
            if unit is None:
                continue
            rank = self.rank(unit, CLUSTER)
            if best is None or rank < best_rank:
                best, best_rank = unit, rank
        return best

    def rank(self, unit: Unit, level: int) -> tuple[object, ...]:
        """Its precedence: the smallest goes first."""
        owed = self._several_groups and unit.group.owed(unit.shape) > 0
        key = self.key(unit.party) if self.shifting or self._ranked else 0.0
        return (not owed, -unit.priority, level, key, unit.turn)

    def may(self, lane: Lane) -> bool:
        """Whether quota lets the lane's group have one more; if not, it is noted that quota is all that it lacks."""
        if lane.group.room(lane.shape) == 0:
            lane.group.capped = True
            return False
        return True

    def waiting(self) -> Iterator[Unit]:
        """All units that wait."""
        for lane in self.cluster.lanes.values():
            yield from lane.units()

    def _offered(self, machine: Machine) -> Iterator[Queue]:
        queues = self._queues
        at_machine = queues.get(machine.index)
        if at_machine is not None:
            yield at_machine
        at_rack = queues.get(len(self._rack_of) + machine.rack)
        if at_rack is not None:
            yield at_rack
        yield self.cluster

    def _nodes(self, unit: Unit) -> dict[int, None]:
        if not unit.wanted:
            return {}
        nodes = dict.fromkeys(unit.machine_wishes)
        nodes.update(dict.fromkeys(len(self._rack_of) + rack for rack in unit.rack_wishes))
        nodes[self._cluster_node] = None
        return nodes

    def _queue(self, node: int) -> Queue:
        if node == self._cluster_node:
            return self.cluster
        queue = self._queues.get(node)
        if queue is None:
            level = MACHINE if node < len(self._rack_of) else RACK
            queue = self._queues[node] = Queue(self, node, level)
        return queue

    def _tidy(self, node: int) -> None:
        queue = self._queues.get(node)
        if queue is not None and not queue.lanes:
            del self._queues[node]
