"""Repair: which missing replica is restored next, from where, to where, and how much at once.

Chunks wait in queues by copies left, the fewest first (or in one queue, first come). Repair may be lazy, so that a
chunk waits for a second loss, and may wait for a while, since most servers come back. A clone takes a slot of its source
(out), of its target (in) and of the cluster until its result is in. By default the source is the least loaded server
with a good replica, and the target is what the placement policy would choose beside the replicas that are left, so
that restored chunks obey the same rules as new ones (racks, power domains, disk use).

Pure: the master asks :meth:`RepairPlanner.next_clone` until it gets None.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
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
        # Chunks that wait for their time, in order of it.
        self._delayed: deque[tuple[int, int]] = deque()
        # Chunks of which all copies are restored, once repair has begun; where it is not lazy, all are.
        self._begun: dict[int, None] = {}
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
    def waiting(self) -> Collection[int]:
        """The chunks that wait, as they came."""
        return self._waiting.keys()

    def running(self, chunk: int) -> Clone | None:
        """The clone of the chunk that is under way."""
        return self._running.get(chunk)

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
            if chunk in self._running:
                continue
            since_ns = self._waiting.setdefault(chunk, now_ns)
            due_ns = since_ns + self._config.delay
            if due_ns > now_ns and self._locations.copies(chunk) > 1:
                if since_ns == now_ns:
                    self._delayed.append((due_ns, chunk))
            else:
                self._queues[self._place(chunk)].append(chunk)

    @property
    def next_due_ns(self) -> int | None:
        """When the next of those comes whose repair is delayed."""
        return self._delayed[0][0] if self._delayed else None

    def _ripen(self, now_ns: int) -> None:
        while self._delayed and self._delayed[0][0] <= now_ns:
            _, chunk = self._delayed.popleft()
            if chunk in self._waiting:
                self._queues[self._place(chunk)].append(chunk)

    def is_running(self, chunk: int) -> bool:
        """Whether a clone of the chunk is under way."""
        return chunk in self._running

    def next_clone(self, now_ns: int, may_repair: Callable[[int], bool]) -> Clone | None:
        """The clone to start now, its slots taken; None when nothing can start."""
        self._ripen(now_ns)
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

    def take_all_waiting(self, now_ns: int) -> list[tuple[int, int]]:
        """Every chunk that waits and can be repaired, with since when, most urgent first; for bundles."""
        self._ripen(now_ns)
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
            self._begun.pop(chunk, None)
            return False
        if self._config.lazy_below is not None and chunk not in self._begun:
            if copies >= self._config.lazy_below:
                # The loss of another copy brings it back.
                del self._waiting[chunk]
                return False
            self._begun[chunk] = None
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
        length_bytes = int(self._chunks.lengths[chunk])
        try:
            target = self._target(holders, length_bytes)
        except PlacementImpossible as error:
            self._defer(str(error))
            return None
        if self._config.source == "same-rack":
            source = self._source_near(target, chunk, holders)
        clone = Clone(
            chunk=chunk,
            version=int(self._chunks.versions[chunk]),
            length_bytes=length_bytes,
            copies_left=len(holders),
            source=source,
            target=target,
            queued_ns=self._waiting.pop(chunk),
            started_ns=now_ns,
        )
        self._running[chunk] = clone
        self._view.clones_out[source] += 1
        self._view.clones_in[clone.target] += 1
        return clone

    def _target(self, holders: tuple[int, ...], length_bytes: int) -> int:
        """Where the replica is restored. Raises PlacementImpossible."""
        view = self._view
        busy = view.clones_in >= self._config.per_server
        if self._config.target == "same-rack":
            free = view.candidates(holders, length_bytes)
            near = free[np.isin(view.rack[free], view.rack[list(holders)]) & ~busy[free]]
            near = near[[self._policy.satisfied(view, (*holders, int(server))) for server in near]] if len(near) else near
            if len(near):
                return int(near[np.argmin(view.used_ratio()[near])])
        exclude = [int(server) for server in busy.nonzero()[0]]
        (target,) = chosen(
            self._policy, view, 1, self._stream, exclude=exclude, existing=holders, size_bytes=length_bytes
        )
        return int(target)

    def _source_near(self, target: int, chunk: int, holders: tuple[int, ...]) -> int:
        """A free source on the target's rack, or any."""
        near = tuple(server for server in holders if self._view.rack[server] == self._view.rack[target])
        source = self._source(chunk, near)
        if source is None:
            source = self._source(chunk, holders)
        assert source is not None, "a source was free a moment ago"
        return source

    def _source(self, chunk: int, holders: tuple[int, ...]) -> int | None:
        out = self._view.clones_out
        free = [server for server in holders if self._view.alive[server] and out[server] < self._config.per_server]
        if self._config.source == "random" and free:
            return free[self._stream.integer(len(free))]
        # Equally loaded sources take turns by chunk, so that no server is everybody's source.
        return min(free, key=lambda server: (int(out[server]), (server + chunk) % len(out)), default=None)

    def _defer(self, reason: str) -> None:
        self.put_off[reason] = self.put_off.get(reason, 0) + 1
