"""Serving reads of a chunk, to clients and to servers that repair: verify, then stream.

The server checks its CRC-32C over what it is about to send, so damage never leaves it: the reader is told to go
elsewhere, and the master that this replica is bad. What arrives carries the extents and the checksum that was
stored beside them, so that the reader can check for itself what came over the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from feitian_sim.hardware import DataCenter, Disk
from feitian_sim.kuafu import Endpoint, IncomingCall
from feitian_sim.pangu.chunk_messages import ChunkPulled, PullChunk, PullRefused
from feitian_sim.pangu.content import Extent
from feitian_sim.pangu.needs import READ_CHUNK


@dataclass(frozen=True, slots=True)
class Stored:
    """A replica as its server finds it."""

    disk: Disk
    version: int
    length_bytes: int
    extents: tuple[Extent, ...]
    #: The checksum stored beside the bytes.
    crc: int
    #: Whether the bytes can be read and agree with the checksum.
    sound: bool


class ReadableReplicas(Protocol):
    """What serving reads needs of the replicas that a chunk server keeps."""

    def stored(self, chunk: int) -> Stored | None:
        """The replica of ``chunk``, checked; None when there is none."""
        ...


class ReadCounter(Protocol):
    """Who counts reads, in a cell that relieves hot chunks."""

    def read(self, chunk: int) -> None:
        """A chunk is read."""
        ...

    def is_hot(self, chunk: int) -> bool:
        """Whether too many read it here."""
        ...


class ReplicaReads:
    """The read half of one chunk-server process."""

    def __init__(
        self,
        endpoint: Endpoint,
        replicas: ReadableReplicas,
        datacenter: DataCenter,
        on_damage: Callable[[int], object],
        request_ns: int,
        counter: ReadCounter | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._replicas = replicas
        self._datacenter = datacenter
        self._on_damage = on_damage
        # Spent on each request before the first byte.
        self._request_ns = request_ns
        self._counter = counter
        #: Transfers under way: the load that a reader may choose by.
        self.running = 0
        endpoint.serve(PullChunk, self._serve, READ_CHUNK)

    def _serve(self, call: IncomingCall) -> None:
        request: PullChunk = call.message
        if self._counter is not None:
            self._counter.read(request.chunk)
        stored = self._replicas.stored(request.chunk)
        if stored is None or stored.version < request.version:
            call.reply(PullRefused("no replica of this version here"))
        elif stored.disk.trouble.active and stored.disk.trouble.io_fails():
            # The bytes may be good: the reader goes elsewhere, and nobody repairs for one error.
            call.reply(PullRefused("the disk failed to read it"))
        elif not stored.sound:
            call.reply(PullRefused("the replica here is damaged", damaged=True))
            self._on_damage(request.chunk)
        elif self._request_ns:
            self._endpoint.owner.call_later(self._request_ns, self._stream, call, request, stored)
        else:
            self._stream(call, request, stored)

    def _stream(self, call: IncomingCall, request: PullChunk, stored: Stored) -> None:
        left = max(0, stored.length_bytes - request.offset_bytes)
        size_bytes = left if request.length_bytes < 0 else min(left, request.length_bytes)
        hot = self._counter is not None and self._counter.is_hot(request.chunk)
        pulled = ChunkPulled(stored.version, stored.length_bytes, stored.extents, stored.crc, size_bytes, hot)
        if not size_bytes:
            call.reply(pulled)
            return
        into = self._datacenter.disk(request.into_disk).write_links if request.into_disk else ()
        self.running += 1
        flow = self._datacenter.network.transfer(
            self._endpoint.machine,
            call.machine,
            size_bytes,
            disks_read=stored.disk.read_links,
            disks_write=into,
            cap_bps=request.cap_bps or None,
            weight=request.weight,
            owner=self._endpoint.owner,
            on_done=partial(self._sent, call, pulled),
            on_fail=partial(self._stalled, call),
        )
        if not request.into_disk:
            # Clones and copies have a deadline for the whole of it: who ordered them has one too.
            call.streams(flow)

    def _sent(self, call: IncomingCall, pulled: ChunkPulled, _: object) -> None:
        self.running -= 1
        call.reply(pulled)

    def _stalled(self, call: IncomingCall, _: object, reason: str) -> None:
        self.running -= 1
        call.fail(f"the transfer failed: {reason}")
