"""Those that wait in one queue, sorted so that what is freed need not be offered to all of them.

A *lane* holds the units that ask for the same shape: a heap whose entries may be out of date, for an entry counts as long
as its unit still names it as its own. A *band* holds the lanes of one group (and of one user, where the fairness policy
compares users): which of them fit into something is a few intersections of bit sets, lanes being the bits, on ladders
as in the free index; who goes first is read off a list of lanes in order of their heads.

Keys move while units wait, where applications are compared by what they use. Keys that rise are corrected when they
come to the front, since an outdated one is too small; keys that fall get a new entry at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush, heapreplace

from feitian_sim.fuxi.books import Entry, Unit
from feitian_sim.fuxi.fairness import Party
from feitian_sim.fuxi.free_index import Shape, machines_of
from feitian_sim.fuxi.quota import Group

#: Where a unit stands among those that its own band holds: negated priority, the party's key, its turn.
Rank = tuple[int, float, tuple[int, int, int, int]]
#: Lanes up to which a band looks at all of them; at machines and racks, of which there are many, so many times more,
#: since ladders have to be built before they save anything.
_FEW = 6
_TIMES_MORE = 8


class Order:
    """How the units of one band are ordered: by a key that may move while they wait, or by none."""

    __slots__ = ("_policy_key", "epoch", "serial", "shifting")

    def __init__(self, key: Callable[[Party], float], shifting: bool) -> None:
        self._policy_key = key
        #: Whether applications are compared, so that keys inside a lane move.
        self.shifting = shifting
        self.serial = 0
        #: Changes when all keys do: the cluster has become larger or smaller.
        self.epoch = 0

    def key(self, party: Party) -> float:
        """An application's key, asked of the policy when its use or the cluster has changed."""
        if party.known is None or party.epoch != self.epoch:
            party.known = self._policy_key(party)
            party.epoch = self.epoch
        return party.known

    def entry(self, unit: Unit) -> Entry:
        """A new entry for it."""
        self.serial += 1
        key = self.key(unit.party) if self.shifting else 0.0
        return (-unit.priority, key, unit.turn, self.serial, unit)


class Lane:
    """Units that ask for the same shape, in order."""

    __slots__ = ("heap", "live", "node", "shape", "slot", "standing")

    def __init__(self, node: int, shape: Shape, slot: int) -> None:
        self.node = node
        self.shape = shape
        self.slot = slot
        self.heap: list[Entry] = []
        #: Entries that count.
        self.live = 0
        #: As what its head stands in the band's order; None: not at all.
        self.standing: Rank | None = None

    def push(self, entry: Entry) -> None:
        """The unit's entry is this one from now on."""
        if len(self.heap) > 2 * self.live + 16:
            self.heap = [old for old in self.heap if old[4].entries.get(self.node) is old]
            heapify(self.heap)
        entry[4].entries[self.node] = entry
        heappush(self.heap, entry)

    def head(self, order: Order) -> Entry | None:
        """The entry of the first unit."""
        heap, node = self.heap, self.node
        while heap:
            entry = heap[0]
            unit = entry[4]
            if unit.entries.get(node) is not entry:
                heappop(heap)
                continue
            if order.shifting:
                key = order.key(unit.party)
                if key != entry[1]:
                    entry = (entry[0], key, entry[2], entry[3], unit)
                    unit.entries[node] = entry
                    heapreplace(heap, entry)
                    if heap[0] is not entry:
                        continue
            return entry
        return None

    def first(self, order: Order, places: int) -> Entry | None:
        """The entry of the first unit that does not avoid all of ``places`` (a set of machines)."""
        entry = self.head(order)
        if entry is None or not entry[4].avoid or places & ~entry[4].avoid:
            return entry
        aside: list[Entry] = []
        while entry is not None and not places & ~entry[4].avoid:
            aside.append(heappop(self.heap))
            entry = self.head(order)
        for one in aside:
            heappush(self.heap, one)
        return entry

    def scanned(self, order: Order, places: int) -> Entry | None:
        """As ``first``, for heaps whose keys nobody keeps up to date: all units are looked at."""
        fresh = [order.entry(unit) for unit in self.units() if not unit.avoid or places & ~unit.avoid]
        return min(fresh, default=None)

    def units(self) -> Iterator[Unit]:
        """All that wait in it, in no particular but always the same order."""
        for entry in self.heap:
            if entry[4].entries.get(self.node) is entry:
                yield entry[4]

    def renew(self, order: Order) -> None:
        """All keys have changed."""
        fresh = []
        for unit in list(self.units()):
            unit.entries[self.node] = entry = order.entry(unit)
            fresh.append(entry)
        heapify(fresh)
        self.heap = fresh


