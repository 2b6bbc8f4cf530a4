"""Repair: which missing replica is restored next, from where, to where, and how much at once.

Chunks wait in queues by copies left, the fewest first (or in one queue, first come). A clone takes a slot of its source
(out), of its target (in) and of the cluster until its result is in. The source is the least loaded server with a good
replica; the target is what the placement policy would choose beside the replicas that are left, so that
restored chunks obey the same rules as new ones (racks, power domains, disk use).

Pure: the master asks :meth:`RepairPlanner.next_clone` until it gets None.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from feitian_sim.kernel import Stream
from feitian_sim.pangu.chunk_table import ChunkTable, Locations
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.config import RepairConfig
from feitian_sim.pangu.placement import PlacementPolicy
from feitian_sim.pangu.placement.policy import PlacementImpossible, chosen

#: How many waiting chunks are looked at before the planner concedes that no slot fits any.
_LOOK_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class Clone:
    """One replica to restore."""

    chunk: int
    version: int
    length_bytes: int
    copies_left: int
    source: int
    target: int
    queued_ns: int
    started_ns: int


class RepairPlanner:
    """The queue of one master."""

    def __init__(
        self,
        config: RepairConfig,
        replicas: int,
        chunks: ChunkTable,
        locations: Locations,
        view: ClusterView,
        policy: PlacementPolicy,
        stream: Stream,
    ) -> None:
        self._config = config
        self._replicas = replicas
        self._chunks = chunks
        self._locations = locations
        self._view = view
        self._policy = policy
        self._stream = stream
        self._queues: list[deque[int]] = [deque() for _ in range(replicas + 1)]
        # When a chunk began to wait; a chunk that is in no queue is not here.
        self._waiting: dict[int, int] = {}
        self._running: dict[int, Clone] = {}
        #: Why chunks are not being repaired, by reason: chunks that were put off.
        self.put_off: dict[str, int] = {}

    @property
    def queued_count(self) -> int:
        """Chunks that wait."""
        return len(self._waiting)

    @property
    def running_count(self) -> int:
        """Clones under way."""
        return len(self._running)

    @property
    def limit(self) -> int:
        """Clones that the cluster may run at once."""
        if self._config.per_cluster is not None:
            return self._config.per_cluster
        living = int(np.count_nonzero(self._view.alive))
        return max(1, -(-int(living * self._config.per_cluster_share * 1000) // 1000))

    def add(self, chunks: Iterable[int], now_ns: int) -> None:
        """These chunks may lack replicas: let them wait, unless they do already."""
        for chunk in chunks:
            if chunk not in self._running:
                self._waiting.setdefault(chunk, now_ns)
                self._queues[self._place(chunk)].append(chunk)

    def is_running(self, chunk: int) -> bool:
        """Whether a clone of the chunk is under way."""
        return chunk in self._running

    def next_clone(self, now_ns: int, may_repair: Callable[[int], bool]) -> Clone | None:
        """The clone to start now, its slots taken; None when nothing can start."""
        if len(self._running) >= self.limit:
            return None
        looked_at = 0
        for left, queue in enumerate(self._queues):
            skipped: list[int] = []
            clone = None
            while queue and looked_at < _LOOK_AT_MOST and clone is None:
                chunk = queue.popleft()
                if not self._still_waits(chunk, left):
                    continue
                looked_at += 1
                if may_repair(chunk):
                    clone = self._plan(chunk, now_ns)
                else:
                    self._defer("is being written")
                if clone is None:
                    skipped.append(chunk)
            queue.extendleft(reversed(skipped))
            if clone is not None:
                return clone
        return None

    def done(self, chunk: int) -> Clone | None:
        """The clone of a chunk has ended, either way: give its slots back."""
        clone = self._running.pop(chunk, None)
        if clone is not None:
            self._view.clones_out[clone.source] -= 1
            self._view.clones_in[clone.target] -= 1
        return clone

    def take_all_waiting(self) -> list[tuple[int, int]]:
        """Every chunk that waits and can be repaired, with since when, most urgent first; for bundles."""
        taken = []
        for left, queue in enumerate(self._queues):
            while queue:
                chunk = queue.popleft()
                if self._still_waits(chunk, left):
                    taken.append((chunk, self._waiting.pop(chunk)))
        return taken

    def _place(self, chunk: int) -> int:
        if self._config.order == "first-come":
            return 0
        return min(self._locations.copies(chunk), self._replicas)

    def _still_waits(self, chunk: int, left: int) -> bool:
        """Whether the entry is true; one that is not is dropped, since a truer one was made when things changed."""
        if chunk not in self._waiting:
            return False
        copies = self._locations.copies(chunk)
        if not self._chunks.knows(chunk) or copies >= self._replicas or copies == 0:
            del self._waiting[chunk]
            return False
        if self._place(chunk) != left:
            self._queues[self._place(chunk)].append(chunk)
            return False
        return True

    def _plan(self, chunk: int, now_ns: int) -> Clone | None:
        holders = self._locations.servers(chunk)
        source = self._source(chunk, holders)
        if source is None:
            self._defer("all sources are busy")
            return None
        busy = [int(server) for server in (self._view.clones_in >= self._config.per_server).nonzero()[0]]
        length_bytes = int(self._chunks.lengths[chunk])
        try:
            (target,) = chosen(
                self._policy, self._view, 1, self._stream, exclude=busy, existing=holders, size_bytes=length_bytes
            )
        except PlacementImpossible as error:
            self._defer(str(error))
            return None
        clone = Clone(
            chunk=chunk,
            version=int(self._chunks.versions[chunk]),
            length_bytes=length_bytes,
            copies_left=len(holders),
            source=source,
            target=int(target),
            queued_ns=self._waiting.pop(chunk),
            started_ns=now_ns,
        )
        self._running[chunk] = clone
        self._view.clones_out[source] += 1
        self._view.clones_in[clone.target] += 1
        return clone

    def _source(self, chunk: int, holders: tuple[int, ...]) -> int | None:
        out = self._view.clones_out
        free = [server for server in holders if self._view.alive[server] and out[server] < self._config.per_server]
        # Equally loaded sources take turns by chunk, so that no server is everybody's source.
        return min(free, key=lambda server: (int(out[server]), (server + chunk) % len(out)), default=None)

    def _defer(self, reason: str) -> None:
        self.put_off[reason] = self.put_off.get(reason, 0) + 1
