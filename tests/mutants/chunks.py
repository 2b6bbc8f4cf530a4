"""Bugs in Pangu's primaries, acknowledgements, repair, scrubbing and tree, of kinds that HDFS, GFS and Ceph have had."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from feitian_sim.hardware import Disk
from feitian_sim.kuafu import CallFailed
from feitian_sim.pangu import chunk_requests, records
from feitian_sim.pangu.chunk_messages import Apply, ChunkPulled, PullChunk
from feitian_sim.pangu.chunk_requests import ChunkRequests
from feitian_sim.pangu.chunk_server import ChunkServer
from feitian_sim.pangu.content import checksum
from feitian_sim.pangu.effects import Effect, Reply, Send
from feitian_sim.pangu.leftovers import Leftovers
from feitian_sim.pangu.master_finder import MasterFinder
from feitian_sim.pangu.master_log import MasterLog
from feitian_sim.pangu.messages import NewVersion
from feitian_sim.pangu.primary import Primary, Turn
from feitian_sim.pangu.read_path import Pull, ReadPath
from feitian_sim.pangu.records import ChunkSealed
from feitian_sim.pangu.reign import Reign
from feitian_sim.pangu.repair import RepairPlanner
from feitian_sim.pangu.replica_reads import ReplicaReads, Stored
from feitian_sim.pangu.replica_tracker import ReplicaTracker
from feitian_sim.pangu.retry_cache import RetryCache
from feitian_sim.replog import ReplicatedLog
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_CHUNKS = "scenarios/check/chunks.yaml"
_LEFTOVERS = "scenarios/check/leftovers.yaml"
_GATHERED_NS = 3_000_000


# The master: who it is, its log and its tree


def _first_master_for_ever(patch: Patch, hit: Hit) -> None:
    learn = MasterFinder._learn

    def learned(self: MasterFinder, address: str) -> None:
        is_client = not self._endpoint.credential.subject.startswith("module:")
        if is_client and self.address and address != self.address:
            hit()
        else:
            learn(self, address)

    patch.setattr(MasterFinder, "_learn", learned)


def _last_comes_first(patch: Patch, hit: Hit) -> None:
    propose = ReplicatedLog.propose
    stacks: dict[int, list[tuple[Any, ...]]] = {}

    def flush(log: ReplicatedLog) -> None:
        stack = stacks.pop(id(log))
        if len(stack) > 1:
            hit()
        while stack:
            propose(log, *stack.pop())

    def proposed(self: ReplicatedLog, command: Any, *rest: Any) -> None:
        if type(command).__module__ != records.__name__ or not self.is_leader:
            propose(self, command, *rest)
            return
        # Some are gathered before they go into the log together.
        stack = stacks.setdefault(id(self), [])
        stack.append((command, *rest))
        if len(stack) == 1:
            self._owner.call_later(_GATHERED_NS, flush, self)

    init = ReplicatedLog.__init__

    def fresh(self: ReplicatedLog, *args: Any, **named: Any) -> None:
        # Identities come again.
        stacks.pop(id(self), None)
        init(self, *args, **named)

    patch.setattr(ReplicatedLog, "__init__", fresh)
    patch.setattr(ReplicatedLog, "propose", proposed)


def _retries_are_new(patch: Patch, hit: Hit) -> None:
    knows = RetryCache.knows

    def never(self: RetryCache, token: str) -> bool:
        if knows(self, token):
            hit()
        return False

    patch.setattr(RetryCache, "knows", never)


def _lengths_rounded(patch: Patch, hit: Hit) -> None:
    def state(self: MasterLog) -> Any:
        if self._state is None:
            self._state = self._origin()
        for record in self._records[self._state.records_applied :]:
            if isinstance(record, ChunkSealed) and record.length_bytes:
                hit()
                # As if lengths were kept in pages that are full.
                self._state.apply(replace(record, length_bytes=record.length_bytes - 1))
            else:
                self._state.apply(record)
        return self._state

    patch.setattr(MasterLog, "state", state)


def _drops_said_once(patch: Patch, hit: Hit) -> None:
    patch.setattr(Leftovers, "add", lambda self, server, chunks, now_ns: hit())


# Versions, leases, seals


def _granted_before_the_log(patch: Patch, hit: Hit) -> None:
    run = Reign.run

    def ran(self: Reign, effects: Any) -> None:
        for effect in effects:
            order = effect.message if isinstance(effect, Send) else None
            if isinstance(order, NewVersion) and order.lease_until_ns and order.version > 1:
                hit()
                self._hold(effect)
            else:
                run(self, [effect])

    patch.setattr(Reign, "run", ran)


def _all_are_primaries(patch: Patch, hit: Hit) -> None:
    start = ChunkRequests._start

    def started(self: ChunkRequests, chunk: int, why: Any, *rest: Any) -> list[Effect]:
        *others, servers, _, now_ns = rest
        if why not in ("new", "renew"):
            return start(self, chunk, why, *rest)
        hit()
        sent: list[Effect] = []
        for effect in start(self, chunk, why, *others, servers, servers, now_ns):
            assert isinstance(effect, Send)
            order = replace(effect.message, lease_until_ns=now_ns + self._books.config.lease)
            sent.append(replace(effect, message=order))
        return sent

    patch.setattr(ChunkRequests, "_start", started)


def _sealed_at_the_longest(patch: Patch, hit: Hit) -> None:
    def longest(lengths: Any) -> int:
        known = list(lengths)
        if len({*known}) > 1:
            hit()
        return int(max(known))

    patch.setattr(chunk_requests, "min", longest, raising=False)


def _given_up_in_doubt(patch: Patch, hit: Hit) -> None:
    looked, nothing = ChunkRequests._looked, ChunkRequests._may_have_nothing

    def given_up(self: ChunkRequests, chunk: int, grant: Any, took: tuple[int, ...], now_ns: int) -> list[Effect]:
        if not took and (grant.in_doubt or not nothing(self, now_ns)):
            hit()
            grant.in_doubt = False
        return looked(self, chunk, grant, took, now_ns)

    patch.setattr(ChunkRequests, "_looked", given_up)
    patch.setattr(ChunkRequests, "_may_have_nothing", lambda self, now_ns: True)


# Writes


def _room_not_looked_at(patch: Patch, hit: Hit) -> None:
    allocate = Disk.allocate

    def taken(self: Disk, size_bytes: int) -> None:
        lacking = max(0, size_bytes - self.free_bytes)
        if lacking and not self.failed:
            hit()
        allocate(self, size_bytes - lacking)
        self.used_bytes += lacking
        self.machine.used_bytes += lacking

    patch.setattr(Disk, "allocate", taken)


def _own_disk_not_waited_for(patch: Patch, hit: Hit) -> None:
    ask_all = Primary._ask_all

    def asked(self: Primary, turn: Turn, message: Any, then: Callable[[Turn], None]) -> None:
        if not isinstance(message, Apply):
            ask_all(self, turn, message, then)
            return
        hit()
        apply = self._writes.apply
        self._writes.apply = lambda request, done: (apply(request, _nothing), done(0))[1]  # type: ignore[method-assign]
        try:
            ask_all(self, turn, message, then)
        finally:
            del self._writes.apply  # type: ignore[method-assign]

    patch.setattr(Primary, "_ask_all", asked)


# Reads, damage, returns


def _all_reported_damaged(patch: Patch, hit: Hit) -> None:
    def pull(self: ReadPath, source: Any, offset_bytes: int, length_bytes: int) -> Generator[Any, Any, Pull]:
        reason = "no replica is known"
        for failed, server in enumerate(self.nearest_first(source.servers)):
            request = PullChunk(source.chunk, source.version, offset_bytes, length_bytes)
            try:
                reply = yield self._endpoint.ask(self._address_of(server), request, self._deadline_ns)
            except CallFailed as error:
                reason = str(error)
                continue
            if isinstance(reply, ChunkPulled):
                return Pull(reply, failed)
            reason = reply.reason
            if reply.damaged:
                hit()
                for one in source.servers:
                    self._on_damage(source.chunk, one)
        return Pull(None, len(source.servers), reason)

    patch.setattr(ReadPath, "pull", pull)


class _Unchecked:
    """Replicas of which each is said to be sound, with a checksum that is made of what is there."""

    def __init__(self, replicas: Any, hit: Hit) -> None:
        self._replicas = replicas
        self._hit = hit

    def stored(self, chunk: int) -> Stored | None:
        found: Stored | None = self._replicas.stored(chunk)
        if found is None or found.sound:
            return found
        self._hit()
        return replace(found, sound=True, crc=checksum(found.extents))


def _damage_is_read(patch: Patch, hit: Hit) -> None:
    serve = ReplicaReads._serve

    def served(self: ReplicaReads, call: Any) -> None:
        replicas = self._replicas
        self._replicas = _Unchecked(replicas, hit)
        try:
            serve(self, call)
        finally:
            self._replicas = replicas

    patch.setattr(ReplicaReads, "_serve", served)


def _sorted_extents(patch: Patch, hit: Hit) -> None:
    stream = ReplicaReads._stream

    def streamed(self: ReplicaReads, call: Any, request: PullChunk, stored: Stored) -> None:
        extents = tuple(sorted(stored.extents, key=lambda one: (one.writer, one.sequence, one.offset_bytes)))
        if request.cap_bps or extents == stored.extents:
            stream(self, call, request, stored)
            return
        hit()
        stream(self, call, request, replace(stored, extents=extents, crc=checksum(extents)))

    patch.setattr(ReplicaReads, "_stream", streamed)


def _others_dropped_for_a_returning_one(patch: Patch, hit: Hit) -> None:
    holdings = ReplicaTracker.holdings

    def told(self: ReplicaTracker, ticket: int, report: Any, now_ns: int) -> list[Effect]:
        books = self._books
        effects = holdings(self, ticket, report, now_ns)
        for effect in effects:
            surplus = effect.message.drop.tolist() if isinstance(effect, Reply) and report.first else ()
            for chunk in surplus:
                if books.state.chunks.knows(chunk):
                    hit()
                    others = books.locations.servers(chunk)
                    return [*effects, *(books.drop(other, (chunk,)) for other in others)]
        return effects

    patch.setattr(ReplicaTracker, "holdings", told)


# Repair and scrubbing


def _first_come_first_served(patch: Patch, hit: Hit) -> None:
    def place(self: RepairPlanner, chunk: int) -> int:
        if 0 < self._locations.copies(chunk) < 2:
            hit()
        return self._replicas - 1

    patch.setattr(RepairPlanner, "_place", place)


def _no_limit_of_bandwidth(patch: Patch, hit: Hit) -> None:
    stream = ReplicaReads._stream

    def streamed(self: ReplicaReads, call: Any, request: PullChunk, stored: Stored) -> None:
        if request.cap_bps:
            hit()
        stream(self, call, replace(request, cap_bps=0), stored)

    patch.setattr(ReplicaReads, "_stream", streamed)


def _unreadable_skipped(patch: Patch, hit: Hit) -> None:
    check = ChunkServer._check

    def checked(self: ChunkServer, chunk: int) -> None:
        replica = self.keeper.store.get(chunk)
        if replica is not None and not replica.readable:
            # A read error is taken for the disk being busy.
            hit()
            return
        check(self, chunk)

    patch.setattr(ChunkServer, "_check", checked)


def _nothing(_: object) -> None:
    """Nobody waits."""


MUTANTS: tuple[Mutant, ...] = (
    _m("PG-03", "one damaged replica makes all of them reported", "HDFS-1371", ("PG10", "PG3"), _all_reported_damaged,
       _CHUNKS, "disks"),
    _m("PG-10", "a lease is granted before its version is in the log", "GFS, sec. 3.1 reversed", ("PG5D",),
       _granted_before_the_log, _CHUNKS),
    _m("PG-12", "a chunk is closed at the length of its longest replica", "BookKeeper: last add confirmed", ("PG7",),
       _sealed_at_the_longest, _CHUNKS),
    _m("OWN-80", "records enter the log in another order than they were decided in", "found here", ("PG8T", "PG5D"),
       _last_comes_first, _CHUNKS),
    _m("OWN-81", "a retry whose answer got lost counts as new", "HDFS-4942", ("PG8",), _retries_are_new, _CHUNKS),
    _m("OWN-82", "an order to drop is given once", "found here", ("PG8G",), _drops_said_once, _LEFTOVERS,
       "network"),
    _m("OWN-83", "every replica is told that it is the primary", "GFS, sec. 3.1", ("PG6",), _all_are_primaries, _CHUNKS),
    _m("OWN-85", "a primary acknowledges before its own disk has it", "generic", ("PG7",),
       _own_disk_not_waited_for, _CHUNKS),
    _m("OWN-86", "for a replica too many all the others are dropped", "generic", ("PG10",),
       _others_dropped_for_a_returning_one, _CHUNKS),
    _m("OWN-87", "repair in the order of arrival", "GFS, sec. 4.3", ("PG12",), _first_come_first_served, _CHUNKS,
       "crash-heavy"),
    _m("OWN-88", "clones take what the network gives", "generic", ("PG12",), _no_limit_of_bandwidth, _CHUNKS),
    _m("OWN-89", "scrubbing takes a sector that cannot be read for a busy disk", "Bairavasundaram et al., 2007",
       ("PG13",), _unreadable_skipped, _CHUNKS, "disks"),
    _m("OWN-90", "a read sorts what it returns", "generic", ("PG2F",), _sorted_extents, _CHUNKS),
    _m("OWN-93", "who reads makes the checksum anew, of what is there", "generic", ("PG2", "PG2F"),
       _damage_is_read, _CHUNKS, "disks"),
    _m("OWN-94", "a client that has found the master never looks for another", "generic", ("PG8L",),
       _first_master_for_ever, "scenarios/check/failover.yaml", "crash-heavy"),
    _m("OWN-95", "an open chunk of which nobody answers is given up", "generic", ("PG1",),
       _given_up_in_doubt, _CHUNKS, "network"),
    _m("OWN-96", "a write is taken in though there is no room for it", "generic", ("PG11",), _room_not_looked_at,
       "scenarios/check/full.yaml"),
    _m("OWN-91", "a standby's replay makes chunks shorter", "generic", ("PG8T",), _lengths_rounded, _CHUNKS),
)  # fmt: skip
