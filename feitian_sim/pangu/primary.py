"""The primary of a chunk: gives writers turns, and makes one order of their writes (GFS, section 3.1-3.3).

A write has two halves. *Open*: the client asks for a turn; the primary has every secondary keep room at the same
place, and answers with the disks that will take the bytes. The client then pushes them as one flow through
all replicas. *Commit*: every replica syncs and adds the extents; the primary answers when all have. So an
acknowledged byte is on the disk of every replica, and since a chunk has one turn at a time, record appends of
many clients are serialised, bytes and all.

A turn ends with its commit, with a failure, or when its client has been silent for ``turn_ns``. A failure is
answered with the servers at fault; the client leaves the chunk to the master and takes another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from feitian_sim.kernel import Timer
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall
from feitian_sim.pangu.check_facts import TurnGiven, WriteAcknowledged
from feitian_sim.pangu.chunk_messages import (
    Abort,
    Apply,
    CommitWrite,
    OpenWrite,
    Reserve,
    Reserved,
    WriteCommitted,
    WriteOpened,
    WriteRefused,
)
from feitian_sim.pangu.needs import WRITE_CHUNK
from feitian_sim.pangu.replica_writes import ReplicaWrites, WriteImpossible


@dataclass(slots=True)
class Turn:
    """One write, from open to commit."""

    session: int
    call: IncomingCall
    request: OpenWrite
    offset_bytes: int
    disks: list[str]
    timer: Timer | None = None
    committing: bool = False
    waiting: int = 0
    failed: list[str] = field(default_factory=list)


class Primary:
    """The turns of the chunks for which one chunk-server process is primary."""

    def __init__(
        self,
        endpoint: Endpoint,
        writes: ReplicaWrites,
        *,
        chunk_size_bytes: int,
        turn_ns: int,
        call_ns: int,
        may_lead: Callable[[int, int], bool],
        request_ns: int,
    ) -> None:
        self._endpoint = endpoint
        self._writes = writes
        self._chunk_size_bytes = chunk_size_bytes
        self._turn_ns = turn_ns
        self._call_ns = call_ns
        # Whether the lease on (chunk, version) is here and runs.
        self._may_lead = may_lead
        # Spent on each write within its turn.
        self._request_ns = request_ns
        self._sessions = 0
        self._turns: dict[int, Turn] = {}  # by chunk
        self._by_session: dict[int, Turn] = {}
        self._queues: dict[int, deque[IncomingCall]] = {}
        endpoint.serve(OpenWrite, self._serve_open, WRITE_CHUNK)
        endpoint.serve(CommitWrite, self._serve_commit, WRITE_CHUNK)

    # Open

    def _serve_open(self, call: IncomingCall) -> None:
        chunk = call.message.chunk
        if chunk in self._turns:
            self._queues.setdefault(chunk, deque()).append(call)
        else:
            self._begin(call)

    def _begin(self, call: IncomingCall) -> None:
        request: OpenWrite = call.message
        refusal = self._refusal(request)
        if refusal is not None:
            call.reply(refusal)
            self._next(request.chunk)
            return
        offset_bytes = self._writes.length(request.chunk, request.version)
        assert offset_bytes is not None
        try:
            disk = self._writes.reserve(request.chunk, request.version, offset_bytes, request.length_bytes)
        except WriteImpossible as error:
            call.reply(WriteRefused(str(error), failed=(self._endpoint.address,)))
            self._next(request.chunk)
            return
        self._sessions += 1
        disks = [disk.name, *[""] * len(request.secondaries)]
        turn = Turn(self._sessions, call, request, offset_bytes, disks)
        self._turns[request.chunk] = turn
        self._by_session[turn.session] = turn
        if self._endpoint.sim.facts.wants(TurnGiven):
            self._endpoint.sim.emit(TurnGiven(self._endpoint.machine.name, request.chunk, request.version))
        if self._request_ns:
            self._endpoint.owner.call_later(self._request_ns, self._reserve, turn)
        else:
            self._reserve(turn)

    def _reserve(self, turn: Turn) -> None:
        request = turn.request
        message = Reserve(request.chunk, request.version, turn.offset_bytes, request.length_bytes)
        self._ask_all(turn, message, self._opened)

    def _refusal(self, request: OpenWrite) -> WriteRefused | None:
        if not self._may_lead(request.chunk, request.version):
            return WriteRefused("the lease is not here")
        length = self._writes.length(request.chunk, request.version)
        if length is None:
            return WriteRefused("the replica here is not of this version", failed=(self._endpoint.address,))
        if length + request.length_bytes > self._chunk_size_bytes:
            return WriteRefused("the chunk is full", full=True)
        return None

    def _opened(self, turn: Turn) -> None:
        if turn.failed:
            turn.call.reply(self._end(turn, WriteRefused("a secondary has no room", failed=tuple(turn.failed))))
        else:
            turn.timer = self._endpoint.owner.timer(self._turn_ns, self._expire, turn.session)
            turn.call.reply(WriteOpened(turn.session, tuple(turn.disks), turn.offset_bytes))

    # Commit

    def _serve_commit(self, call: IncomingCall) -> None:
        turn = self._by_session.get(call.message.session)
        if turn is None or turn.committing:
            call.reply(WriteRefused("the turn is over"))
            return
        turn.committing = True
        if turn.timer is not None:
            turn.timer.cancel()
        turn.call = call
        request = turn.request
        apply = Apply(request.chunk, request.version, turn.offset_bytes, call.message.extents)
        self._ask_all(turn, apply, self._committed)

    def _committed(self, turn: Turn) -> None:
        if turn.failed:
            turn.call.reply(self._end(turn, WriteRefused("a replica lacks the write", failed=tuple(turn.failed))))
        else:
            length_bytes = turn.offset_bytes + turn.request.length_bytes
            self._forget(turn)
            if self._endpoint.sim.facts.wants(WriteAcknowledged):
                here, request = self._endpoint.machine.name, turn.request
                leading = self._may_lead(request.chunk, request.version)
                self._endpoint.sim.emit(WriteAcknowledged(here, request.chunk, request.version, length_bytes, leading))
            turn.call.reply(WriteCommitted(length_bytes))
            self._next(turn.request.chunk)

    # Both

    def _ask_all(self, turn: Turn, message: Reserve | Apply, then: Callable[[Turn], None]) -> None:
        """Have all replicas do ``message``; what fails is noted in the turn."""
        turn.waiting = 1 + len(turn.request.secondaries)

        def one_done() -> None:
            turn.waiting -= 1
            if not turn.waiting:
                then(turn)

        def own_done(length_bytes: int | None) -> None:
            if length_bytes is None:
                turn.failed.append(self._endpoint.address)
            one_done()

        for place, address in enumerate(turn.request.secondaries, start=1):
            self._ask_one(turn, place, address, message, one_done)
        if isinstance(message, Apply):
            self._writes.apply(message, own_done)
        else:
            one_done()

    def _ask_one(self, turn: Turn, place: int, address: str, message: Reserve | Apply, done: Callable[[], None]) -> None:
        def replied(reply: object) -> None:
            if isinstance(reply, Reserved):
                turn.disks[place] = reply.disk
            done()

        def failed(_: CallError) -> None:
            turn.failed.append(address)
            done()

        self._endpoint.call(address, message, self._call_ns, replied, failed)

    def _expire(self, session: int) -> None:
        turn = self._by_session.get(session)
        if turn is not None and not turn.committing:
            self._end(turn, WriteRefused("the turn is over"))

    def _end(self, turn: Turn, refusal: WriteRefused) -> WriteRefused:
        """A turn that came to nothing: free what was kept for it, and let the next one in."""
        chunk = turn.request.chunk
        self._forget(turn)
        self._writes.abort(chunk)
        for address in turn.request.secondaries:
            self._endpoint.call(address, Abort(chunk), self._call_ns, _ignore, _ignore)
        self._next(chunk)
        return refusal

    def _forget(self, turn: Turn) -> None:
        if turn.timer is not None:
            turn.timer.cancel()
        del self._turns[turn.request.chunk]
        del self._by_session[turn.session]

    def _next(self, chunk: int) -> None:
        queue = self._queues.get(chunk)
        if queue and chunk not in self._turns:
            call = queue.popleft()
            if not queue:
                del self._queues[chunk]
            self._begin(call)


def _ignore(_: object) -> None:
    """The end of a call that nothing depends on."""
