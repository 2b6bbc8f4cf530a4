"""The master's role as keeper of locations: reports, deaths, returns, damage, and what follows for redundancy.

Every change goes the same way: locations are corrected, chunks that now lack replicas wait for repair, and chunks
without any are said to be unavailable (a silent server may bring one back) or lost (nobody can).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.books import Books
from feitian_sim.pangu.effects import Effect, Emit, Reply
from feitian_sim.pangu.facts import (
    ChunkAvailable,
    ChunkLost,
    ChunkUnavailable,
    CorruptionFound,
    CorruptionRepaired,
    ReplicasLost,
    ServerDead,
    ServerReturned,
)
from feitian_sim.pangu.messages import BadReplica, Done, Holdings, HoldingsRead, ReplicasGone
from feitian_sim.pangu.move_facts import ServerJoined

Ints = npt.NDArray[np.int64]


class ReplicaTracker:
    """Locations of one master, and what is known to be missing."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._absent_on: dict[int, Ints] = {}
        self._unavailable: dict[int, None] = {}
        self._lost: dict[int, None] = {}
        # Servers whose replica of a chunk was damaged, until the chunk is whole again.
        self._damaged: dict[int, list[int]] = {}

    # What servers say

    def holdings(self, ticket: int, report: Holdings, now_ns: int) -> list[Effect]:
        """A server says what it has: on registering, and from time to time."""
        books, server = self._books, report.server
        view = books.view
        if books.state.roster.is_out(server):
            # Whoever was decommissioned has nothing that anybody needs.
            return [Reply(ticket, HoldingsRead(report.chunks, books.incarnation))]
        returned = server not in books.registered
        books.registered[server] = None
        if report.first:
            books.leftovers.gone(server)
        view.alive[server] = True
        view.capacity_bytes[server] = report.capacity_bytes
        view.used_bytes[server] = report.used_bytes
        books.detector.heard(server, now_ns)
        good = self._good(report)
        stale = report.chunks[~good]
        held = books.locations.held_by(server)
        missing = held[~np.isin(held, report.chunks[good], assume_unique=True)]
        if not report.first:
            # The report may be older than what happened to a chunk since; an open chunk's replica may be yet to come.
            quiet = books.locations.untouched_since(missing, now_ns - books.config.client.call_deadline)
            missing = missing[quiet & books.state.chunks.sealed[missing]]
        fresh = report.chunks[good & ~books.locations.are_on(np.where(good, report.chunks, 0), server)]
        enough = books.locations.live(books.state.chunks.count)[fresh] >= books.replicas
        surplus, wanted = fresh[enough], fresh[~enough]
        absent = self._absent_on.pop(server, None)
        if absent is not None:
            books.locations.set_absent(absent, -1)
        effects: list[Effect] = []
        if server in books.joining:
            del books.joining[server]
            effects.append(Emit(ServerJoined(view.names[server], report.capacity_bytes)))
        elif report.first or returned:
            kept = int(good.sum()) - len(surplus)
            effects.append(Emit(ServerReturned(view.names[server], kept, len(stale), len(surplus))))
        effects += self._found(server, wanted, now_ns)
        effects += self._gone(server, missing, "not on its disks any more", now_ns)
        if absent is not None:
            effects += self._judge(absent[books.locations.live(books.state.chunks.count)[absent] == 0])
        exchanged = self._exchange(surplus, server)
        effects += [books.drop(other, (chunk,)) for chunk, other in exchanged.items()]
        not_needed = np.array([chunk for chunk in surplus.tolist() if chunk not in exchanged], dtype=np.int64)
        drop = np.sort(np.concatenate([stale, not_needed]))
        return [*effects, Reply(ticket, HoldingsRead(drop, books.incarnation))]

    def gone(self, ticket: int, message: ReplicasGone, now_ns: int) -> list[Effect]:
        """A server has lost replicas for good."""
        chunks = np.unique(message.chunks)
        known = chunks[chunks < self._books.state.chunks.count]
        return [*self._gone(message.server, known, message.cause, now_ns), Reply(ticket, Done())]

    def bad(self, ticket: int, message: BadReplica, now_ns: int) -> list[Effect]:
        """A replica is damaged: it is dropped, unless it is the last, and replaced."""
        return [*self.damaged(message.chunk, message.server, message.by, now_ns), Reply(ticket, Done())]

    def damaged(self, chunk: int, server: int, by: str, now_ns: int) -> list[Effect]:
        """As :meth:`bad`, from within."""
        books = self._books
        name = books.view.names[server]
        if not books.state.chunks.knows(chunk) or not books.locations.remove(chunk, server):
            if by == name:
                # It holds it still: the order to drop it has not arrived.
                books.leftovers.add(server, (chunk,), now_ns)
            return []
        hit = np.array([chunk], dtype=np.int64)
        effects: list[Effect] = [Emit(CorruptionFound(name, chunk, by)), *self._missing(name, "damage", hit)]
        self._damaged.setdefault(chunk, []).append(server)
        if books.locations.copies(chunk):
            effects.append(books.drop(server, (chunk,)))
        return effects + self._short(hit, now_ns)

    def sealed(self, chunk: int, now_ns: int) -> list[Effect]:
        """A chunk was closed: what it lacks now counts as missing, and is repaired."""
        books = self._books
        if not books.state.chunks.knows(chunk):
            return []
        books.locations.touch(chunk, now_ns)
        lacking = books.replicas - books.locations.copies(chunk)
        if lacking <= 0:
            return []
        lost = Emit(ReplicasLost("-", "missing when the chunk was sealed", lacking))
        return [lost, *self._short(np.array([chunk], dtype=np.int64), now_ns)]

    def restored(self, chunk: int, server: int, now_ns: int) -> list[Effect]:
        """A clone has arrived at ``server``."""
        books = self._books
        books.locations.add(chunk, server)
        books.locations.touch(chunk, now_ns)
        effects = self._available([chunk])
        if books.locations.copies(chunk) >= books.replicas:
            for bad in self._damaged.pop(chunk, ()):
                effects.append(Emit(CorruptionRepaired(books.view.names[bad], chunk)))
        return effects

    # What silence says

    def dead(self, server: int, now_ns: int) -> list[Effect]:
        """A server has been silent for too long."""
        books = self._books
        books.view.alive[server] = False
        books.registered.pop(server, None)
        chunks = books.locations.held_by(server)
        books.locations.remove_many(chunks, server)
        books.locations.set_absent(chunks, 1)
        self._absent_on[server] = chunks
        name = books.view.names[server]
        dead = Emit(ServerDead(name, len(chunks)))
        return [dead, *self._missing(name, "silent", chunks), *self._short(chunks, now_ns)]

    def can_do_without(self, server: int) -> bool:
        """Whether every chunk that a silent server was known to hold is whole without it."""
        absent = self._absent_on.get(server)
        if absent is None:
            return True
        table = self._books.state.chunks
        whole = self._books.locations.live(table.count)[absent] >= self._books.replicas
        return bool((whole | ~table.present[absent]).all())

    def take_stock(self, now_ns: int) -> list[Effect]:
        """A new master has heard, or given up on, every server: see what is missing."""
        table = self._books.state.chunks
        live = self._books.locations.live(table.count)
        short = np.flatnonzero(table.present & (live < self._books.replicas))
        unknown = short[live[short] == 0]
        # Nobody has been seen with them; whether a dead server holds one cannot be known.
        self._books.locations.set_absent(unknown, 1)
        return self._short(short, now_ns)

    # What follows

    def _good(self, report: Holdings) -> npt.NDArray[np.bool_]:
        """Which of the reported replicas are not of an older version, and as long as they must be.

        One that is ahead took a version that no log has, so that nobody was ever granted it (:mod:`.chunk_requests`).
        """
        table = self._books.state.chunks
        known = report.chunks < table.count
        rows = np.where(known, report.chunks, 0)
        if not table.count:
            return np.zeros(len(report.chunks), dtype=np.bool_)
        right = table.present[rows] & (table.versions[rows] <= report.versions)
        long_enough = ~table.sealed[rows] | (report.lengths >= table.lengths[rows])
        result: npt.NDArray[np.bool_] = known & right & long_enough
        return result

    def _found(self, server: int, chunks: Ints, now_ns: int) -> list[Effect]:
        books = self._books
        books.locations.add_many(chunks, server)
        short = chunks[books.locations.live(books.state.chunks.count)[chunks] < books.replicas]
        books.repair.add(short.tolist(), now_ns)
        return self._available(chunks.tolist() if self._unavailable else ())

    def _exchange(self, surplus: Ints, server: int) -> dict[int, int]:
        """Where the new replica makes the rule hold in the place of another: chunk -> server whose replica goes instead.

        A master that restarts in the middle of a move may hear first of a source and a target in one rack.
        """
        books, view = self._books, self._books.view
        exchanged: dict[int, int] = {}
        for chunk in books.locations.crowded(surplus, (view.rack, view.power_domain)).tolist():
            holders = books.locations.servers(chunk)
            if books.policy.satisfied(view, holders) or not view.accepting[server]:
                continue
            for other in holders:
                rest = [holder for holder in holders if holder != other]
                if books.policy.satisfied(view, [*rest, server]):
                    books.locations.remove(chunk, other)
                    books.locations.add(chunk, server)
                    exchanged[chunk] = other
                    break
        return exchanged

    def _gone(self, server: int, chunks: Ints, cause: str, now_ns: int) -> list[Effect]:
        books = self._books
        here = chunks[books.locations.are_on(chunks, server)]
        if not len(here):
            return []
        books.locations.remove_many(here, server)
        return [*self._missing(books.view.names[server], cause, here), *self._short(here, now_ns)]

    def _missing(self, server: str, cause: str, chunks: Ints) -> list[Effect]:
        """Say what is missing. An open chunk counts when it is sealed: until then its writer may leave it."""
        count = int(self._books.state.chunks.sealed[chunks].sum())
        return [Emit(ReplicasLost(server, cause, count))] if count else []

    def _short(self, chunks: Ints, now_ns: int) -> list[Effect]:
        """These chunks may lack replicas now."""
        live = self._books.locations.live(self._books.state.chunks.count)[chunks]
        self._books.repair.add(chunks[live > 0].tolist(), now_ns)
        return self._judge(chunks[live == 0])

    def _judge(self, chunks: Ints) -> list[Effect]:
        """Chunks without a known replica: unavailable, or lost."""
        effects: list[Effect] = []
        absent = self._books.locations.absent(self._books.state.chunks.count)
        for chunk in chunks.tolist():
            if not self._books.state.chunks.knows(chunk) or chunk in self._lost:
                continue
            if chunk not in self._unavailable:
                self._unavailable[chunk] = None
                effects.append(Emit(ChunkUnavailable(chunk)))
            if absent[chunk] <= 0:
                self._lost[chunk] = None
                effects.append(Emit(ChunkLost(chunk)))
        return effects

    def _available(self, chunks: Iterable[int]) -> list[Effect]:
        effects: list[Effect] = []
        for chunk in chunks:
            if chunk in self._unavailable:
                del self._unavailable[chunk]
                self._lost.pop(chunk, None)
                effects.append(Emit(ChunkAvailable(chunk)))
        return effects
