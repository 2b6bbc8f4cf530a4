"""The master's role as mover of replicas: balance, growth and shrinking (P6).

A move is a clone and then a drop. The clone is what repair makes; when it has arrived the chunk has one replica too
many, and the source's is dropped like any surplus replica, unless a replica was lost meanwhile: then the clone stands
in for it and nothing is dropped. So at no instant has a chunk fewer replicas than before the move. Which replicas
move is decided by the rebalancer (:mod:`.rebalance`) and by the drains (:mod:`.drain`); here they get their slots.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from feitian_sim.kernel import Stream
from feitian_sim.pangu.books import Books
from feitian_sim.pangu.cluster_view import Ints
from feitian_sim.pangu.drain import Drain, Drains
from feitian_sim.pangu.effects import Effect, Emit, Release, Send, WakeAt
from feitian_sim.pangu.facts import Repair
from feitian_sim.pangu.messages import CloneChunk, Cloned, CloneFailed
from feitian_sim.pangu.move_facts import DrainBlocked, MoveFailed, ReplicaMoved, ServerDrained
from feitian_sim.pangu.moves import Limits, Moves, Running, Why
from feitian_sim.pangu.rebalance import Move, Rebalancer, Situation, keeps_rule
from feitian_sim.pangu.records import ServerModeSet
from feitian_sim.pangu.replica_tracker import ReplicaTracker

#: A move may take so many times what its rate alone would.
_PATIENCE = 10
#: So many planned moves of a target are looked at for one whose source is free.
_LOOK_AT_MOST = 8


class Migration:
    """Moves of one master."""

    def __init__(
        self,
        books: Books,
        rebalancer: Rebalancer,
        replicas: ReplicaTracker,
        stream: Stream,
        is_being_written: Callable[[int, int], bool],
        now_ns: int,
    ) -> None:
        self._books = books
        self._rebalancer = rebalancer
        self._replicas = replicas
        self._stream = stream
        drain = books.config.drain
        balancing = Limits(rebalancer.per_server, rebalancer.per_cluster, rebalancer.bandwidth)
        draining = Limits(drain.per_server, drain.per_cluster, drain.bandwidth)
        self.moves = Moves(books.view, {"balance": balancing, "drain": draining})
        self._drains = Drains(books, self.moves, stream, is_being_written, drain.retry_after)
        # Moves of the rebalancer that wait for slots, by target.
        self._planned: dict[int, deque[Move]] = {}
        self._plans_ns = self._after(now_ns) if rebalancer.active else None
        # Whether something has changed that may let a move begin.
        self._changed = False
        self.roster_changed()

    def roster_changed(self) -> None:
        """Servers were added, or are to go."""
        view = self._books.view
        view.accepting[:] = self._books.state.roster.accepting(view.count)
        self._drains.sync()
        self._changed = True

    def slots_changed(self) -> None:
        """A repair has ended: its servers may move again."""
        self._changed = True

    def _after(self, now_ns: int) -> int:
        return (now_ns // self._rebalancer.interval + 1) * self._rebalancer.interval

    # Beginning moves

    def go_on(self, now_ns: int) -> list[Effect]:
        """After every input of a settled master: plan when it is time, begin what can begin, ask to be woken."""
        effects: list[Effect] = []
        if self._plans_ns is None and not self._changed and not self._drains.any:
            return effects
        if self._plans_ns is not None and now_ns >= self._plans_ns:
            self._planned = {}
            for move in self._rebalancer.plan(self.situation()):
                self._planned.setdefault(move.target, deque()).append(move)
            self._plans_ns = self._after(now_ns)
            self._changed = True
        drains_ns = self._drains.next_ns()
        if self._changed or (drains_ns is not None and drains_ns <= now_ns):
            self._changed = False
            effects += self._go_on_draining(now_ns)
            effects += self._begin_planned(now_ns)
        times = [time_ns for time_ns in (self._plans_ns, self._drains.next_ns()) if time_ns is not None]
        if times:
            effects.append(WakeAt(min(times)))
        return effects

    def situation(self) -> Situation:
        """What the rebalancer decides by."""
        books = self._books
        ahead = books.view.copy()
        in_flight = [running.move for running in self.moves.all()]
        for move in in_flight:
            ahead.used_bytes[move.source] -= move.size_bytes
            ahead.used_bytes[move.target] += move.size_bytes
        table = books.state.chunks
        return Situation(
            view=ahead,
            policy=books.policy,
            lengths=table.lengths,
            chunks_on=self._movable(),
            holders=books.locations.servers,
            moves=tuple(in_flight),
            degraded=books.repair.queued_count + books.repair.running_count,
            stream=self._stream,
        )

    def _movable(self) -> Callable[[int], Ints]:
        """Chunks that can be moved away from a server, found for all servers at once when the first is asked for."""
        groups: list[Ints] = []

        def of(server: int) -> Ints:
            if not groups:
                books, table = self._books, self._books.state.chunks
                whole = books.locations.live(table.count) == books.replicas
                wanted = table.sealed & table.present & whole
                wanted[[running.move.chunk for running in self.moves.all()]] = False
                groups.extend(books.locations.grouped(wanted, books.view.count))
            return groups[server]

        return of

    def _begin_planned(self, now_ns: int) -> list[Effect]:
        effects: list[Effect] = []
        busy = self.moves.busy("balance").tolist()
        for target, queue in list(self._planned.items()):
            looked_at = 0
            while queue and not busy[target] and looked_at < _LOOK_AT_MOST and not self.moves.is_full("balance"):
                move = queue.popleft()
                if busy[move.source]:
                    queue.append(move)
                    looked_at += 1
                elif self._is_still_right(move):
                    effects.append(self._begin(move, "balance", move.source, now_ns))
                    busy = self.moves.busy("balance").tolist()
            if not queue:
                del self._planned[target]
        return effects

    def _is_still_right(self, move: Move) -> bool:
        books, view = self._books, self._books.view
        holders = books.locations.servers(move.chunk)
        if move.chunk in self.moves or books.repair.is_running(move.chunk) or not books.state.chunks.knows(move.chunk):
            return False
        usable = view.alive[move.target] and view.accepting[move.target] and view.alive[move.source]
        return bool(usable) and move.source in holders and move.target not in holders and len(holders) == books.replicas

    def _begin(self, move: Move, why: Why, reader: int, now_ns: int) -> Send:
        config, limits = self._books.config, self.moves.limits[why]
        version = int(self._books.state.chunks.versions[move.chunk])
        self.moves.begin(Running(move, why, version, reader, now_ns))
        command = CloneChunk(
            move.chunk, version, move.size_bytes, reader, limits.rate_bps, moving=True, epoch=self._books.incarnation
        )
        moving_ns = move.size_bytes * 8 * 1_000_000_000 // limits.rate_bps
        deadline_ns = config.client.data_deadline + _PATIENCE * moving_ns
        return Send(move.target, command, deadline_ns, hold_ns=config.repair.dispatch_cost)

    # Drains

    def _go_on_draining(self, now_ns: int) -> list[Effect]:
        effects: list[Effect] = []
        for drain in self._drains.sync():
            if not drain.round:
                effects += self._end_round(drain, now_ns)
        # Every drain gets its turn before one gets its second.
        going = [drain for drain in self._drains.sync() if drain.round]
        while going:
            still = []
            for drain in going:
                found = self._drains.next_move(drain, now_ns)
                if found is not None:
                    still.append(drain)
                    effects.append(self._begin(found[0], "drain", found[1], now_ns))
            going = still
        return effects

    def _end_round(self, drain: Drain, now_ns: int) -> list[Effect]:
        """A drain has looked at everything: is it done, is it blocked, or does it look again?"""
        if any(running.move.source == drain.server for running in self.moves.all()):
            # Their ends wake it; the time is for the case that nothing ends.
            drain.next_ns = now_ns + self._books.config.drain.retry_after
            return []
        if self._drains.is_empty(drain) and self._may_go(drain.server):
            return self._drained(drain.server, now_ns)
        effects: list[Effect] = []
        blocked = [reason for reason in drain.passed if reason.startswith("no place")]
        if blocked and blocked[0] != drain.said:
            drain.said = blocked[0]
            stuck = sum(drain.passed[reason] for reason in blocked)
            effects.append(Emit(DrainBlocked(self._name(drain.server), stuck, drain.said)))
        if drain.progress or now_ns >= drain.next_ns:
            self._drains.begin_round(drain, now_ns)
        return effects

    def _may_go(self, server: int) -> bool:
        """Whether nothing depends on the server: one that is silent may have the last replicas of something."""
        if self._books.view.alive[server]:
            return True
        leaving_for_good = self._books.state.roster.mode(server) == "decommissioning"
        return leaving_for_good and self._replicas.can_do_without(server)

    def _drained(self, server: int, now_ns: int) -> list[Effect]:
        books, roster = self._books, self._books.state.roster
        goal = "decommission" if roster.mode(server) == "decommissioning" else "drain"
        fact = ServerDrained(self._name(server), goal, roster.since_ns(server))
        effects = books.log(ServerModeSet(server, "retired" if goal == "decommission" else "drained", now_ns))
        self.roster_changed()
        effects.append(Emit(fact))
        if goal == "decommission":
            effects.append(Release(server))
        return effects

    # Ending moves

    def ended(self, asked: CloneChunk, reply: object, now_ns: int) -> list[Effect]:
        """The clone of a move has arrived, or has not (``reply`` is None when nobody answered)."""
        running = self.moves.end(asked.chunk)
        if running is None:
            return []
        self._changed = True
        table = self._books.state.chunks
        current = table.knows(asked.chunk) and int(table.versions[asked.chunk]) == running.version
        if isinstance(reply, Cloned) and current:
            return self._arrived(running, reply, now_ns)
        effects = self._books.clone_without_use(running.move.target, asked.chunk, reply, now_ns)
        reason = reply.reason if isinstance(reply, CloneFailed) else "no answer" if reply is None else "out of date"
        effects.append(self._failed(running, reason))
        if isinstance(reply, CloneFailed) and reply.source_damaged:
            target = self._name(running.move.target)
            effects += self._replicas.damaged(asked.chunk, running.reader, target, now_ns)
        return effects

    def _arrived(self, running: Running, reply: Cloned, now_ns: int) -> list[Effect]:
        books, move = self._books, running.move
        holders = books.locations.servers(move.chunk)
        # Beside the source it may be one too many in a rack: then the move goes on, and repair finds another place.
        fits = books.policy.satisfied(books.view, [*holders, move.target])
        if len(holders) < books.replicas and books.view.alive[move.target] and fits:
            return self._stands_in(running, reply, len(holders), now_ns)
        after = [move.target if server == move.source else server for server in holders]
        why_not = ""
        if not books.view.alive[move.target]:
            why_not = "the target has died"
        elif move.source not in holders or len(holders) > books.replicas:
            why_not = "the chunk's replicas have changed"
        elif not keeps_rule(books.policy, books.view, holders, after):
            why_not = "the placement rule would not hold any more"
        if why_not:
            drop = [] if move.target in holders else [books.drop(move.target, (move.chunk,))]
            return [*drop, self._failed(running, why_not)]
        effects = self._replicas.restored(move.chunk, move.target, now_ns)
        books.locations.remove(move.chunk, move.source)
        books.view.used_bytes[move.target] += reply.length_bytes
        books.view.used_bytes[move.source] = max(0, books.view.used_bytes[move.source] - reply.length_bytes)
        moved = ReplicaMoved(
            chunk=move.chunk,
            source=self._name(move.source),
            target=self._name(move.target),
            read_from=self._name(running.reader),
            why=running.why,
            size_bytes=reply.length_bytes,
            started_ns=running.started_ns,
        )
        return [*effects, Emit(moved), books.drop(move.source, (move.chunk,))]

    def _stands_in(self, running: Running, reply: Cloned, copies: int, now_ns: int) -> list[Effect]:
        """A replica was lost during the move: the new one takes its place, and the source keeps its own."""
        move = running.move
        if move.target in self._books.locations.servers(move.chunk):
            return []
        effects = self._replicas.restored(move.chunk, move.target, now_ns)
        self._books.view.used_bytes[move.target] += reply.length_bytes
        repaired = Repair(
            chunk=move.chunk,
            chunks=1,
            copies_left=copies,
            source=self._name(running.reader),
            target=self._name(move.target),
            size_bytes=reply.length_bytes,
            queued_ns=running.started_ns,
            started_ns=running.started_ns,
        )
        if self._books.locations.copies(move.chunk) < self._books.replicas:
            self._books.repair.add([move.chunk], now_ns)
        return [*effects, Emit(repaired)]

    def _failed(self, running: Running, reason: str) -> Emit:
        move = running.move
        return Emit(MoveFailed(move.chunk, self._name(move.source), self._name(move.target), running.why, reason))

    def _name(self, server: int) -> str:
        return self._books.view.names[server]
