"""The queue of events in which a draw decides between what falls due at one instant: under ``feitian check`` only.

A model that is right does not depend on which of two events of the same nanosecond comes first, as long as neither
brought about the other; a run with drawn ties shows where one does. What an event brings about at its own instant still
comes after everything that was there already, in the order in which it was brought about: that order is causal. Draws
are of a stream of their own, so that the same seed gives the same order in every process.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter

from feitian_sim.kernel.chance import Stream
from feitian_sim.kernel.event_queue import Entry, EventQueue

_key = itemgetter(0)


class TieQueue(EventQueue):
    """Entries by descending key; those of equal keys in a drawn order."""

    __slots__ = ("_dice",)

    def __init__(self, dice: Stream) -> None:
        super().__init__()
        self._dice = dice

    def refill(self) -> bool:
        """As the plain queue; then every run of equal keys is shuffled."""
        before = self.ready
        if not super().refill():
            return False
        first, last = 0, len(before)
        while first < last - 1:
            key = before[first][0]
            end = first + 1
            while end < last and before[end][0] == key:
                end += 1
            if end - first > 1:
                tied = before[first:end]
                self._dice.shuffle(tied)
                before[first:end] = tied
            first = end
        return True

    def push(self, entry: Entry) -> None:
        """As the plain queue, but what is not due at once takes a drawn place among its equals."""
        ready, key = self.ready, entry[0]
        if key < self.horizon or not ready or key >= ready[-1][0]:
            super().push(entry)
            return
        self._late += 1
        first = bisect_left(ready, (key,))
        end = bisect_right(ready, key, first, key=_key)
        ready.insert(first + self._dice.integer(end - first + 1) if end > first else first, entry)
