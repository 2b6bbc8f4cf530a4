"""Restoring a replica here, when the master says so: pull it from another server, check it, sync it, report.

A clone moves at most at the configured rate of repairs, or at that of the move that it is part of (what it costs beside
that, ``dispatch_cost``, the master waits before it commands). What arrives must match the checksum that came with it; a
source that finds its own replica damaged says so instead of sending.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from feitian_sim.hardware import Disk
from feitian_sim.kernel import SimulatedError
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall
from feitian_sim.pangu.check_facts import CloneStored
from feitian_sim.pangu.chunk_messages import ChunkPulled, PullChunk, PullRefused
from feitian_sim.pangu.clone_room import room_for
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.content import checksum
from feitian_sim.pangu.fencing import Fence
from feitian_sim.pangu.messages import CloneChunk, Cloned, CloneFailed
from feitian_sim.pangu.needs import BE_SERVER
from feitian_sim.pangu.replica_keeper import ReplicaKeeper

#: A clone may take this many times as long as its rate would need before its source is given up.
_PATIENCE = 10


@dataclass(slots=True)
class _Room:
    call: IncomingCall
    disk: Disk
    size_bytes: int
    began_ns: int
    took_ns: int = 0
    # From the sync on, nothing but the disk ends it.
    syncing: bool = False


class Cloning:
    """The clones that one chunk-server process makes."""

    def __init__(
        self,
        endpoint: Endpoint,
        keeper: ReplicaKeeper,
        config: PanguConfig,
        address_of: Callable[[int], str],
        fence: Fence,
    ) -> None:
        self._endpoint = endpoint
        self._owner = endpoint.owner
        self._keeper = keeper
        self._repair = config.repair
        self._call_ns = config.client.data_deadline
        self._address_of = address_of
        self._fence = fence
        # Room taken for clones under way: the death of the process gives it back.
        self._rooms: dict[int, _Room] = {}
        self._owner.on_death(self._give_all_back)
        endpoint.serve(CloneChunk, self._serve, BE_SERVER)

    def _serve(self, call: IncomingCall) -> None:
        order: CloneChunk = call.message
        refused = "a clone of it is under way here" if order.chunk in self._rooms else ""
        disk = room_for(call, self._fence, self._keeper, refused)
        if disk is None:
            return
        self._rooms[order.chunk] = _Room(call, disk, order.length_bytes, self._endpoint.sim.now)
        rate_bps = order.rate_bps or self._repair.rate
        request = PullChunk(order.chunk, order.version, 0, -1, disk.name, rate_bps, self._repair.weight)
        at_rate_ns = order.length_bytes * 8 * 1_000_000_000 // rate_bps
        self._endpoint.call(
            self._address_of(order.source),
            request,
            self._call_ns + _PATIENCE * at_rate_ns,
            partial(self._pulled, call),
            partial(self._unanswered, call),
        )

    def _pulled(self, call: IncomingCall, reply: ChunkPulled | PullRefused) -> None:
        order: CloneChunk = call.message
        if isinstance(reply, PullRefused):
            self._fail(call, reply.reason, damaged=reply.damaged)
        elif checksum(reply.extents) != reply.crc:
            self._fail(call, "what arrived does not match its checksum", damaged=True)
        elif order.chunk not in self._rooms:
            self._fail(call, "the disk that it went to has failed")
        else:
            room = self._rooms[order.chunk]
            room.syncing = True
            room.took_ns = self._endpoint.sim.now - room.began_ns
            room.disk.sync(self._owner, self._synced, call, reply)

    def _tell(self, order: CloneChunk, pulled: ChunkPulled, took_ns: int) -> None:
        sim = self._endpoint.sim
        if sim.facts.wants(CloneStored):
            most_bps = order.rate_bps or self._repair.rate
            sim.emit(CloneStored(self._endpoint.machine.name, order.chunk, pulled.moved_bytes, took_ns, most_bps))

    def _unanswered(self, call: IncomingCall, error: CallError) -> None:
        self._fail(call, str(error))

    def _synced(self, call: IncomingCall, pulled: ChunkPulled) -> None:
        order: CloneChunk = call.message
        room = self._rooms.pop(order.chunk, None)
        if room is None:
            return
        # The replica may be longer or shorter than the master knew: account for what it is.
        room.disk.release(room.size_bytes)
        try:
            room.disk.allocate(pulled.length_bytes)
        except SimulatedError as error:
            call.reply(CloneFailed(order.chunk, str(error)))
            return
        self._keeper.put_clone(order.chunk, pulled.version, room.disk, pulled.extents, pulled.crc)
        self._tell(order, pulled, room.took_ns)
        call.reply(Cloned(order.chunk, pulled.version, pulled.length_bytes))

    def _fail(self, call: IncomingCall, reason: str, *, damaged: bool = False) -> None:
        room = self._rooms.pop(call.message.chunk, None)
        if room is not None:
            room.disk.release(room.size_bytes)
        call.reply(CloneFailed(call.message.chunk, reason, damaged))

    def disk_lost(self, disk: Disk) -> None:
        """A disk has failed with what was being copied to it."""
        for chunk, room in list(self._rooms.items()):
            if room.disk is disk:
                del self._rooms[chunk]
                if room.syncing:
                    room.call.reply(CloneFailed(chunk, f"{disk.name} has failed"))

    def _give_all_back(self) -> None:
        for room in self._rooms.values():
            room.disk.release(room.size_bytes)
        self._rooms.clear()
