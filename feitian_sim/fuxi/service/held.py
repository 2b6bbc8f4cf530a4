"""What a worker of a service has: its partitions with their states, found by key, and how much each was asked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from feitian_sim.fuxi.service.messages import Holds, PartitionLoad, Row

#: A partition is being loaded; its token is being shown to the storage; it is served; it is being unloaded; it is gone.
LOADING, FENCING, SERVING, UNLOADING, GONE = range(5)
#: Of the last keys so many are remembered: their median is where a partition would be split.
_KEYS = 64


class HeldPartition:
    """One partition under one token."""

    __slots__ = ("asked", "high", "in_flight", "keys", "low", "partition", "since_ns", "state", "token")

    def __init__(self, row: Row, since_ns: int) -> None:
        self.partition = row.partition
        self.low = row.low
        self.high = row.high
        self.token = row.token
        self.state = LOADING
        self.since_ns = since_ns
        #: Requests that are not answered yet.
        self.in_flight = 0
        #: Requests since the last report, and the keys of the last ones.
        self.asked = 0
        self.keys: list[int] = []

    @property
    def is_here(self) -> bool:
        """Whether what is under way with it may go on."""
        return self.state in (SERVING, UNLOADING)

    def ask(self, key: int) -> None:
        """It is asked for a key."""
        self.in_flight += 1
        if len(self.keys) < _KEYS:
            self.keys.append(key)
        else:
            self.keys[self.asked % _KEYS] = key
        self.asked += 1


class Holding:
    """All partitions of one worker."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], HeldPartition] = {}
        # Those that are served, in the order of their keys.
        self._lows: list[int] = []
        self._served: list[HeldPartition] = []
        #: The last Hold that was heard.
        self.attempt = 0
        self.number = 0

    def hears(self, attempt: int, number: int) -> bool:
        """Whether what a Hold says counts; nothing older does afterwards."""
        if (attempt, number) <= (self.attempt, self.number):
            return False
        self.attempt, self.number = attempt, number
        return True

    def all(self) -> Iterable[HeldPartition]:
        """Everything, in whatever state."""
        return self._held.values()

    def of(self, key: int) -> HeldPartition | None:
        """The partition that serves a key here."""
        place = bisect_right(self._lows, key) - 1
        if place < 0:
            return None
        held = self._served[place]
        return held if key < held.high else None

    def add(self, held: HeldPartition) -> None:
        """It is to be loaded."""
        self._held[held.partition, held.token] = held

    def serve(self, held: HeldPartition) -> None:
        """It is served from now on."""
        held.state = SERVING
        place = bisect_right(self._lows, held.low)
        self._lows.insert(place, held.low)
        self._served.insert(place, held)

    def close(self, held: HeldPartition) -> None:
        """Nothing new is taken for it."""
        self._take_out(held)
        held.state = UNLOADING

    def remove(self, held: HeldPartition) -> bool:
        """It is here no more; whether it had been served."""
        had = held.state in (SERVING, UNLOADING)
        self._take_out(held)
        held.state = GONE
        if self._held.get((held.partition, held.token)) is held:
            del self._held[held.partition, held.token]
        return had

    def _take_out(self, held: HeldPartition) -> None:
        if held.state == SERVING:
            place = self._served.index(held)
            del self._lows[place], self._served[place]

    def said(self) -> Holds:
        """What is here, as it is told."""
        return Holds(self.attempt, self.number, tuple(self._held))

    def take_loads(self) -> tuple[PartitionLoad, ...]:
        """How much was asked since the last time."""
        loads = []
        for held in self._served:
            if held.asked:
                median = sorted(held.keys)[len(held.keys) // 2]
                loads.append(PartitionLoad(held.partition, held.asked, median))
                held.asked = 0
                held.keys = []
        return tuple(loads)
