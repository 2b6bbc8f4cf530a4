"""A chunk server's temporary copies of hot chunks, and what it tells the master of how its chunks are read.

A copy lies on a disk of the machine and is served like a replica, from its own books: no report names it, the process
that made it takes it with it when it dies, and one that nobody has read for a while is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from feitian_sim.hardware import Disk
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall
from feitian_sim.pangu.chunk_messages import ChunkPulled, PullChunk, PullRefused
from feitian_sim.pangu.clone_room import room_for
from feitian_sim.pangu.content import checksum
from feitian_sim.pangu.facts import HotCopyDropped
from feitian_sim.pangu.fencing import Fence
from feitian_sim.pangu.hot_config import HotConfig
from feitian_sim.pangu.messages import Cloned, CloneFailed, CopyHot, HeatReport
from feitian_sim.pangu.needs import BE_SERVER
from feitian_sim.pangu.read_heat import ReadHeat
from feitian_sim.pangu.replica_keeper import ReplicaKeeper
from feitian_sim.pangu.replica_reads import Stored


class _Copy:
    """A copy that is kept, or room for one that comes (``stored`` is None)."""

    __slots__ = ("disk", "read_ns", "reads", "size_bytes", "stored")

    def __init__(self, disk: Disk, size_bytes: int, now_ns: int) -> None:
        self.disk = disk
        self.size_bytes = size_bytes
        self.stored: Stored | None = None
        self.read_ns = now_ns
        # Since the master was told last.
        self.reads = 0


class HotCopies:
    """The temporary copies of one chunk-server process. ``tell``: says something to the master until it answers."""

    def __init__(
        self,
        endpoint: Endpoint,
        keeper: ReplicaKeeper,
        config: HotConfig,
        data_deadline_ns: int,
        address_of: Callable[[int], str],
        fence: Fence,
        tell: Callable[[HeatReport], object],
    ) -> None:
        self._endpoint = endpoint
        self._owner = endpoint.owner
        self._keeper = keeper
        self._config = config
        self._deadline_ns = data_deadline_ns
        self._address_of = address_of
        self._fence = fence
        self._tell = tell
        self._heat = ReadHeat(config.window, config.above)
        self._copies: dict[int, _Copy] = {}
        self._owner.on_death(self._give_all_back)
        endpoint.serve(CopyHot, self._serve, BE_SERVER)

    # Reading

    def stored(self, chunk: int) -> Stored | None:
        """The replica of a chunk, else the temporary copy."""
        found = self._keeper.stored(chunk)
        copy = self._copies.get(chunk) if found is None else None
        return found if copy is None else copy.stored

    def read(self, chunk: int) -> None:
        """A chunk is read here."""
        now_ns = self._endpoint.sim.now
        copy = self._copies.get(chunk)
        if copy is not None:
            copy.read_ns = now_ns
            copy.reads += 1
        reads = self._heat.read(chunk, now_ns)
        if reads:
            self._tell(HeatReport(self._keeper.machine.index, chunk, reads, hot=True))

    def is_hot(self, chunk: int) -> bool:
        """Whether too many read a chunk here."""
        return self._heat.is_hot(chunk, self._endpoint.sim.now)

    def _look(self, chunk: int, copy: _Copy) -> None:
        """Every window: is it still read?"""
        if self._copies.get(chunk) is not copy:
            return
        if self._endpoint.sim.now - copy.read_ns >= self._config.idle:
            self._drop(chunk)
            return
        if copy.reads:
            self._tell(HeatReport(self._keeper.machine.index, chunk, copy.reads, hot=False))
            copy.reads = 0
        self._owner.call_later(self._config.window, self._look, chunk, copy)

    # Making copies

    def _serve(self, call: IncomingCall) -> None:
        order: CopyHot = call.message
        refused = "there is one here, or one comes" if order.chunk in self._copies else ""
        disk = room_for(call, self._fence, self._keeper, refused)
        if disk is None:
            return
        copy = self._copies[order.chunk] = _Copy(disk, order.length_bytes, self._endpoint.sim.now)
        request = PullChunk(order.chunk, order.version, 0, -1, disk.name, self._config.rate, self._config.weight)
        self._endpoint.call(
            self._address_of(order.source),
            request,
            self._deadline_ns,
            partial(self._pulled, call, copy),
            partial(self._failed, call, copy),
        )

    def _pulled(self, call: IncomingCall, copy: _Copy, reply: ChunkPulled | PullRefused) -> None:
        order: CopyHot = call.message
        if isinstance(reply, PullRefused):
            self._give_up(call, copy, reply.reason)
        elif checksum(reply.extents) != reply.crc or reply.length_bytes != order.length_bytes:
            self._give_up(call, copy, "what arrived is not what was ordered")
        elif self._copies.get(order.chunk) is not copy:
            self._give_up(call, copy, "the disk that it went to has failed")
        else:
            copy.stored = Stored(copy.disk, reply.version, reply.length_bytes, reply.extents, reply.crc, True)
            copy.read_ns = self._endpoint.sim.now
            self._owner.call_later(self._config.window, self._look, order.chunk, copy)
            call.reply(Cloned(order.chunk, reply.version, reply.length_bytes))

    def _failed(self, call: IncomingCall, copy: _Copy, error: CallError) -> None:
        self._give_up(call, copy, str(error))

    def _give_up(self, call: IncomingCall, copy: _Copy, reason: str) -> None:
        chunk = call.message.chunk
        if self._copies.get(chunk) is copy:
            del self._copies[chunk]
            copy.disk.release(copy.size_bytes)
        call.reply(CloneFailed(chunk, reason))

    # Ends

    def _drop(self, chunk: int) -> None:
        copy = self._copies.pop(chunk)
        copy.disk.release(copy.size_bytes)
        self._endpoint.sim.emit(HotCopyDropped(chunk, self._keeper.machine.name))

    def disk_lost(self, disk: Disk) -> None:
        """A disk has failed with what lay on it."""
        for chunk in [chunk for chunk, copy in self._copies.items() if copy.disk is disk]:
            del self._copies[chunk]

    def _give_all_back(self) -> None:
        for copy in self._copies.values():
            copy.disk.release(copy.size_bytes)
        self._copies.clear()
