"""The queue of what is to come, in two levels: buckets of time, of which only the nearest is sorted.

Entries come out by (time, priority, insertion). Time and priority are one integer key; insertion needs no number,
because entries are appended to their bucket as they come and the sort is stable. What lies beyond the nearest
bucket is appended unsorted; when a bucket's turn comes it is sorted at once, and what is added to it late is
inserted by bisection. A timer that is cancelled before its bucket's turn is never sorted at all. The width of the
buckets follows how many entries they hold; it changes the speed and never the order. After R. Brown, Calendar
queues, CACM 31(10), 1988, with Python's list sort in the place of linked lists.
"""

from __future__ import annotations

from bisect import bisect_left
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Any

from feitian_sim.kernel.timer import Timer

#: (key, callback, args) of a callback, (key, event or timer, None) of what else the simulation runs.
Entry = tuple[int, Any, tuple[Any, ...] | None]

_KEY_SHIFT = 3
_NORMAL = 1
#: A horizon above every key.
_NOTHING_READY = 3
_FIRST_SHIFT = 16  # Buckets of 2**16 keys, 8 microseconds.
_WIDEST_SHIFT = 58
#: Refills between two looks at the width of the buckets.
_LOOK_EVERY = 64
#: Entries taken out between two counts of those that wait: so many at least, and a share of 2**-_COUNTED_SHARE of them.
_COUNT_AFTER, _COUNTED_SHARE = 4096, 3
#: Buckets with fewer entries than _FEW on average are made wider; up to _ENOUGH, as long as few entries come late.
_FEW, _ENOUGH = 16, 256
_FEW_LATE, _MANY_LATE = 32, 8
#: A list of ready entries longer than _MANY_READY, into which many entries come late, is cut back to about _FIT_READY;
#: one longer than _TOO_MANY in any case.
_TOO_MANY, _MANY_READY, _FIT_READY = 4096, 256, 96
_COMPACT_AT_LEAST = 4096
#: An entry that comes late into a list of 2**_LATE_COST costs as much as one that is moved to another bucket (measured).
_LATE_COST = 12
#: More cancelled timers than this between two looks, or a share of a bucket above 2**-_FEW_STALE, are many.
_MANY_STALE, _FEW_STALE = 64, 3

_key = itemgetter(0)


def key_at(time_ns: int, priority: int) -> int:
    """The key of an entry: it falls as time goes on, and at one instant as the priority's number rises.

    Priorities from -1 (what a stopped run left over) to 6 are told apart; a normal one's key is the cheapest to make.
    """
    return _NORMAL - priority - (time_ns << _KEY_SHIFT)


def time_of(key: int) -> int:
    """The instant of a key, nanoseconds."""
    return 2 - key >> _KEY_SHIFT


