"""Taking part in a write, at one replica: keep room for it, then sync it and add it to the chunk.

The primary asks for both; its own replica goes through the same two steps. Room is kept until the write is
applied or aborted, or until nobody has asked for it in ``turn_ns``. Bytes count only from the sync on: what a
crash catches before it, it takes, and nobody was promised it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from feitian_sim.hardware import Disk
from feitian_sim.kernel import SimulatedError, Timer
from feitian_sim.kuafu import Endpoint, IncomingCall
from feitian_sim.pangu.chunk_messages import Abort, Applied, Apply, Reserve, Reserved
from feitian_sim.pangu.content import Extent
from feitian_sim.pangu.facts import ReplicaExtended
from feitian_sim.pangu.needs import WRITE_CHUNK


class WriteImpossible(SimulatedError):
    """This replica cannot take part in a write; says why."""


class Replicas(Protocol):
    """What a write needs of the replicas that a chunk server keeps."""

    def length_for_write(self, chunk: int, version: int) -> int | None:
        """Length of the replica; 0 when there is none yet, None when it is of another version or damaged."""
        ...

    def disk_for_write(self, chunk: int, length_bytes: int) -> Disk:
        """The disk of the replica, or one with room for a new one. Raises :class:`SimulatedError`."""
        ...

    def extend(self, chunk: int, version: int, disk: Disk, extents: tuple[Extent, ...]) -> int:
        """Add synced extents, for which room was taken (a new replica is made); returns the new length."""
        ...

    def crc(self, chunk: int) -> int:
        """The checksum beside the replica."""
        ...


@dataclass(slots=True)
class _Room:
    disk: Disk
    length_bytes: int
    timer: Timer


class ReplicaWrites:
    """The writes that one chunk-server process takes part in."""

    def __init__(self, endpoint: Endpoint, replicas: Replicas, turn_ns: int) -> None:
        self._endpoint = endpoint
        self._owner = endpoint.owner
        self._replicas = replicas
        self._turn_ns = turn_ns
        self._rooms: dict[int, _Room] = {}  # by chunk
        self._syncing: dict[int, tuple[_Room, Callable[[int | None], object]]] = {}
        # Room on a disk belongs to the process that keeps it: its death gives it back.
        self._owner.on_death(self._give_all_back)
        endpoint.serve(Reserve, self._serve_reserve, WRITE_CHUNK)
        endpoint.serve(Apply, self._serve_apply, WRITE_CHUNK)
        endpoint.serve(Abort, self._serve_abort, WRITE_CHUNK)

    def length(self, chunk: int, version: int) -> int | None:
        """Length that a write would start from; None when this replica must not take part."""
        return self._replicas.length_for_write(chunk, version)

    def is_writing(self, chunk: int) -> bool:
        """Whether room is kept for a write to the chunk, or one is being synced."""
        return chunk in self._rooms or chunk in self._syncing

    def reserve(self, chunk: int, version: int, offset_bytes: int, length_bytes: int) -> Disk:
        """Keep room for a write at ``offset_bytes``. Raises :class:`WriteImpossible`."""
        length_now = self._replicas.length_for_write(chunk, version)
        if length_now != offset_bytes:
            raise WriteImpossible(f"replica of chunk {chunk} has length {length_now}, not {offset_bytes}")
        self.abort(chunk)
        try:
            disk = self._replicas.disk_for_write(chunk, length_bytes)
            disk.allocate(length_bytes)
        except SimulatedError as error:
            raise WriteImpossible(str(error)) from error
        timer = self._owner.timer(self._turn_ns, self.abort, chunk)
        self._rooms[chunk] = _Room(disk, length_bytes, timer)
        return disk

    def abort(self, chunk: int) -> None:
        """The write will not come: give the room back."""
        room = self._rooms.pop(chunk, None)
        if room is not None:
            room.timer.cancel()
            room.disk.release(room.length_bytes)

    def apply(self, request: Apply, done: Callable[[int | None], object]) -> None:
        """Sync what was received and add it; ``done`` gets the new length, or None when it cannot be."""
        room = self._rooms.pop(request.chunk, None)
        if room is None or self._replicas.length_for_write(request.chunk, request.version) != request.offset_bytes:
            done(None)
            return
        room.timer.cancel()
        self._syncing[request.chunk] = (room, done)
        room.disk.sync(self._owner, self._synced, request, room)

    def _synced(self, request: Apply, room: _Room) -> None:
        syncing = self._syncing.pop(request.chunk, None)
        if syncing is None:
            return
        _, done = syncing
        if self._replicas.length_for_write(request.chunk, request.version) != request.offset_bytes:
            room.disk.release(room.length_bytes)
            done(None)
        else:
            # From now on the room is the replica's.
            length_bytes = self._replicas.extend(request.chunk, request.version, room.disk, request.extents)
            if self._endpoint.sim.facts.wants(ReplicaExtended):
                machine, crc = self._endpoint.machine.name, self._replicas.crc(request.chunk)
                self._endpoint.sim.emit(ReplicaExtended(machine, request.chunk, request.version, length_bytes, crc))
            done(length_bytes)

    def disk_lost(self, disk: Disk) -> None:
        """A disk has failed with all the room on it: writes under way there will not end, so end them here."""
        for chunk, room in list(self._rooms.items()):
            if room.disk is disk:
                room.timer.cancel()
                del self._rooms[chunk]
        for chunk, (room, done) in list(self._syncing.items()):
            if room.disk is disk:
                del self._syncing[chunk]
                done(None)

    def dropped(self, chunk: int) -> None:
        """The replica goes: a write under way must not make a new one in its place."""
        self.abort(chunk)
        room, done = self._syncing.pop(chunk, (None, _nothing))
        if room is not None:
            room.disk.release(room.length_bytes)
            done(None)

    def _give_all_back(self) -> None:
        for room in [*self._rooms.values(), *(room for room, _ in self._syncing.values())]:
            room.disk.release(room.length_bytes)
        self._rooms.clear()
        self._syncing.clear()

    # Served to primaries

    def _serve_reserve(self, call: IncomingCall) -> None:
        request: Reserve = call.message
        try:
            disk = self.reserve(request.chunk, request.version, request.offset_bytes, request.length_bytes)
        except WriteImpossible as error:
            call.fail(str(error))
        else:
            call.reply(Reserved(disk.name))

    def _serve_apply(self, call: IncomingCall) -> None:
        def applied(length_bytes: int | None) -> None:
            if length_bytes is None:
                call.fail("the write was not reserved, or its replica has changed")
            else:
                call.reply(Applied(length_bytes))

        self.apply(call.message, applied)

    def _serve_abort(self, call: IncomingCall) -> None:
        self.abort(call.message.chunk)
        call.reply(Applied(0))


def _nothing(_: object) -> None:
    """Nobody waits."""
