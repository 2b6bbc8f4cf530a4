"""Which chunk servers live: the master's failure detector, by silence.

A server is dead when the master, looking at multiples of ``scan``, finds that it has not been heard for ``timeout``. A
server whose heartbeats are elided is heard all the time (see :mod:`feitian_sim.pangu.heartbeat`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class FailureDetector:
    """When each server was last heard, and who has been silent for too long."""

    def __init__(self, count: int, timeout_ns: int, scan_ns: int, now_ns: int) -> None:
        self._timeout_ns = timeout_ns
        self._scan_ns = scan_ns
        # A new master gives everybody the whole time-out to be heard.
        self._heard_ns: npt.NDArray[np.int64] = np.full(count, now_ns, dtype=np.int64)
        self._watched = np.ones(count, dtype=np.bool_)
        self._elided = np.zeros(count, dtype=np.bool_)

    def heard(self, server: int, at_ns: int) -> None:
        """A heartbeat arrived."""
        self._heard_ns[server] = max(int(self._heard_ns[server]), at_ns)
        self._watched[server] = True

    def elide(self, server: int, elided: bool) -> None:
        """From now on the server is heard without events, or again only with them."""
        self._elided[server] = elided

    def silent(self, now_ns: int) -> list[int]:
        """Servers to declare dead at this look, ascending; each is told once, until it is heard again."""
        late = self._watched & ~self._elided & (self._heard_ns + self._timeout_ns <= now_ns)
        self._watched[late] = False
        return [int(server) for server in np.flatnonzero(late)]

    def next_look_ns(self, now_ns: int) -> int | None:
        """When to look again: the first tick at which somebody might be silent for too long; None if nobody can."""
        open_ends = self._heard_ns[self._watched & ~self._elided]
        if not len(open_ends):
            return None
        due_ns = max(int(open_ends.min()) + self._timeout_ns, now_ns + 1)
        return -(-due_ns // self._scan_ns) * self._scan_ns
