"""The master's core: every decision of Pangu's metadata server, without clock, disk or network.

Requests, answers to its commands, and the passing of time come in; effects come out (:mod:`feitian_sim.pangu.effects`).
Its roles are files, chunks that are written, replicas, repair, moves and who serves; this class hands out the work and
keeps the repair slots filled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from feitian_sim.kernel import Stream
from feitian_sim.pangu.books import Books
from feitian_sim.pangu.bundles import Bundler
from feitian_sim.pangu.chunk_requests import ChunkRequests
from feitian_sim.pangu.chunk_table import Locations
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.effects import Effect, Emit, Reply, Send, WakeAt
from feitian_sim.pangu.facts import Repair, RepairFailed
from feitian_sim.pangu.file_requests import FileRequests
from feitian_sim.pangu.hot_chunks import HotChunks
from feitian_sim.pangu.leases import Leases
from feitian_sim.pangu.liveness import FailureDetector
from feitian_sim.pangu.master_state import MasterState
from feitian_sim.pangu.messages import (
    AbandonChunk,
    AddChunk,
    BadReplica,
    CloneChunk,
    Cloned,
    CloneFailed,
    CopyHot,
    CreateFile,
    DeleteFile,
    Done,
    DropReplicas,
    Failed,
    Heartbeat,
    HeartbeatSeen,
    HeatReport,
    Holdings,
    LeaseLast,
    ListDirectory,
    Locate,
    MakeDirectory,
    NewVersion,
    RenameFile,
    ReplicasGone,
    SealChunk,
)
from feitian_sim.pangu.migration import Migration
from feitian_sim.pangu.namespace import NamespaceError
from feitian_sim.pangu.placement import PlacementPolicy
from feitian_sim.pangu.rebalance import Rebalancer
from feitian_sim.pangu.rebalance.none import NoRebalance
from feitian_sim.pangu.repair import Clone, RepairPlanner
from feitian_sim.pangu.replica_tracker import ReplicaTracker
from feitian_sim.pangu.roster_requests import Action, RosterRequests

#: A clone may take so many times what its rate alone would.
_CLONE_PATIENCE = 10


class Master:
    """One incarnation of the master. ``state`` is what its log gave it."""

    def __init__(
        self,
        config: PanguConfig,
        view: ClusterView,
        policy: PlacementPolicy,
        state: MasterState,
        streams: tuple[Stream, Stream, Stream],
        incarnation: int,
        now_ns: int,
        rebalancer: Rebalancer | None = None,
    ) -> None:
        beat = config.heartbeat
        locations = Locations(config.replicas)
        locations.cover(state.chunks.count)
        placing, repairing, moving = streams
        planner = RepairPlanner(config.repair, config.replicas, state.chunks, locations, view, policy, repairing)
        detector = FailureDetector(view.count, beat.timeout, beat.scan, now_ns)
        self.books = Books(config, state, locations, view, policy, Leases(), planner, detector, incarnation)
        self._hot = HotChunks(self.books)
        self._files = FileRequests(self.books, self._hot)
        self._replicas = ReplicaTracker(self.books)
        self._chunks = ChunkRequests(self.books, placing, self._replicas, now_ns)
        self._bundler = Bundler(self.books, repairing) if config.repair.bundle == "rack-pair" else None
        self._migration = Migration(
            self.books, rebalancer or NoRebalance(), self._replicas, moving, self._chunks.is_being_written, now_ns
        )
        self._roster = RosterRequests(self.books)
        self._given_up: dict[int, None] = {}
        # Due when, which chunk, short of a replica since when.
        self._retries: list[tuple[int, int, int]] = []

    # What comes in

    def adopt(self, used_bytes: Sequence[int]) -> None:
        """Everybody in service is known from the start (the preloaded cluster): no need to wait for reports."""
        view = self.books.view
        view.used_bytes[:] = used_bytes
        for server in range(view.count):
            if not self.books.state.roster.is_out(server):
                view.alive[server] = True
                self.books.registered[server] = None
        self.books.settled = True

    def handle(self, ticket: int, message: Any, now_ns: int) -> list[Effect]:
        """A request: what to do about it, the answer included."""
        try:
            effects = self._handle(ticket, message, now_ns)
        except NamespaceError as error:
            return [Reply(ticket, Failed(str(error), code=error.code))]
        return self._go_on(effects, now_ns)

    def _handle(self, ticket: int, message: Any, now_ns: int) -> list[Effect]:
        match message:
            case Locate():
                return self._files.locate(ticket, message, now_ns)
            case AddChunk():
                return self._chunks.add(ticket, message, now_ns)
            case SealChunk():
                return self._chunks.seal(ticket, message, now_ns)
            case LeaseLast():
                return self._chunks.lease_last(ticket, message, now_ns)
            case CreateFile():
                return self._files.create(ticket, message)
            case AbandonChunk():
                return self._chunks.abandon(ticket, message)
            case DeleteFile():
                return self._files.delete(ticket, message)
            case RenameFile():
                return self._files.rename(ticket, message)
            case ListDirectory():
                return self._files.list_directory(ticket, message)
            case MakeDirectory():
                return self._files.make_directory(ticket, message)
            case Heartbeat():
                return self._heartbeat(ticket, message, now_ns)
            case Holdings():
                return self._replicas.holdings(ticket, message, now_ns)
            case ReplicasGone():
                return self._replicas.gone(ticket, message, now_ns)
            case BadReplica():
                return self._replicas.bad(ticket, message, now_ns)
            case HeatReport():
                return self._hot.told(ticket, message, now_ns)
        raise TypeError(f"the master has no use for a {type(message).__name__}")

    def answered(self, server: int, asked: Any, reply: Any, now_ns: int) -> list[Effect]:
        """A chunk server has answered a command; ``reply`` is None when it has not (a deadline, a reset)."""
        match asked:
            case NewVersion():
                return self._go_on(self._chunks.answered(server, asked, reply, now_ns), now_ns)
            case CloneChunk(moving=True):
                return self._go_on(self._migration.ended(asked, reply, now_ns), now_ns)
            case CloneChunk():
                self._migration.slots_changed()
                return self._go_on(self._cloned(asked, reply, now_ns), now_ns)
            case CopyHot():
                return self._hot.answered(server, asked, reply, now_ns)
            case DropReplicas():
                return self._dropped(server, asked, reply, now_ns)
        return []

    def bundle_done(self, number: int, failed: Collection[int], now_ns: int) -> list[Effect]:
        """A bundle of repairs has ended; the chunks that ``failed`` are tried again later."""
        assert self._bundler is not None
        bundle, since_ns = self._bundler.done(number)
        effects: list[Effect] = []
        restored: list[tuple[int, int]] = []
        for chunk, target in zip(bundle.chunks.tolist(), bundle.targets.tolist(), strict=True):
            if chunk in failed:
                self._try_later(chunk, since_ns, now_ns)
                continue
            if self.books.locations.copies(chunk) >= self.books.replicas:
                # A server came back with its own replica meanwhile.
                effects.append(self.books.drop(target, (chunk,)))
            elif self.books.state.chunks.knows(chunk) and self.books.view.alive[target]:
                restored.append((chunk, target))
                effects += self._replicas.restored(chunk, target, now_ns)
            self._notice_short(chunk, now_ns)
        if restored:
            effects.append(Emit(self._bundler.fact(bundle, len(restored))))
        return self._go_on(effects, now_ns)

    def heard(self, server: int, at_ns: int) -> None:
        """A heartbeat arrived at ``at_ns`` that took no event."""
        self.books.detector.heard(server, at_ns)

    def elide(self, server: int, elided: bool, now_ns: int) -> list[Effect]:
        """From now on a server's heartbeats take no events, or again do."""
        self.books.detector.elide(server, elided)
        return [] if elided else self._go_on([], now_ns)

    def wake(self, now_ns: int) -> list[Effect]:
        """Time has passed: look for silent servers, and try again what had failed."""
        effects: list[Effect] = []
        for server in self.books.detector.silent(now_ns):
            if self.books.state.roster.is_out(server):
                # It was switched off on purpose.
                self.books.view.alive[server] = False
                self.books.registered.pop(server, None)
                continue
            self._given_up[server] = None
            effects += self._replicas.dead(server, now_ns)
        for _, chunk, since_ns in (retry for retry in self._retries if retry[0] <= now_ns):
            self.books.repair.add([chunk], since_ns)
        self._retries = [retry for retry in self._retries if retry[0] > now_ns]
        effects += [self.books.drop(*order) for order in self.books.leftovers.due(now_ns, self._is_left_over)]
        return self._go_on(effects, now_ns)

    def operate(self, servers: Sequence[int], action: Action, now_ns: int) -> list[Effect]:
        """The operator adds servers, or wants them drained or decommissioned."""
        effects = self._roster.operate(servers, action, now_ns)
        self._migration.roster_changed()
        return self._go_on(effects, now_ns)

    # What follows

    def _heartbeat(self, ticket: int, message: Heartbeat, now_ns: int) -> list[Effect]:
        known = message.server in self.books.registered
        if known:
            self.books.view.used_bytes[message.server] = message.used_bytes
            self.books.detector.heard(message.server, now_ns)
        return [Reply(ticket, HeartbeatSeen(known, self.books.incarnation))]

    def _dropped(self, server: int, asked: DropReplicas, reply: Any, now_ns: int) -> list[Effect]:
        if isinstance(reply, Done):
            self.books.leftovers.gone(server, asked.chunks)
            return []
        if server not in self.books.registered:
            return []
        self.books.leftovers.add(server, asked.chunks, now_ns)
        return self._go_on([], now_ns)

    def _is_left_over(self, server: int, chunk: int) -> str:
        books = self.books
        if server not in books.registered or server in books.locations.servers(chunk):
            return "forget"
        running = books.repair.running(chunk)
        if (running is not None and running.target == server) or chunk in self._migration.moves:
            return "wait"
        if books.state.chunks.knows(chunk) and books.locations.copies(chunk) < books.replicas:
            return "wait"
        return "drop"

    def _cloned(self, asked: CloneChunk, reply: Any, now_ns: int) -> list[Effect]:
        clone = self.books.repair.done(asked.chunk)
        if clone is None:
            return []
        if isinstance(reply, Cloned) and self._is_good(reply):
            return self._arrived(clone, reply, now_ns)
        reason = reply.reason if isinstance(reply, CloneFailed) else "no answer" if reply is None else "out of date"
        effects: list[Effect] = [
            Emit(RepairFailed(clone.chunk, self._name(clone.source), self._name(clone.target), reason))
        ]
        effects += self.books.clone_without_use(clone.target, clone.chunk, reply, now_ns)
        if isinstance(reply, CloneFailed) and reply.source_damaged:
            effects += self._replicas.damaged(clone.chunk, clone.source, self._name(clone.target), now_ns)
        self._try_later(clone.chunk, clone.queued_ns, now_ns)
        return effects

    def _is_good(self, copy: Cloned) -> bool:
        """Whether the copy is of the chunk as it is now, which may be later than it was when the copy was ordered."""
        table = self.books.state.chunks
        if not table.knows(copy.chunk) or copy.version < int(table.versions[copy.chunk]):
            return False
        return not table.sealed[copy.chunk] or copy.length_bytes >= int(table.lengths[copy.chunk])

    def _arrived(self, clone: Clone, reply: Cloned, now_ns: int) -> list[Effect]:
        books = self.books
        if books.locations.copies(clone.chunk) >= books.replicas:
            # A server came back with its own replica meanwhile.
            return [books.drop(clone.target, (clone.chunk,))]
        effects = self._replicas.restored(clone.chunk, clone.target, now_ns)
        books.view.used_bytes[clone.target] += reply.length_bytes
        self._notice_short(clone.chunk, now_ns)
        repaired = Repair(
            chunk=clone.chunk,
            chunks=1,
            copies_left=clone.copies_left,
            source=self._name(clone.source),
            target=self._name(clone.target),
            size_bytes=reply.length_bytes,
            queued_ns=clone.queued_ns,
            started_ns=clone.started_ns,
        )
        return [*effects, Emit(repaired)]

    def _try_later(self, chunk: int, since_ns: int, now_ns: int) -> None:
        self._retries.append((now_ns + self.books.config.repair.retry_after, chunk, since_ns))

    def _notice_short(self, chunk: int, now_ns: int) -> None:
        if self.books.state.chunks.knows(chunk) and self.books.locations.copies(chunk) < self.books.replicas:
            self.books.repair.add([chunk], now_ns)

    def _go_on(self, effects: list[Effect], now_ns: int) -> list[Effect]:
        """After every input: settle a new master, fill the repair slots, ask to be woken."""
        expected = self.books.view.count - self.books.state.roster.out_count
        if not self.books.settled and len(self.books.registered) + len(self._given_up) >= expected:
            self.books.settled = True
            effects += self._replicas.take_stock(now_ns)
        if self.books.settled:
            effects += self._fill_slots(now_ns)
            effects += self._migration.go_on(now_ns)
        wake_ns = self.books.detector.next_look_ns(now_ns)
        times = [at_ns for at_ns, _, _ in self._retries]
        others = (wake_ns, self.books.repair.next_due_ns, self.books.leftovers.next_due_ns)
        times += [at_ns for at_ns in others if at_ns is not None]
        if times:
            effects.append(WakeAt(min(times)))
        return effects

    def _fill_slots(self, now_ns: int) -> list[Effect]:
        if self._bundler is not None:
            bundles, unplaced = self._bundler.plan(now_ns)
            for chunk, since_ns in unplaced:
                self._try_later(chunk, since_ns, now_ns)
            return list(bundles)
        effects: list[Effect] = []
        repair = self.books.config.repair
        while True:
            clone = self.books.repair.next_clone(now_ns, lambda chunk: not self._chunks.is_being_written(chunk, now_ns))
            if clone is None:
                return effects
            moving_ns = clone.length_bytes * 8 * 1_000_000_000 // repair.rate
            deadline_ns = self.books.config.client.data_deadline + _CLONE_PATIENCE * moving_ns
            command = CloneChunk(
                clone.chunk, clone.version, clone.length_bytes, clone.source, epoch=self.books.incarnation
            )
            effects.append(Send(clone.target, command, deadline_ns, hold_ns=repair.dispatch_cost))

    def _name(self, server: int) -> str:
        return self.books.view.names[server]
