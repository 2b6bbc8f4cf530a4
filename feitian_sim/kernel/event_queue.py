"""The queue of what is to come, in two levels: buckets of time, of which only the nearest is sorted.

Entries come out by (time, priority, insertion). What lies beyond the nearest bucket is appended to its bucket unsorted;
when a bucket's turn comes it is sorted at once, and what is added to it late is inserted by bisection. A timer that is
cancelled before its bucket's turn is never sorted at all. The width of the buckets follows how many entries they hold;
it changes the speed and never the order. After R. Brown, Calendar queues, CACM 31(10), 1988, with Python's list sort
in the place of linked lists.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Any

from feitian_sim.kernel.timer import Timer

#: (-time_ns, -priority, -number, timer or event): negated, so that the next entry is the last of a sorted list.
Entry = tuple[int, int, int, Any]

_FIRST_SHIFT = 20  # Buckets of 2**20 ns, about a millisecond.
_WIDEST_SHIFT = 55
_LOOK_EVERY = 64
#: Buckets with fewer entries than this on average are made wider.
_FEW = 24
#: A list of ready entries longer than this is cut back to about ``_FIT_READY``.
_MANY_READY, _FIT_READY = 512, 128
_COMPACT_AT_LEAST = 4096


class EventQueue:
    """Entries by time; ``ready`` is the nearest bucket, its next entry last."""

    __slots__ = ("_cancelled", "_compact_at", "_order", "_refills", "_seen", "buckets", "horizon_ns", "ready", "shift")

    def __init__(self) -> None:
        self.ready: list[Entry] = []
        #: What is due before this instant is in ``ready``.
        self.horizon_ns = 0
        #: Entries beyond the horizon, by time_ns >> shift, in any order.
        self.buckets: dict[int, list[Entry]] = {}
        self.shift = _FIRST_SHIFT
        # Numbers of the buckets that are not empty: a heap.
        self._order: list[int] = []
        self._refills = 0
        self._seen = 0
        self._cancelled = 0
        self._compact_at = _COMPACT_AT_LEAST

    def __len__(self) -> int:
        return len(self.ready) + sum(map(len, self.buckets.values()))

    def push(self, time_ns: int, entry: Entry) -> None:
        """Add an entry that is due at ``time_ns``."""
        if time_ns < self.horizon_ns:
            insort(self.ready, entry)
            return
        bucket = self.buckets.get(time_ns >> self.shift)
        if bucket is None:
            self.open(time_ns, entry)
        else:
            bucket.append(entry)

    def open(self, time_ns: int, entry: Entry) -> None:
        """Begin a new bucket with an entry that is due at ``time_ns``, beyond the horizon."""
        number = time_ns >> self.shift
        self.buckets[number] = [entry]
        heappush(self._order, number)

    def refill(self) -> bool:
        """Sort the next bucket into ``ready``, which must be empty; False when nothing is left."""
        while self._order:
            number = heappop(self._order)
            bucket = self.buckets.pop(number)
            self.horizon_ns = (number + 1) << self.shift
            self._refills += 1
            self._seen += len(bucket)
            if self._cancelled:
                whole = len(bucket)
                bucket = [entry for entry in bucket if entry[3].__class__ is not Timer or entry[3].callback is not None]
                self._cancelled -= whole - len(bucket)
            bucket.sort()
            self.ready.extend(bucket)
            if self.ready:
                return True
        return False

    def next_ns(self) -> int | None:
        """When the next entry is due; None when there is none."""
        ready = self.ready
        while ready or self.refill():
            item = ready[-1][3]
            if item.__class__ is not Timer or item.callback is not None:
                return -ready[-1][0]
            ready.pop()
            self._cancelled -= 1
        return None

    def note_cancelled(self) -> None:
        """A timer in the queue will call nothing any more."""
        self._cancelled += 1
        if self._cancelled >= self._compact_at:
            self._compact()

    def drop_cancelled(self) -> None:
        """A cancelled timer has been taken from ``ready``."""
        self._cancelled -= 1

    def _compact(self) -> None:
        """Forget the cancelled timers, once they are as many as the others were."""
        self.ready[:] = _live(self.ready)
        for number, bucket in list(self.buckets.items()):
            bucket[:] = _live(bucket)
            if not bucket:
                del self.buckets[number]
        self._order = list(self.buckets)
        heapify(self._order)
        self._cancelled = 0
        self._compact_at = max(_COMPACT_AT_LEAST, len(self))

    def relax(self) -> None:
        """Called now and then: fit the width of the buckets to how many entries they hold."""
        ready = self.ready
        if len(ready) > _MANY_READY:
            # Late entries pay for a long list: let only the nearest part of it stay ready.
            nearest_ns, last_ns = -ready[-1][0], -ready[-_FIT_READY][0]
            shift = (last_ns - nearest_ns).bit_length()
            if shift < self.shift:
                self._rebuild(shift, nearest_ns)
        elif self._refills >= _LOOK_EVERY:
            few = self._seen < _FEW * self._refills
            self._refills = self._seen = 0
            if few and self.shift < _WIDEST_SHIFT and len(self._order) > _FEW:
                self._rebuild(self.shift + 2, self.horizon_ns)

    def _rebuild(self, shift: int, from_ns: int) -> None:
        """Sort everything that is due from ``from_ns`` on into buckets of another width."""
        entries = [entry for bucket in self.buckets.values() for entry in bucket]
        if from_ns < self.horizon_ns:
            self.horizon_ns = ((from_ns >> shift) + 1) << shift
            cut = bisect_right(self.ready, -self.horizon_ns, key=itemgetter(0))
            entries += self.ready[:cut]
            del self.ready[:cut]
        self.shift = shift
        buckets: dict[int, list[Entry]] = {}
        for entry in entries:
            buckets.setdefault(-entry[0] >> shift, []).append(entry)
        self.buckets = buckets
        self._order = list(buckets)
        heapify(self._order)


def _live(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry[3].__class__ is not Timer or entry[3].callback is not None]
