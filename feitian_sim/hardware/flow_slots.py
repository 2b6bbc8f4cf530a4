"""Slots of arrays in which the state of all flows lies, so that the solver can run over it compiled."""

from __future__ import annotations

import numpy as np

from feitian_sim.hardware.flow_arrays import (
    BOUND,
    CAP,
    FINISH_NS,
    FIRST,
    FLOW,
    LENGTH,
    LINK,
    LINK_ROWS,
    MOST,
    NONE,
    PLACE,
    PREVIOUS,
    RATE,
    REMAINING,
    SINCE_NS,
    Floats,
    Ints,
    Net,
)
from feitian_sim.kernel import SECOND

_FIRST_SLOTS = 64
#: Room for the links of a path; all paths get more when one is longer.
_FIRST_STRIDE = 8
_NEVER = np.iinfo(np.int64).max


class Slots:
    """One column per flow; its path lies in ``stride`` columns of the crossings.

    ``must_relist``: paths have moved or links have changed, so that the solver has to build the lists of the links anew.
    """

    def __init__(self) -> None:
        self._ints: Ints = np.zeros((PLACE + 1, 0), dtype=np.int64)
        self._floats: Floats = np.zeros((MOST + 1, 0))
        self._links: Ints = np.zeros((LINK_ROWS, 0), dtype=np.int64)
        self._most: Floats = np.zeros(0)
        #: What each flow may have when nothing blocks it, bytes per second.
        self.own_cap: Floats = np.zeros(0)
        self._stride = _FIRST_STRIDE
        self._free: list[int] = []
        self.must_relist = False
        self._net: Net | None = None
        self._grow()

    def net(self, capacity: Floats) -> Net:
        """The arrays as the solver takes them, for links of these capacities."""
        if self._net is None or self._net.capacity is not capacity:
            more = len(capacity) - self._links.shape[1]
            self._links = np.concatenate([self._links, np.full((LINK_ROWS, more), NONE, dtype=np.int64)], axis=1)
            self._most = np.concatenate([self._most, np.zeros(more)])
            self._net = Net(self._ints, self._floats, self._crossings, self._links, capacity, self._most)
            self.must_relist |= more > 0
        return self._net

    def take(self, path: tuple[int, ...], size_bytes: float, weight: float, cap: float, now_ns: int, place: int) -> int:
        """A free slot, filled in."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._write_path(slot, path)
        self._ints[BOUND : PLACE + 1, slot] = (NONE, 0, now_ns, _NEVER, place)
        self._floats[: CAP + 1, slot] = (0.0, size_bytes, weight, cap)
        self.own_cap[slot] = cap
        return slot

    def reroute(self, slot: int, path: tuple[int, ...]) -> None:
        """Another path."""
        self._write_path(slot, path)
        self.must_relist = True

    def limit(self, slot: int, cap: float) -> None:
        """What holds now: 0 while it is blocked."""
        self._floats[CAP, slot] = cap

    def give_back(self, slot: int) -> None:
        """The flow has ended, and the solver knows."""
        self._free.append(slot)

    def rate(self, slot: int) -> float:
        """Its present rate, bytes per second."""
        return float(self._floats[RATE, slot])

    def place(self, slot: int) -> int:
        """Its position in the order in which the flows began."""
        return int(self._ints[PLACE, slot])

    def still(self, slots: Ints) -> list[int]:
        """Those of ``slots`` that do not move."""
        return [int(slot) for slot in slots[self._floats[RATE, slots] <= 0.0]]

    def due(self, slots: Ints, now_ns: int) -> list[int]:
        """Those of ``slots`` that are through by now; NONE is nobody."""
        # A gap reads the last column, whose flow may be due: hence the second condition.
        return [int(slot) for slot in slots[(self._ints[FINISH_NS, slots] <= now_ns) & (slots != NONE)]]

    def delivered(self, slot: int, size_bytes: int, now_ns: int) -> int:
        """Whole bytes through by now; changes nothing."""
        left = float(self._floats[REMAINING, slot])
        elapsed_ns = now_ns - int(self._ints[SINCE_NS, slot])
        if elapsed_ns:
            left -= self.rate(slot) * (elapsed_ns / SECOND)
        return size_bytes - max(0, min(size_bytes, round(left)))

    def finish_exactly(self, slot: int) -> None:
        """All bytes are through: drop what rounding left."""
        self._floats[REMAINING, slot] = 0.0
        self._floats[RATE, slot] = 0.0

    def _write_path(self, slot: int, path: tuple[int, ...]) -> None:
        if len(path) > self._stride:
            self._widen(2 * len(path))
        first = slot * self._stride
        self._ints[LENGTH, slot] = len(path)
        self._crossings[LINK, first : first + len(path)] = path

    def _grow(self) -> None:
        old = self._ints.shape[1]
        new = max(_FIRST_SLOTS, 2 * old)
        self._ints = np.concatenate([self._ints, np.zeros((PLACE + 1, new - old), dtype=np.int64)], axis=1)
        self._floats = np.concatenate([self._floats, np.zeros((MOST + 1, new - old))], axis=1)
        self.own_cap = np.concatenate([self.own_cap, np.zeros(new - old)])
        self._free.extend(range(new - 1, old - 1, -1))
        crossings = self._crossings if old else None
        self._lay_out()
        if crossings is not None:
            kept = crossings.shape[1]
            self._crossings[LINK : PREVIOUS + 1, :kept] = crossings[LINK : PREVIOUS + 1]

    def _widen(self, stride: int) -> None:
        """Longer paths for all: positions move."""
        flows = self._ints.shape[1]
        old = self._crossings[LINK].reshape(flows, -1)
        self._stride = stride
        self._lay_out()
        self._crossings[LINK].reshape(flows, -1)[:, : old.shape[1]] = old
        self.must_relist = True

    def _lay_out(self) -> None:
        flows, stride = self._ints.shape[1], self._stride
        self._ints[FIRST] = np.arange(flows) * stride
        self._crossings: Ints = np.full((FLOW + 1, flows * stride), NONE, dtype=np.int64)
        self._crossings[FLOW] = np.repeat(np.arange(flows), stride)
        self._net = None
