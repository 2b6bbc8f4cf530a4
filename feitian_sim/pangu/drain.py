"""Draining servers: which replica leaves next, where to, and why one cannot leave.

A drain goes through the server's replicas in rounds. A chunk that cannot go now (it is written, it lacks replicas and is
repaired first, or no place obeys the rule) is passed over and looked at again in the next round, so that it holds up
nobody behind it (HDFS-17569). When a whole round moved nothing for want of places, the drain is blocked, and says why;
it goes on as soon as there is a place. Nothing is dropped before its copy is elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from feitian_sim.kernel import Stream
from feitian_sim.pangu.books import Books
from feitian_sim.pangu.moves import Moves
from feitian_sim.pangu.placement.policy import PlacementImpossible, chosen
from feitian_sim.pangu.rebalance import Move, keeps_rule

#: So many chunks that wait for slots, or that cannot go, are looked at before others get their turn.
_WAIT_AT_MOST = 16
_PASS_AT_MOST = 256
_BUSY = "busy"


@dataclass(slots=True)
class Drain:
    """One server that is being emptied."""

    server: int
    #: Chunks to look at in this round.
    round: deque[int] = field(default_factory=deque)
    #: Chunks passed over in this round, by reason.
    passed: dict[str, int] = field(default_factory=dict)
    #: Whether a replica has begun to leave in this round: then the next follows at once.
    progress: bool = False
    #: When to look again at the latest.
    next_ns: int = 0
    #: What was said last of why it is blocked.
    said: str = ""

    def pass_over(self, reason: str) -> None:
        """A chunk cannot go in this round."""
        self.passed[reason] = self.passed.get(reason, 0) + 1


class Drains:
    """All drains of one master."""

    def __init__(
        self, books: Books, moves: Moves, stream: Stream, is_being_written: Callable[[int, int], bool], retry_ns: int
    ) -> None:
        self._books = books
        self._moves = moves
        self._stream = stream
        self._is_being_written = is_being_written
        self._retry_ns = retry_ns
        self._drains: dict[int, Drain] = {}

    def sync(self) -> list[Drain]:
        """Make the drains those of the roster; returns all."""
        leaving = self._books.state.roster.leaving()
        self._drains = {server: self._drains.get(server) or Drain(server) for server in leaving}
        return list(self._drains.values())

    @property
    def any(self) -> bool:
        """Whether a server is being drained."""
        return bool(self._drains)

    def next_ns(self) -> int | None:
        """When to look again at the latest; None when nothing is drained."""
        return min((drain.next_ns for drain in self._drains.values()), default=None)

    def begin_round(self, drain: Drain, now_ns: int) -> None:
        """Look at all of the server's replicas anew."""
        drain.round = deque(self._books.locations.held_by(drain.server).tolist())
        drain.passed = {}
        drain.progress = False
        drain.next_ns = now_ns + self._retry_ns

    def is_empty(self, drain: Drain) -> bool:
        """Whether nothing is left on the server, and nothing is on its way there."""
        view = self._books.view
        return not len(self._books.locations.held_by(drain.server)) and not view.clones_in[drain.server]

    def next_move(self, drain: Drain, now_ns: int) -> tuple[Move, int] | None:
        """The next replica to go and whom to copy it from; None when none can go now."""
        waiting = passed = 0
        while drain.round and waiting < _WAIT_AT_MOST and passed < _PASS_AT_MOST and not self._moves.is_full("drain"):
            chunk = drain.round.popleft()
            if drain.server not in self._books.locations.servers(chunk) or chunk in self._moves:
                continue
            found = self._choose(drain, chunk, now_ns)
            if not isinstance(found, str):
                drain.progress = True
                return found
            if found == _BUSY:
                drain.round.append(chunk)
                waiting += 1
            else:
                drain.pass_over(found)
                passed += 1
        if drain.round:
            # The end of a move or a repair wakes it before, when slots were what it lacked.
            drain.next_ns = now_ns + (self._books.config.heartbeat.scan if passed else self._retry_ns)
        return None

    def _choose(self, drain: Drain, chunk: int, now_ns: int) -> tuple[Move, int] | str:
        """The move of a chunk, or why it cannot go."""
        books = self._books
        holders = books.locations.servers(chunk)
        if len(holders) < books.replicas or books.repair.is_running(chunk):
            return "it lacks replicas and is repaired first"
        if self._is_being_written(chunk, now_ns):
            return "it is being written"
        reader = self._moves.reader("drain", holders, chunk + now_ns // self._retry_ns)
        if reader is None:
            return _BUSY
        busy = np.flatnonzero(self._moves.busy("drain")).tolist()
        target = self._target(drain.server, chunk, holders, busy)
        if target is None:
            return _BUSY if self._target(drain.server, chunk, holders, []) is not None else self._no_place(chunk)
        return Move(chunk, drain.server, target, int(books.state.chunks.lengths[chunk])), reader

    def _target(self, leaving: int, chunk: int, holders: tuple[int, ...], busy: list[int]) -> int | None:
        books = self._books
        rest = [server for server in holders if server != leaving]
        size_bytes = int(books.state.chunks.lengths[chunk])
        try:
            (target,) = chosen(
                books.policy, books.view, 1, self._stream, exclude=(leaving, *busy), existing=rest, size_bytes=size_bytes
            )
        except PlacementImpossible:
            return None
        # A policy may make do with less for the sake of a chunk at risk; this one is not.
        return int(target) if keeps_rule(books.policy, books.view, holders, [*rest, int(target)]) else None

    def _no_place(self, chunk: int) -> str:
        view = self._books.view
        open_to_all = np.flatnonzero(view.alive & view.accepting)
        racks = len(np.unique(view.rack[open_to_all]))
        return (
            f"no place obeys the placement {self._books.config.placement}: {len(open_to_all)} servers in {racks} racks "
            f"accept replicas, of which a chunk has {self._books.locations.copies(chunk)}"
        )
