"""Slots of arrays in which the state of all flows lies, so that the solver can run over it compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import SECOND

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FIRST_SLOTS = 64
_FIRST_CROSSINGS = 1024
_NEVER = np.iinfo(np.int64).max


class Slots:
    """One row per flow: float64 rates in bytes per second, int64 nanoseconds, and paths end to end in ``crossing``."""

    def __init__(self) -> None:
        self.rate: Floats = np.zeros(_FIRST_SLOTS)
        self.remaining: Floats = np.zeros(_FIRST_SLOTS)
        self.weight: Floats = np.ones(_FIRST_SLOTS)
        #: The flow's own cap, and what holds now: 0 while it is blocked.
        self.cap: Floats = np.zeros(_FIRST_SLOTS)
        self.limit: Floats = np.zeros(_FIRST_SLOTS)
        self.since_ns: Ints = np.zeros(_FIRST_SLOTS, dtype=np.int64)
        self.finish_ns: Ints = np.zeros(_FIRST_SLOTS, dtype=np.int64)
        self.first: Ints = np.zeros(_FIRST_SLOTS, dtype=np.int64)
        self.count: Ints = np.zeros(_FIRST_SLOTS, dtype=np.int64)
        self.crossing: Ints = np.zeros(_FIRST_CROSSINGS, dtype=np.int64)
        self._used = 0
        self._free = list(range(_FIRST_SLOTS - 1, -1, -1))

    def take(self, path: tuple[int, ...], size_bytes: float, weight: float, cap: float, now_ns: int) -> int:
        """A free slot, filled in."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        if self._used + len(path) > len(self.crossing):
            self._close_gaps(len(path))
        self.first[slot] = self._used
        self.count[slot] = len(path)
        self.crossing[self._used : self._used + len(path)] = path
        self._used += len(path)
        self.rate[slot] = 0.0
        self.remaining[slot] = size_bytes
        self.weight[slot] = weight
        self.cap[slot] = self.limit[slot] = cap
        self.since_ns[slot] = now_ns
        self.finish_ns[slot] = _NEVER
        return slot

    def reroute(self, slot: int, path: tuple[int, ...]) -> None:
        """Another path of the same length."""
        first, count = int(self.first[slot]), int(self.count[slot])
        assert len(path) == count, f"a path of {count} links was replaced by one of {len(path)}"
        self.crossing[first : first + count] = path

    def give_back(self, slot: int) -> None:
        """The flow has ended."""
        self.count[slot] = 0
        self._free.append(slot)

    def delivered(self, slot: int, size_bytes: int, now_ns: int) -> int:
        """Whole bytes through by now; changes nothing."""
        elapsed_ns = now_ns - int(self.since_ns[slot])
        moved = float(self.rate[slot]) * (elapsed_ns / SECOND) if elapsed_ns else 0.0
        left = float(self.remaining[slot]) - moved
        return size_bytes - max(0, min(size_bytes, round(left)))

    def finish_exactly(self, slot: int) -> None:
        """All bytes are through: drop what rounding left."""
        self.remaining[slot] = 0.0
        self.rate[slot] = 0.0

    def _grow(self) -> None:
        old = len(self.rate)
        for name in ("rate", "remaining", "weight", "cap", "limit", "since_ns", "finish_ns", "first", "count"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros(old, dtype=column.dtype)]))
        self._free.extend(range(2 * old - 1, old - 1, -1))

    def _close_gaps(self, wanted: int) -> None:
        """Pull the paths of living flows together, and make room."""
        living = np.flatnonzero(self.count)
        total = int(self.count[living].sum()) + wanted
        fresh = np.zeros(max(_FIRST_CROSSINGS, 2 * total), dtype=np.int64)
        used = 0
        for slot in living.tolist():
            length = int(self.count[slot])
            first = int(self.first[slot])
            fresh[used : used + length] = self.crossing[first : first + length]
            self.first[slot] = used
            used += length
        self.crossing = fresh
        self._used = used
