"""Scrubbing: every replica is read and checked once in a period, whether anybody asks for it or not (P11).

Each server goes round its replicas; the place of a replica in the round is keyed by server and chunk. A pass over
sound bytes finds nothing and changes nothing, so only the passes that will find damage are events: damage is found
when the round next comes by, so within one period. The round's load on the disks (all bytes once a period: 0.8 MB/s
for 1 TB in a fortnight) is left out.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.kernel import Owner, Simulation


class Scrubber:
    """The round of one chunk-server process."""

    def __init__(self, sim: Simulation, owner: Owner, server: str, every_ns: int, check: Callable[[int], object]) -> None:
        self._sim = sim
        self._owner = owner
        self._stream = sim.stream("pangu.scrub", server)
        self._every_ns = every_ns
        # Reads the replica and reports it if it is bad.
        self._check = check
        self._awaited: dict[int, None] = {}

    def damaged(self, chunk: int) -> None:
        """A replica here has been damaged; nobody knows yet, but the round will come by."""
        if chunk not in self._awaited:
            self._awaited[chunk] = None
            self._owner.call_later(self.delay_ns(chunk), self._pass, chunk)

    def delay_ns(self, chunk: int) -> int:
        """Time until the round is at ``chunk`` again."""
        place_ns = int(self._stream.at(chunk) * self._every_ns)
        return (place_ns - self._sim.now) % self._every_ns or self._every_ns

    def _pass(self, chunk: int) -> None:
        del self._awaited[chunk]
        self._check(chunk)
