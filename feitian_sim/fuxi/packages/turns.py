"""So many pieces at a time come to a machine, whatever packages they are of: who has waited longest goes first.

A machine that took from all it wants at once would have none of it for long, as its card and its disk would be shared; so
the package that was wanted first comes first, and one of which nothing could be had lets others pass.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from feitian_sim.kernel import Simulation

if TYPE_CHECKING:
    from simpy import Event


class Turns:
    """Of one machine, for one incarnation of its Tubo."""

    def __init__(self, sim: Simulation, at_once: int) -> None:
        self._sim = sim
        self._free = at_once
        self._waiting: list[tuple[int, int, Event]] = []
        self._asked = 0

    def take(self, since_ns: int) -> Event:
        """Happens when it is the turn of who waits since then; :meth:`give_back` ends the turn."""
        event = self._sim.event()
        self._asked += 1
        heappush(self._waiting, (since_ns, self._asked, event))
        self._next()
        return event

    def give_back(self) -> None:
        """A turn is over."""
        self._free += 1
        self._next()

    def _next(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            heappop(self._waiting)[2].succeed()
