"""What a replica holds: extents that stand for the bytes, under a real CRC-32C.

An extent says who wrote it (writer, sequence number) and which part of that write it is (offset, length): two
replicas hold the same bytes exactly when they hold the same extents. The checksum is computed over their canonical
encoding and stored beside them. What goes wrong on a disk alters the encoding and leaves the stored checksum as it
was, so damage is found by reading or scrubbing and in no other way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import google_crc32c

#: The writer of the preloaded dataset.
DATASET = "dataset"


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of bytes of one write."""

    writer: str
    sequence: int
    #: Where in the write the run begins.
    offset_bytes: int
    length_bytes: int

    def encoded(self) -> bytes:
        """Canonical encoding: fields in order, each closed, so that no two extents read alike."""
        return f"{self.writer}\x1f{self.sequence}\x1f{self.offset_bytes}\x1f{self.length_bytes}\x1e".encode()


def checksum(extents: Iterable[Extent]) -> int:
    """CRC-32C (Castagnoli) over the encoding of the extents in order."""
    return int(google_crc32c.value(b"".join(extent.encoded() for extent in extents)))


def extended_checksum(crc: int, extents: Iterable[Extent]) -> int:
    """The checksum of what ``crc`` stands for and the extents after it: a CRC goes on from where it ended."""
    return int(google_crc32c.extend(crc, b"".join(extent.encoded() for extent in extents)))


def total_bytes(extents: Iterable[Extent]) -> int:
    """Bytes that the extents stand for."""
    return sum(extent.length_bytes for extent in extents)


def dataset_extents(chunk: int, length_bytes: int) -> tuple[Extent, ...]:
    """What a chunk of the preloaded dataset holds, by rule: one write of its own."""
    return (Extent(DATASET, chunk, 0, length_bytes),)


def unwritten(extents: tuple[Extent, ...], first: int, until: int) -> tuple[Extent, ...]:
    """The extents when those from ``first`` on, before ``until``, have never reached their place: what was there is."""
    holes = tuple(replace(extent, writer=f"{extent.writer}~before") for extent in extents[first:until])
    return (*extents[:first], *holes, *extents[until:])


def overwritten(extents: tuple[Extent, ...], hit: int, stray: Extent) -> tuple[Extent, ...]:
    """The extents when one was overwritten by a write meant for elsewhere: as many bytes as there were."""
    landed = replace(stray, length_bytes=extents[hit].length_bytes)
    return (*extents[:hit], landed, *extents[hit + 1 :])


def rotten(extents: tuple[Extent, ...], uniform: float) -> tuple[Extent, ...]:
    """The extents after bits flipped in one of them, chosen by ``uniform``; none can rot in an empty replica."""
    if not extents:
        return extents
    hit = int(uniform * len(extents))
    damaged = replace(extents[hit], writer=f"{extents[hit].writer}~rot")
    return (*extents[:hit], damaged, *extents[hit + 1 :])
