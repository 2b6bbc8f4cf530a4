"""Moves in flight: a replica is cloned to its target and then dropped at its source, within slots of their own.

Balancing and draining each have a limit of moves per server and cluster. A server that takes part in a repair takes
part in no new move, so that repair goes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.rebalance import Move

Why = Literal["balance", "drain"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many moves at once, and how fast."""

    per_server: int
    per_cluster: int
    #: Most that all moves of one server may take together.
    bandwidth_bps: int

    @property
    def rate_bps(self) -> int:
        """Most that one move may take, so that all slots of a server together keep its bandwidth."""
        return max(1, self.bandwidth_bps // self.per_server)


@dataclass(frozen=True, slots=True)
class Running:
    """A move that has begun."""

    move: Move
    why: Why
    version: int
    #: Whom the target copies from.
    reader: int
    started_ns: int


class Moves:
    """All moves in flight, and what the servers have room for."""

    def __init__(self, view: ClusterView, limits: dict[Why, Limits]) -> None:
        self._view = view
        self.limits = limits
        self._running: dict[int, Running] = {}
        self._parts: dict[Why, npt.NDArray[np.int64]] = {why: np.zeros(view.count, dtype=np.int64) for why in limits}
        self._counts: dict[Why, int] = dict.fromkeys(limits, 0)

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, chunk: int) -> bool:
        return chunk in self._running

    def all(self) -> list[Running]:
        """Every move in flight, in the order of their beginning."""
        return list(self._running.values())

    def is_full(self, why: Why) -> bool:
        """Whether the cluster runs as many moves of this kind as it may."""
        return self._counts[why] >= self.limits[why].per_cluster

    def busy(self, why: Why) -> npt.NDArray[np.bool_]:
        """For each server whether it can take part in no further move of this kind now."""
        repairing = (self._view.clones_in + self._view.clones_out) > 0
        full: npt.NDArray[np.bool_] = repairing | (self._parts[why] >= self.limits[why].per_server)
        return full

    def reader(self, why: Why, holders: tuple[int, ...], turn: int) -> int | None:
        """Whom to copy from: the living holder with the fewest moves, equal ones in turn; None when all are busy."""
        busy, parts, count = self.busy(why), self._parts[why], self._view.count
        free = [server for server in holders if self._view.alive[server] and not busy[server]]
        return min(free, key=lambda server: (int(parts[server]), (server + turn) % count), default=None)

    def begin(self, running: Running) -> None:
        """Take the slots of a move."""
        self._running[running.move.chunk] = running
        self._change(running, 1)

    def end(self, chunk: int) -> Running | None:
        """A move has ended, either way: give its slots back."""
        running = self._running.pop(chunk, None)
        if running is not None:
            self._change(running, -1)
        return running

    def _change(self, running: Running, by: int) -> None:
        self._counts[running.why] += by
        self._parts[running.why][[running.reader, running.move.target]] += by