class _Needs:
    """Lanes by how much of one resource their shape wants: on each rung those that want at most so much."""

    __slots__ = ("masks", "rungs")

    def __init__(self) -> None:
        self.rungs: list[int] = []
        self.masks: list[int] = []

    def add(self, amount: int, bit: int) -> None:
        place = bisect_left(self.rungs, amount)
        if place == len(self.rungs) or self.rungs[place] != amount:
            self.rungs.insert(place, amount)
            self.masks.insert(place, self.masks[place - 1] if place else 0)
        for rung in range(place, len(self.rungs)):
            self.masks[rung] |= bit


class Band:
    """The lanes of one queue that have equal standing with quota and, where these are compared, the same user."""

    __slots__ = (
        "_exact",
        "_few",
        "_lanes",
        "_needs",
        "_order",
        "_sorted",
        "_used",
        "epoch",
        "group",
        "live",
        "node",
        "party",
    )

    def __init__(self, node: int, group: Group, party: Party, order: Order, exact: bool) -> None:
        self.node = node
        self.group = group
        #: Who is compared with those of other bands.
        self.party = party
        self._order = order
        #: Whether keys that fall are told; where not, all units are looked at.
        self._exact = exact or not order.shifting
        self._few = _FEW if exact else _FEW * _TIMES_MORE
        self._lanes: list[Lane] = []
        self._used: dict[Shape, Lane] = {}
        #: Lanes by their heads: rank and slot.
        self._sorted: list[tuple[Rank, int]] = []
        self._needs: list[_Needs] | None = None
        #: Entries that count.
        self.live = 0
        self.epoch = order.epoch

    def enter(self, unit: Unit) -> None:
        """The unit waits here, too."""
        lane = self._used.get(unit.shape)
        if lane is None:
            lane = self._open(unit.shape)
        lane.live += 1
        self.live += 1
        self._push(lane, unit)

    def leave(self, unit: Unit) -> None:
        """It does not wait here any more."""
        del unit.entries[self.node]
        lane = self._used[unit.shape]
        lane.live -= 1
        self.live -= 1
        if not lane.live:
            lane.heap.clear()
            self._stand(lane, None)
            if 2 * len(self._sorted) + self._few < len(self._lanes):
                self._close_empty()
        elif self._exact:
            entry = lane.head(self._order)
            self._stand(lane, entry and entry[:3])

    def eased(self, unit: Unit) -> None:
        """The unit's party uses less than before."""
        lane = self._used[unit.shape]
        if self._order.key(unit.party) < unit.entries[self.node][1]:
            self._push(lane, unit)

    def best(self, limit: Sequence[int], place: int, room: Callable[[Shape], int] | None = None) -> Unit | None:
        """The first unit whose shape is within ``limit`` and that does not avoid the machine of the bit ``place``.

        With ``room``: not all the machines that this gives for its shape.
        """
        if self.epoch != self._order.epoch:
            self._renew()
        if not self._exact:
            return self._best_of(self._lanes, limit, place, room)
        if len(self._lanes) <= self._few:
            return self._in_order(limit, None, place, room)
        fitting = self._fitting(limit)
        if not fitting:
            return None
        if fitting.bit_count() <= self._few:
            return self._best_of([self._lanes[slot] for slot in machines_of(fitting)], limit, place, room)
        return self._in_order(limit, fitting, place, room)

    def units(self) -> Iterator[Unit]:
        """All that wait in it."""
        for lane in self._lanes:
            yield from lane.units()

    def _best_of(
        self, lanes: Sequence[Lane], limit: Sequence[int], place: int, room: Callable[[Shape], int] | None
    ) -> Unit | None:
        best: Entry | None = None
        for lane in lanes:
            if not lane.live or not lane.shape.fit(limit):
                continue
            there = place if room is None else room(lane.shape)
            if there:
                entry = lane.first(self._order, there) if self._exact else lane.scanned(self._order, there)
                if entry is not None and (best is None or entry < best):
                    best = entry
        return best and best[4]

    def _in_order(
        self, limit: Sequence[int], fitting: int | None, place: int, room: Callable[[Shape], int] | None
    ) -> Unit | None:
        """From the first lane on; ``fitting``: those within the limit, where that is known."""
        best: Entry | None = None
        outdated: list[tuple[Lane, Rank]] = []
        for rank, slot in self._sorted:
            if best is not None and rank > best[:3]:
                break
            lane = self._lanes[slot]
            if not (lane.shape.fit(limit) if fitting is None else fitting >> slot & 1):
                continue
            there = place if room is None else room(lane.shape)
            if not there:
                continue
            entry = lane.first(self._order, there)
            if self._order.shifting:
                head = lane.head(self._order)
                if head is not None and head[:3] != rank:
                    outdated.append((lane, head[:3]))
            if entry is not None and (best is None or entry < best):
                best = entry
        for lane, head_rank in outdated:
            self._stand(lane, head_rank)
        return best and best[4]

    def _fitting(self, limit: Sequence[int]) -> int:
        """The lanes whose shape is within ``limit``; empty ones may be among them."""
        if self._needs is None:
            self._needs = [_Needs() for _ in limit]
            for lane in self._lanes:
                self._note(lane)
        found = -1
        for needs, amount in zip(self._needs, limit, strict=True):
            # What a shape does not need may be lacking as it likes.
            place = bisect_right(needs.rungs, amount if amount > 0 else 0)
            if not place:
                return 0
            found &= needs.masks[place - 1]
            if not found:
                return 0
        return found

    def _open(self, shape: Shape) -> Lane:
        lane = self._used[shape] = Lane(self.node, shape, len(self._lanes))
        self._lanes.append(lane)
        if self._needs is not None:
            self._note(lane)
        return lane

    def _note(self, lane: Lane) -> None:
        for needs, amount in zip(self._needs or (), lane.shape.vector, strict=True):
            needs.add(amount, 1 << lane.slot)

    def _close_empty(self) -> None:
        self._lanes = [lane for lane in self._lanes if lane.live]
        self._used = {lane.shape: lane for lane in self._lanes}
        for slot, lane in enumerate(self._lanes):
            lane.slot = slot
        self._sorted = sorted((lane.standing, lane.slot) for lane in self._lanes if lane.standing is not None)
        self._needs = None

    def _push(self, lane: Lane, unit: Unit) -> None:
        entry = self._order.entry(unit)
        lane.push(entry)
        if self._exact and (lane.standing is None or entry[:3] < lane.standing):
            self._stand(lane, entry[:3])

    def _stand(self, lane: Lane, rank: Rank | None) -> None:
        """The lane's head has this rank from now on."""
        if lane.standing == rank:
            return
        if lane.standing is not None:
            del self._sorted[bisect_left(self._sorted, (lane.standing, lane.slot))]
        if rank is not None:
            insort(self._sorted, (rank, lane.slot))
        lane.standing = rank

    def _renew(self) -> None:
        self.epoch = self._order.epoch
        if not self._order.shifting:
            return
        for lane in self._lanes:
            lane.renew(self._order)
            if self._exact:
                head = lane.head(self._order)
                self._stand(lane, head and head[:3])
