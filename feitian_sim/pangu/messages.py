"""The master's messages: from clients and chunk servers to it, and its commands to chunk servers.

Machines that serve chunks are named by their index; chunks by their number. What clients and chunk servers say to
each other is in :mod:`feitian_sim.pangu.chunk_messages`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_BYTES_PER_ENTRY = 16
_HEADER_BYTES = 256

# --- clients to the master ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateFile:
    """Client to master: make an empty file; its directory is made as well. Answered by :class:`Done`.

    ``token`` names the attempt, so that a retry of one that had succeeded is no error.
    """

    path: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """Client to master: make a directory (``/a/b/``) and those above it. Answered by :class:`Done`."""

    path: str


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """Client to master: remove a file, or an empty directory. Answered by :class:`Done`.

    ``token`` names the attempt, as in :class:`CreateFile`.
    """

    path: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class RenameFile:
    """Client to master: give a file another path, which must be free. Answered by :class:`Done`.

    ``token`` names the attempt, as in :class:`CreateFile`.
    """

    path: str
    new_path: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class ListDirectory:
    """Client to master: what is in a directory. Answered by :class:`DirectoryListed`."""

    path: str


@dataclass(frozen=True, slots=True)
class DirectoryListed:
    """Master to client: names in the directory, sorted; those of directories end in ``/``."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Locate:
    """Client to master: where are the chunks of this file, from the ``first`` on. Answered by :class:`Located`."""

    path: str
    first: int = 0
    count: int = 1_000_000


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """One chunk of a file and the servers of its good replicas."""

    chunk: int
    version: int
    length_bytes: int
    servers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """Master to client: the file's size, number of chunks, and the chunks asked for."""

    size_bytes: int
    chunk_count: int
    places: tuple[ChunkPlace, ...]

    @property
    def wire_bytes(self) -> int:
        """Headers and an entry a chunk."""
        return _HEADER_BYTES + 2 * _BYTES_PER_ENTRY * len(self.places)


@dataclass(frozen=True, slots=True)
class AddChunk:
    """Client to master: a new chunk as number ``position`` of the file, not on ``exclude``. Answered by Leased.

    What stands there already, unsealed, was an attempt whose answer got lost; it is abandoned. ``writer`` is the
    client's machine, for policies that place the first replica near it.
    """

    path: str
    position: int
    writer: int
    exclude: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaseLast:
    """Client to master: let me append to the file: its last chunk, or a new one. Answered by :class:`Leased`.

    The last chunk is sealed first when it is ``full``, or when one of its servers is in ``exclude``.
    """

    path: str
    writer: int
    exclude: tuple[int, ...] = ()
    full: int = -1


@dataclass(frozen=True, slots=True)
class Leased:
    """Master to client: write to this chunk through its primary, the first of ``servers``, until the lease ends."""

    chunk: int
    version: int
    servers: tuple[int, ...]
    until_ns: int


@dataclass(frozen=True, slots=True)
class SealChunk:
    """Client to master: the chunk ends here; bytes up to ``length_bytes`` are acknowledged. Answered by Done."""

    path: str
    chunk: int
    length_bytes: int
    #: Servers whose replica did not take part to the end.
    failed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AbandonChunk:
    """Client to master: nothing in this chunk was acknowledged; take it out of the file. Answered by Done."""

    path: str
    chunk: int


@dataclass(frozen=True, slots=True)
class BadReplica:
    """Client or chunk server to master: this replica is damaged. Answered by :class:`Done`."""

    chunk: int
    server: int
    by: str


@dataclass(frozen=True, slots=True)
class Done:
    """Master to anyone: it is done, and durable."""


#: A chunk server has nothing of a chunk that may go on, and says so under this code.
NO_REPLICA = "no-replica"


@dataclass(frozen=True, slots=True)
class Failed:
    """Master to anyone: it cannot be done. ``final`` tells that trying again will not help.

    ``code``: as in :class:`feitian_sim.pangu.namespace.NamespaceError`.
    """

    reason: str
    final: bool = True
    code: str = ""


# --- chunk servers to the master ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """Chunk server to master: every sound replica it has, as columns; ``first`` when it registers."""

    server: int
    first: bool
    capacity_bytes: int
    used_bytes: int
    chunks: Ints
    versions: Ints
    lengths: Ints

    @property
    def wire_bytes(self) -> int:
        """Headers and an entry a replica."""
        return _HEADER_BYTES + _BYTES_PER_ENTRY * len(self.chunks)


@dataclass(frozen=True, slots=True, eq=False)
class HoldingsRead:
    """Master to chunk server: these replicas are stale, surplus or nobody's; drop them."""

    drop: Ints
    #: The master's incarnation, by which a server notices a new one.
    incarnation: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Chunk server to master: I live. Answered by :class:`HeartbeatSeen`."""

    server: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class HeartbeatSeen:
    """Master to chunk server: noted; ``known`` is false when it should register first."""

    known: bool
    incarnation: int


@dataclass(frozen=True, slots=True, eq=False)
class ReplicasGone:
    """Chunk server to master: these replicas are gone from here for good. Answered by :class:`Done`."""

    server: int
    cause: str
    chunks: Ints

    @property
    def wire_bytes(self) -> int:
        """Headers and half an entry a replica."""
        return _HEADER_BYTES + _BYTES_PER_ENTRY * len(self.chunks) // 2


@dataclass(frozen=True, slots=True)
class HeatReport:
    """Chunk server to master: a chunk was read here so often within a window; ``hot``: that is too much for one server.

    Who has a temporary copy says so too while it is read. Answered by :class:`Done`.
    """

    server: int
    chunk: int
    reads: int
    hot: bool


# --- the master's commands ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CloneChunk:
    """Master to a chunk server: fetch this chunk from ``source``. Answered by :class:`Cloned` or CloneFailed."""

    chunk: int
    version: int
    length_bytes: int
    source: int
    #: Most that the transfer may take, bits per second; 0 for the rate of repairs.
    rate_bps: int = 0
    #: Whether it is one half of a move: the source's replica will be dropped.
    moving: bool = False
    #: The fencing token of the master that commands.
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Cloned:
    """Chunk server to master: I have it, synced."""

    chunk: int
    version: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class CloneFailed:
    """Chunk server to master: I could not fetch it; ``source_damaged`` when the source says its replica is bad."""

    chunk: int
    reason: str
    source_damaged: bool = False


@dataclass(frozen=True, slots=True)
class CopyHot:
    """Master to a chunk server: keep a temporary copy of this chunk. Answered by :class:`Cloned` or CloneFailed."""

    chunk: int
    version: int
    length_bytes: int
    source: int
    #: The fencing token of the master that commands.
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class DropReplicas:
    """Master to a chunk server: drop these replicas. Answered by :class:`Done`."""

    chunks: tuple[int, ...]
    #: The fencing token of the master that commands.
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class NewVersion:
    """Master to a replica: the chunk goes on as ``version``; ``lease_until_ns`` is 0 unless it is the primary.

    Replicas of versions from ``floor`` on may go on. Answered by :class:`VersionTaken`, or :class:`Failed` when the
    replica is older.
    """

    chunk: int
    version: int
    floor: int
    lease_until_ns: int
    #: The fencing token of the master that commands.
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class VersionTaken:
    """Chunk server to master: my replica is of that version now, and this long."""

    chunk: int
    version: int
    length_bytes: int