class EventQueue:
    """Entries by descending key; ``ready`` is the nearest bucket, its next entry last."""

    __slots__ = (
        "_compact_at", "_late", "_open_horizon", "_order", "_refills", "_seen", "_sift", "_uncounted", "_unpaid",
        "buckets", "horizon", "ready", "shift",
    )  # fmt: skip

    def __init__(self) -> None:
        self.ready: list[Entry] = []
        #: An entry whose key is not below this belongs into ``ready``.
        self.horizon: float = _NOTHING_READY
        self._open_horizon: float = self.horizon
        #: Entries beyond the horizon, by key >> shift, each list in the order of insertion.
        self.buckets: dict[int, list[Entry]] = {}
        self.shift = _FIRST_SHIFT
        # Numbers of the buckets that are not empty, negated: a heap.
        self._order: list[int] = []
        self._refills = 0
        self._seen = 0
        self._late = 0
        # Entries to be taken out before all that wait are moved again, and before they are counted again.
        self._unpaid = 0
        self._uncounted = 0
        # Whether so many entries turn out to be cancelled that it pays to throw them out before sorting.
        self._sift = False
        self._compact_at = _COMPACT_AT_LEAST

    def __len__(self) -> int:
        return len(self.ready) + sum(map(len, self.buckets.values()))

    def push(self, entry: Entry) -> None:
        """Add an entry."""
        key = entry[0]
        if key >= self.horizon:
            ready = self.ready
            self._late += 1
            # Behind those of its key, which is before them in the list: a tuple of the key alone is below each of them.
            if not ready or key > ready[-1][0]:
                ready.append(entry)
            elif len(ready) < 2 or key > ready[-2][0]:
                ready.insert(-1, entry)
            else:
                ready.insert(bisect_left(ready, (key,)), entry)
            return
        bucket = self.buckets.get(key >> self.shift)
        if bucket is None:
            self.open(entry)
        else:
            bucket.append(entry)

    def open(self, entry: Entry) -> None:
        """Begin a new bucket with an entry that is due beyond the horizon."""
        number = entry[0] >> self.shift
        self.buckets[number] = [entry]
        heappush(self._order, -number)

    def refill(self) -> bool:
        """Sort the next bucket into ``ready``, which must be empty; False when nothing is left."""
        ready = self.ready
        while self._order:
            number = -heappop(self._order)
            bucket = self.buckets.pop(number)
            self.horizon = number << self.shift
            self._refills += 1
            self._seen += len(bucket)
            if self._sift:
                whole = len(bucket)
                bucket = _live(bucket)
                self._sift = whole - len(bucket) > whole >> _FEW_STALE
            # The newest first, so that of equal keys the oldest is the last and comes out first.
            bucket.reverse()
            bucket.sort(key=_key)
            ready.extend(bucket)
            if ready:
                return True
        return False

    def next_ns(self) -> int | None:
        """When the next entry is due; None when there is none."""
        ready = self.ready
        while ready or self.refill():
            key, what, _ = ready[-1]
            if what.__class__ is not Timer or what.active:
                return time_of(key)
            ready.pop()
        return None

    def gag(self, gagged: bool) -> None:
        """While gagged, every entry looks due before the horizon: there the simulation asks whether it may."""
        if gagged:
            self._open_horizon, self.horizon = self.horizon, float("-inf")
        else:
            self.horizon = self._open_horizon

    def relax(self, taken: int, stale: int) -> None:
        """Called after ``taken`` more entries, ``stale`` of them cancelled: throw out, and fit the buckets."""
        if stale > _MANY_STALE:
            self._sift = True
        # What comes late into a long list costs as much as moving entries: that pays for them, too.
        self._unpaid -= taken + (taken * len(self.ready) >> _LATE_COST)
        self._uncounted -= taken
        if self._uncounted <= 0:
            count = len(self)
            self._uncounted = max(_COUNT_AFTER, count >> _COUNTED_SHARE)
            if count >= self._compact_at:
                self._compact()
        ready = self.ready
        if len(ready) > _TOO_MANY or (len(ready) > _MANY_READY and self._late * _MANY_LATE > self._seen):
            self._narrow()
        elif self._refills >= _LOOK_EVERY:
            wider = (_FEW * self._refills // max(1, self._seen)).bit_length()
            if not wider and self._seen < _ENOUGH * self._refills and self._late * _FEW_LATE < self._seen:
                wider = 1
            if wider and self.shift < _WIDEST_SHIFT and self._unpaid <= 0:
                self._rebuild(self.shift + wider, self.horizon)
            self._refills = self._seen = self._late = 0

    def _narrow(self) -> None:
        """Late entries pay for a long list: let only the nearest part of it stay ready."""
        ready = self.ready
        horizon = ready[-_FIT_READY][0]
        if horizon > ready[0][0] and self._unpaid <= 0:
            span = ready[-1][0] - horizon
            self._rebuild(min(self.shift, span.bit_length()) if span else self.shift, horizon)
        self._refills = self._seen = self._late = 0

    def _compact(self) -> None:
        """Forget the cancelled entries: when there are twice as many entries as were live the last time."""
        self.ready[:] = _live(self.ready)
        for number, bucket in list(self.buckets.items()):
            bucket[:] = _live(bucket)
            if not bucket:
                del self.buckets[number]
        self._reorder()
        self._compact_at = max(_COMPACT_AT_LEAST, 2 * len(self))

    def _rebuild(self, shift: int, horizon: float) -> None:
        """Sort everything beyond a horizon, which may be nearer than the present one, into buckets of another width."""
        entries = [entry for bucket in self.buckets.values() for entry in bucket]
        if horizon > self.horizon:
            cut = bisect_left(self.ready, (horizon,))
            entries += reversed(self.ready[:cut])
            del self.ready[:cut]
            self.horizon = horizon
        self.shift = shift
        # A load that comes in bursts wants narrow buckets and wide ones by turns: where many entries wait, each would be
        # moved more often than it is run.
        self._unpaid = len(entries)
        buckets = self.buckets
        buckets.clear()
        for entry in entries:
            buckets.setdefault(entry[0] >> shift, []).append(entry)
        self._reorder()

    def _reorder(self) -> None:
        self._order = [-number for number in self.buckets]
        heapify(self._order)


def _live(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry[1].__class__ is not Timer or entry[1].active]
