"""The master's role towards writers: new chunks, leases, versions, seals.

A chunk that is lost half-way is not mended but left: the file goes on in a new one. So there are two ways for a
chunk to go on. A new chunk has version 1, and its primary is told of the lease before the client. An open chunk that
needs a lease again, or must be closed without its writer (append), gets a higher version first: taken by the
replicas, then logged, and only then is there a primary under it. So a replica that is ahead of the log has seen no
write under its version, whichever master asks, and is as good as one that is level with the log; those that did not
take a version that was logged are stale. A chunk is sealed at the least length of those that took its version, below
which everything acknowledged lies, since an acknowledged byte is on every replica. The version that closed it is not
logged: it had no primary, so whoever did not take it and is long enough holds the same bytes, and may be the last to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from feitian_sim.kernel import Stream
from feitian_sim.pangu.avoidance import Avoidance
from feitian_sim.pangu.books import Books
from feitian_sim.pangu.check_facts import ChunkClosed, LeaseGranted
from feitian_sim.pangu.effects import Effect, Emit, Reply, Send
from feitian_sim.pangu.leases import Lease
from feitian_sim.pangu.messages import (
    NO_REPLICA,
    AbandonChunk,
    AddChunk,
    Done,
    Failed,
    Leased,
    LeaseLast,
    NewVersion,
    SealChunk,
    VersionTaken,
)
from feitian_sim.pangu.namespace import NamespaceError
from feitian_sim.pangu.placement.policy import PlacementImpossible, chosen
from feitian_sim.pangu.records import ChunkAbandoned, ChunkAdded, ChunkSealed, VersionRaised
from feitian_sim.pangu.replica_tracker import ReplicaTracker

#: A chunk is new, its lease goes on, it gets a higher version to go on or to be closed, or nobody knows who has it.
GrantWhy = Literal["new", "renew", "raise", "seal", "look"]


@dataclass(slots=True)
class Grant:
    """A round of :class:`NewVersion` under way for one chunk, and who waits for its end."""

    why: GrantWhy
    path: str
    version: int
    servers: tuple[int, ...]
    until_ns: int
    waiting: dict[int, None]
    tickets: list[tuple[int, AddChunk | LeaseLast]]
    #: Length at each server that took the version.
    taken: dict[int, int] = field(default_factory=dict)
    #: Whether one of them may have a replica and has not said so.
    in_doubt: bool = False


class ChunkRequests:
    """Requests about chunks that are being written."""

    def __init__(self, books: Books, stream: Stream, replicas: ReplicaTracker, now_ns: int) -> None:
        self._books = books
        self._stream = stream
        self._replicas = replicas
        self._grants: dict[int, Grant] = {}
        # So long after a lease is over no write goes on under it: a turn may begin at its very end.
        config = books.config
        self._last_turn_ns = config.lease + 2 * config.client.call_deadline
        # The same for leases of the master before.
        self._alone_ns = now_ns + config.lease + self._last_turn_ns
        # Servers that did not answer: nothing new is placed on them for a while, until the heartbeats say more.
        self._avoidance = Avoidance(books.config.client.avoid)

    def is_being_written(self, chunk: int, now_ns: int) -> bool:
        """Whether somebody may be adding to the chunk: then it is not cloned.

        A clone of what an open chunk has now would lack what a writer adds under a lease of the master before, or in a
        turn that outlives its lease, and yet count as one of its replicas when it is sealed.
        """
        if bool(self._books.state.chunks.sealed[chunk]):
            return False
        if chunk in self._grants or now_ns < self._alone_ns:
            return True
        return self._books.leases.current(chunk, now_ns - self._last_turn_ns) is not None

    def add(self, ticket: int, request: AddChunk, now_ns: int) -> list[Effect]:
        """A new chunk at a position of the file."""
        chunks = self._books.state.namespace.chunks(request.path)
        effects: list[Effect] = []
        for chunk in chunks[request.position :]:
            if bool(self._books.state.chunks.sealed[chunk]):
                raise NamespaceError(f"{request.path} has a sealed chunk at position {request.position}")
            self._grants.pop(chunk, None)
            effects += self._books.log(ChunkAbandoned(request.path, chunk))
        return effects + self._place(ticket, request, now_ns)

    def lease_last(self, ticket: int, request: LeaseLast, now_ns: int) -> list[Effect]:
        """A lease on the last chunk of a file, or on a new one."""
        chunks = self._books.state.namespace.chunks(request.path)
        if not chunks or bool(self._books.state.chunks.sealed[chunks[-1]]):
            return self._place(ticket, request, now_ns)
        chunk = chunks[-1]
        grant = self._grants.get(chunk)
        if grant is not None:
            grant.tickets.append((ticket, request))
            return []
        lease = self._books.leases.current(chunk, now_ns)
        servers = self._books.locations.servers(chunk)
        # A chunk on a server that is to be drained is closed, so that its replicas can go.
        leaving = not self._books.view.accepting[list(servers)].all()
        must_seal = request.full == chunk or leaving or any(server in request.exclude for server in servers)
        if must_seal or lease is None or servers != lease.servers:
            # With fewer replicas than there should be a writer's next bytes would be as unsafe as the last.
            must_seal = must_seal or lease is not None or len(servers) < self._books.replicas
            return self._raise(ticket, request, chunk, servers, now_ns, seal=must_seal)
        if lease.until_ns - now_ns > self._books.config.lease // 2:
            return [Reply(ticket, Leased(chunk, lease.version, lease.servers, lease.until_ns))]
        return self._start(chunk, "renew", request, ticket, lease.version, servers, servers[:1], now_ns)

    def seal(self, ticket: int, request: SealChunk, now_ns: int) -> list[Effect]:
        """The writer is done with a chunk."""
        table = self._books.state.chunks
        if not table.knows(request.chunk):
            raise NamespaceError(f"no file has chunk {request.chunk}")
        if bool(table.sealed[request.chunk]):
            if int(table.lengths[request.chunk]) != request.length_bytes:
                raise NamespaceError(f"chunk {request.chunk} is sealed at another length")
            return [Reply(ticket, Done())]
        self._books.leases.end(request.chunk)
        for server in request.failed:
            self._books.locations.remove(request.chunk, server)
            self._books.leftovers.add(server, (request.chunk,), now_ns)
        effects = self._books.log(ChunkSealed(request.chunk, request.length_bytes), Reply(ticket, Done()))
        holders = self._books.locations.servers(request.chunk)
        effects.append(Emit(ChunkClosed(request.chunk, request.length_bytes, self._names(holders))))
        return effects + self._replicas.sealed(request.chunk, now_ns)

    def abandon(self, ticket: int, request: AbandonChunk) -> list[Effect]:
        """Nothing of a chunk was acknowledged."""
        table = self._books.state.chunks
        if not table.knows(request.chunk):
            return [Reply(ticket, Done())]
        if bool(table.sealed[request.chunk]):
            raise NamespaceError(f"chunk {request.chunk} is sealed: what it holds is acknowledged")
        self._grants.pop(request.chunk, None)
        return self._books.log(ChunkAbandoned(request.path, request.chunk), Reply(ticket, Done()))

    # Rounds of NewVersion

    def answered(self, server: int, asked: NewVersion, reply: object, now_ns: int) -> list[Effect]:
        """A replica has answered, or has not (``reply`` is None)."""
        if reply is None:
            self._avoidance.failed((server,), now_ns)
        else:
            self._avoidance.answered(server)
        grant = self._grants.get(asked.chunk)
        if grant is None or grant.version != asked.version or server not in grant.waiting:
            return []
        del grant.waiting[server]
        if isinstance(reply, VersionTaken):
            grant.taken[server] = reply.length_bytes
        elif not isinstance(reply, Failed) or reply.code != NO_REPLICA:
            grant.in_doubt = True
        if grant.waiting:
            return []
        del self._grants[asked.chunk]
        if grant.why == "new":
            return self._end_new(asked.chunk, grant)
        return self._end_old(asked.chunk, grant, now_ns)

    def _end_new(self, chunk: int, grant: Grant) -> list[Effect]:
        if grant.servers[0] in grant.taken:
            return self._grant_to_all(chunk, grant)
        failed = Failed(f"the chosen primary {self._books.view.names[grant.servers[0]]} does not answer", final=False)
        return self._books.log(ChunkAbandoned(grant.path, chunk), *(Reply(ticket, failed) for ticket, _ in grant.tickets))

    def _end_old(self, chunk: int, grant: Grant, now_ns: int) -> list[Effect]:
        took = tuple(server for server in grant.servers if server in grant.taken)
        if grant.why == "renew" and took:
            return self._grant_to_all(chunk, grant)
        if grant.why == "look":
            return self._looked(chunk, grant, took, now_ns)
        if not took:
            self._books.leases.end(chunk)
            failed = Failed(f"no replica of chunk {chunk} answers", final=False)
            return [Reply(ticket, failed) for ticket, _ in grant.tickets]
        if grant.why == "raise" and took == grant.servers:
            return self._lease_raised(chunk, grant, now_ns)
        return self._seal_and_go_on(chunk, grant, took, now_ns)

    def _looked(self, chunk: int, grant: Grant, took: tuple[int, ...], now_ns: int) -> list[Effect]:
        """Everybody within reach was asked: what was found is the chunk, and where all say no there is none."""
        for server in took:
            self._books.locations.add(chunk, server)
        if took:
            grant.servers = took
            return self._seal_and_go_on(chunk, grant, took, now_ns)
        if grant.in_doubt or not self._may_have_nothing(now_ns):
            failed = Failed(f"nobody is known to have chunk {chunk}", final=False)
            return [Reply(ticket, failed) for ticket, _ in grant.tickets]
        effects = self._books.log(ChunkAbandoned(grant.path, chunk))
        for ticket, request in grant.tickets:
            effects += self.lease_last(ticket, request, now_ns) if isinstance(request, LeaseLast) else []
        return effects

    def _may_have_nothing(self, now_ns: int) -> bool:
        """Whether a chunk that nobody within reach has cannot have anything acknowledged.

        That would be on as many servers as there are replicas, of which one at least has been asked, unless every one of
        them is away or has lost its disk.
        """
        books = self._books
        away = books.view.count - books.state.roster.out_count - len(books.registered)
        return books.settled and away < books.replicas and now_ns >= self._alone_ns

    def _lease_raised(self, chunk: int, grant: Grant, now_ns: int) -> list[Effect]:
        """Every replica has the new version: it goes into the log, and only then may there be a primary under it."""
        logged = self._books.log(VersionRaised(chunk, grant.version))
        ticket, request = grant.tickets[0]
        sends = self._start(chunk, "renew", request, ticket, grant.version, grant.servers, grant.servers[:1], now_ns)
        self._grants[chunk].tickets += grant.tickets[1:]
        return logged + sends

    def _seal_and_go_on(self, chunk: int, grant: Grant, took: tuple[int, ...], now_ns: int) -> list[Effect]:
        for server in grant.servers:
            if server not in took:
                self._books.locations.remove(chunk, server)
                self._books.leftovers.add(server, (chunk,), now_ns)
        self._books.leases.end(chunk)
        length_bytes = min(grant.taken[server] for server in took)
        effects = self._books.log(ChunkSealed(chunk, length_bytes))
        effects.append(Emit(ChunkClosed(chunk, length_bytes, self._names(took))))
        effects += self._replicas.sealed(chunk, now_ns)
        for ticket, request in grant.tickets:
            effects += self.lease_last(ticket, request, now_ns) if isinstance(request, LeaseLast) else []
        return effects

    def _grant_to_all(self, chunk: int, grant: Grant) -> list[Effect]:
        lease = Lease(grant.version, grant.servers, grant.until_ns)
        self._books.leases.grant(chunk, lease)
        leased = Leased(chunk, lease.version, lease.servers, lease.until_ns)
        granted = LeaseGranted(self._books.incarnation, chunk, lease.version, self._names(lease.servers), lease.until_ns)
        return [Emit(granted), *(Reply(ticket, leased) for ticket, _ in grant.tickets)]

    def _names(self, servers: tuple[int, ...]) -> str:
        return " ".join(self._books.view.names[server] for server in servers)

    def _place(self, ticket: int, request: AddChunk | LeaseLast, now_ns: int) -> list[Effect]:
        books = self._books
        silent = tuple(one for one in self._avoidance.avoided(now_ns) if one not in request.exclude)
        try:
            try:
                servers = self._chosen(request, (*request.exclude, *silent))
            except PlacementImpossible:
                if not silent:
                    raise
                servers = self._chosen(request, request.exclude)
        except PlacementImpossible as error:
            return [Reply(ticket, Failed(str(error), final=False))]
        chunk = books.state.chunks.count
        effects = books.log(ChunkAdded(request.path, chunk))
        for server in servers:
            books.locations.add(chunk, server)
        books.locations.touch(chunk, now_ns)
        return effects + self._start(chunk, "new", request, ticket, 1, servers, servers[:1], now_ns)

    def _chosen(self, request: AddChunk | LeaseLast, exclude: tuple[int, ...]) -> tuple[int, ...]:
        books = self._books
        return chosen(
            books.policy,
            books.view,
            books.replicas,
            self._stream,
            writer=request.writer,
            exclude=exclude,
            size_bytes=books.config.chunk_size,
        )

    def _raise(
        self,
        ticket: int,
        request: AddChunk | LeaseLast,
        chunk: int,
        servers: tuple[int, ...],
        now_ns: int,
        *,
        seal: bool,
    ) -> list[Effect]:
        books = self._books
        if not servers and books.settled and books.hears_all:
            # It was logged, and the master died before any server was told: nobody has anything of it.
            return books.log(ChunkAbandoned(request.path, chunk)) + self._place(ticket, request, now_ns)
        version = int(books.state.chunks.versions[chunk]) + 1
        if not servers and self._may_have_nothing(now_ns):
            around = tuple(sorted(books.registered))
            return self._start(chunk, "look", request, ticket, version, around, around, now_ns)
        if not servers or (len(servers) < books.replicas and not books.settled):
            # Those that it does not know yet would be stale for having been late.
            return [Reply(ticket, Failed(f"not every replica of chunk {chunk} is known yet", final=False))]
        return self._start(chunk, "seal" if seal else "raise", request, ticket, version, servers, servers, now_ns)

    def _start(
        self,
        chunk: int,
        why: GrantWhy,
        request: AddChunk | LeaseLast,
        ticket: int,
        version: int,
        servers: tuple[int, ...],
        ask: tuple[int, ...],
        now_ns: int,
    ) -> list[Effect]:
        config = self._books.config
        until_ns = now_ns + config.lease
        grant = Grant(why, request.path, version, servers, until_ns, dict.fromkeys(ask), [(ticket, request)])
        self._grants[chunk] = grant
        return [
            Send(
                server,
                NewVersion(
                    chunk,
                    version,
                    int(self._books.state.chunks.versions[chunk]),
                    until_ns if server == servers[0] and why in ("new", "renew") else 0,
                    self._books.incarnation,
                ),
                config.client.call_deadline,
            )
            for server in ask
        ]
