"""How often the chunks of one server are read (hot spots): counted over windows, told when many read the same. Pure."""

from __future__ import annotations


class ReadHeat:
    """The reads of the present window, by chunk."""

    def __init__(self, window_ns: int, above: int) -> None:
        self._window_ns = window_ns
        self._above = above
        self._window = -1
        self._reads: dict[int, int] = {}
        self._before: dict[int, int] = {}

    def read(self, chunk: int, now_ns: int) -> int:
        """A chunk is read; how often it was within the window if that is just enough to be hot, else 0."""
        self._turn(now_ns)
        reads = self._reads[chunk] = self._reads.get(chunk, 0) + 1
        return reads if reads == self._above else 0

    def is_hot(self, chunk: int, now_ns: int) -> bool:
        """Whether a chunk is read too often, in this window or in the one before."""
        self._turn(now_ns)
        return max(self._reads.get(chunk, 0), self._before.get(chunk, 0)) >= self._above

    def _turn(self, now_ns: int) -> None:
        window = now_ns // self._window_ns
        if window != self._window:
            self._before = self._reads if window == self._window + 1 else {}
            self._window, self._reads = window, {}
