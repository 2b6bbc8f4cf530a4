"""The data path's messages: between clients and chunk servers, and among chunk servers.

Bytes travel as flows beside these; a message carries only what stands for them (extents and their checksum).
What the master says and hears is in ``messages``.
"""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.pangu.content import Extent


@dataclass(frozen=True, slots=True)
class OpenWrite:
    """Client to primary: I am about to push bytes at the end of this chunk. Answered when it is my turn."""

    chunk: int
    version: int
    length_bytes: int
    #: Addresses of the other replicas, in the order in which the bytes will pass them.
    secondaries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriteOpened:
    """Primary to client: every replica has room; these disks will take the bytes, the primary's first."""

    session: int
    disks: tuple[str, ...]
    #: Length of the chunk before this write: where the bytes will stand.
    offset_bytes: int


@dataclass(frozen=True, slots=True)
class WriteRefused:
    """Primary to client: not here. ``full`` asks for another chunk; ``failed`` names the servers at fault."""

    reason: str
    full: bool = False
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommitWrite:
    """Client to primary: the bytes have arrived everywhere; make them part of the chunk."""

    session: int
    extents: tuple[Extent, ...]

    @property
    def wire_bytes(self) -> int:
        """Headers and 32 bytes an extent."""
        return 256 + 32 * len(self.extents)


@dataclass(frozen=True, slots=True)
class WriteCommitted:
    """Primary to client: every replica has it on its disk, at this place."""

    length_bytes: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """Primary to secondary: make room for a write, and say on which disk."""

    chunk: int
    version: int
    #: Length that the chunk must have before it: a replica that lags or leads may not take part.
    offset_bytes: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """Secondary to primary: there is room on this disk."""

    disk: str


@dataclass(frozen=True, slots=True)
class Apply:
    """Primary to secondary: put these bytes, which you have received, behind the others, and sync."""

    chunk: int
    version: int
    offset_bytes: int
    extents: tuple[Extent, ...]

    @property
    def wire_bytes(self) -> int:
        """Headers and 32 bytes an extent."""
        return 256 + 32 * len(self.extents)


@dataclass(frozen=True, slots=True)
class Applied:
    """Secondary to primary: it is on my disk."""

    length_bytes: int


@dataclass(frozen=True, slots=True)
class Abort:
    """Primary to secondary: the write that you reserved room for will not come."""

    chunk: int


@dataclass(frozen=True, slots=True)
class PullChunk:
    """Client or repairing server to a replica: send me this part of the chunk."""

    chunk: int
    version: int
    offset_bytes: int
    #: Bytes wanted; fewer are sent when the chunk ends before. Negative: all.
    length_bytes: int
    #: Disk that the bytes go to at the reader, "" when they go to its memory.
    into_disk: str = ""
    #: Most that the transfer may take, bits per second; 0 for no limit.
    cap_bps: int = 0
    #: Share of a link beside other transfers.
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ChunkPulled:
    """Replica to reader, after the bytes: what they were, with the checksum kept beside them."""

    version: int
    length_bytes: int
    extents: tuple[Extent, ...]
    crc: int
    #: Bytes that were moved.
    moved_bytes: int
    #: Too many read it there: ask the master again who has it.
    hot: bool = False

    @property
    def wire_bytes(self) -> int:
        """Headers and 32 bytes an extent."""
        return 256 + 32 * len(self.extents)


@dataclass(frozen=True, slots=True)
class PullRefused:
    """Replica to reader: I have no such chunk, or not in this version, or what I have is damaged."""

    reason: str
    damaged: bool = False
