"""Fair queueing: messages of several flows share what one connection or one process can take.

Deficit round robin (Shreedhar and Varghese, SIGCOMM 1995): each flow in turn may send as many bytes as its quanta have
saved up, so in the long run flows that always have something to send get equal bytes, whatever the sizes of their
messages, and one with little to send waits for one message of each other at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any


class FairQueue:
    """Items of flows, each with its size in bytes; FIFO within a flow."""

    __slots__ = ("_active", "_deficits", "_flows", "_quantum", "size_bytes")

    def __init__(self, quantum_bytes: int) -> None:
        self._quantum = quantum_bytes
        self._flows: dict[Hashable, deque[tuple[int, Any]]] = {}
        self._active: deque[Hashable] = deque()
        self._deficits: dict[Hashable, int] = {}
        #: Bytes that wait.
        self.size_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._active)

    def push(self, flow: Hashable, size_bytes: int, item: Any) -> None:
        """Queue an item of a flow."""
        queue = self._flows.get(flow)
        if queue is None:
            queue = self._flows[flow] = deque()
            self._deficits[flow] = 0
            self._active.append(flow)
        queue.append((size_bytes, item))
        self.size_bytes += size_bytes

    def next_size(self) -> int:
        """Bytes of the item whose turn it is. The queue must not be empty."""
        while True:
            flow = self._active[0]
            size_bytes = self._flows[flow][0][0]
            if self._deficits[flow] >= size_bytes:
                return size_bytes
            self._deficits[flow] += self._quantum
            if self._deficits[flow] < size_bytes or len(self._active) > 1:
                self._active.rotate(-1)

    def pop(self) -> Any:
        """Take the item whose turn it is."""
        size_bytes = self.next_size()
        flow = self._active[0]
        queue = self._flows[flow]
        _, item = queue.popleft()
        self._deficits[flow] -= size_bytes
        self.size_bytes -= size_bytes
        if not queue:
            # An idle flow saves nothing up.
            self._active.popleft()
            del self._flows[flow], self._deficits[flow]
        return item

    def clear(self) -> list[Any]:
        """Take all, flow by flow."""
        items = [item for flow in self._active for _, item in self._flows[flow]]
        self._flows.clear()
        self._active.clear()
        self._deficits.clear()
        self.size_bytes = 0
        return items
