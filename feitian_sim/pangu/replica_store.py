"""What one chunk server has on its disks: replicas, as the disks would be found after any crash.

Replicas that nobody has touched since they were placed (the dataset, bundles of repairs) are rows of sorted arrays;
their content follows from a rule. A replica that was written to, or damaged, is an object with its own extents and
checksum. The store outlives the process: only synced changes are made to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.content import Extent, checksum, dataset_extents, extended_checksum, rotten, total_bytes

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Replica:
    """One replica: its extents, the checksum stored beside them, and whether the sectors can be read."""

    version: int
    disk: int
    extents: tuple[Extent, ...]
    crc: int
    readable: bool = True
    #: Bytes in it: follows from the extents, and is asked for far more often than it changes.
    length_bytes: int = field(init=False)
    #: Whether it can be read and matches its checksum: the check that every read makes. It follows from the rest too.
    sound: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length_bytes", total_bytes(self.extents))
        object.__setattr__(self, "sound", self.readable and checksum(self.extents) == self.crc)

    def extended(self, version: int, disk: int, extents: tuple[Extent, ...]) -> Replica:
        """With more extents at its end. The checksum goes on from the stored one: damage is not signed anew."""
        grown = object.__new__(Replica)
        for name, value in (
            ("version", version),
            ("disk", disk),
            ("extents", (*self.extents, *extents)),
            ("crc", extended_checksum(self.crc, extents)),
            ("readable", self.readable),
            ("length_bytes", self.length_bytes + total_bytes(extents)),
            ("sound", self.sound),
        ):
            object.__setattr__(grown, name, value)
        return grown


#: Chunks, versions, lengths, disks: as narrow as they can be, for there are tens of millions.
Row = tuple[Ints, npt.NDArray[np.int32], Ints, npt.NDArray[np.int16]]


class ReplicaStore:
    """All replicas of one server, by chunk number; disks are numbered within the server."""

    def __init__(self) -> None:
        self._chunks, self._versions, self._lengths, self._disks = _row(*(np.zeros(0, dtype=np.int64),) * 4)
        self._new_rows: list[Row] = []
        self._own: dict[int, Replica] = {}
        #: Grows with every change, and with every change of the rows.
        self.revision = 0
        self.rows_revision = 0
        #: Chunks whose own replica has changed, one after the other.
        self.own_changes: list[int] = []

    def __len__(self) -> int:
        self._merge()
        return len(self._chunks) + len(self._own)

    # Rows

    def add_rows(self, chunks: Ints, versions: Ints, lengths: Ints, disks: Ints) -> None:
        """Take in replicas with the content of the dataset's rule; none of the chunks may be here already."""
        self.revision += 1
        self.rows_revision += 1
        self._new_rows.append(_row(chunks, versions, lengths, disks))

    def rows(self) -> tuple[Ints, npt.NDArray[np.int32]]:
        """Chunks and versions of the replicas that are rows, by chunk; the caller must not change them."""
        self._merge()
        return self._chunks, self._versions

    def is_own(self, chunk: int) -> bool:
        """Whether a replica of ``chunk`` is here that is no row."""
        return chunk in self._own

    def note(self, chunk: int) -> None:
        """What is known of the replica has changed."""
        self.own_changes.append(chunk)

    def untouched(self, chunks: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.signedinteger], Ints]:
        """For each chunk whether it is here as a row (with the content of the rule); versions and lengths if so."""
        self._merge()
        if not len(self._chunks):
            return np.zeros(len(chunks), dtype=np.bool_), np.zeros_like(chunks), np.zeros_like(chunks)
        rows = np.minimum(np.searchsorted(self._chunks, chunks), len(self._chunks) - 1)
        return self._chunks[rows] == chunks, self._versions[rows], self._lengths[rows]

    def has(self, chunks: Ints) -> npt.NDArray[np.bool_]:
        """For each of ``chunks`` whether a replica is here."""
        here = self.untouched(chunks)[0]
        if self._own:
            here |= np.array([chunk in self._own for chunk in chunks.tolist()], dtype=np.bool_)
        return here

    def holdings(self) -> tuple[Ints, Ints, Ints]:
        """Chunks, versions and lengths of every replica, by chunk."""
        self._merge()
        own = sorted(self._own.items())
        chunks = np.concatenate([self._chunks, np.array([chunk for chunk, _ in own], dtype=np.int64)])
        versions = np.concatenate([self._versions, np.array([item.version for _, item in own], dtype=np.int64)])
        lengths = np.concatenate([self._lengths, np.array([item.length_bytes for _, item in own], dtype=np.int64)])
        order = np.argsort(chunks, kind="stable")
        return chunks[order], versions[order], lengths[order]

    def drop_many(self, chunks: Ints) -> dict[int, int]:
        """Remove replicas; returns the bytes freed on each disk."""
        freed: dict[int, int] = {}
        self.revision += 1
        self._merge()
        for chunk in chunks.tolist():
            own = self._own.pop(chunk, None)
            if own is not None:
                self.own_changes.append(chunk)
                freed[own.disk] = freed.get(own.disk, 0) + own.length_bytes
        gone = np.isin(self._chunks, chunks, assume_unique=True)
        if not gone.any():
            return freed
        by_disk = np.bincount(self._disks[gone], weights=self._lengths[gone]).astype(np.int64)
        for disk in np.flatnonzero(by_disk).tolist():
            freed[disk] = freed.get(disk, 0) + int(by_disk[disk])
        self._keep(~gone)
        return freed

    def lose_disk(self, disk: int) -> Ints:
        """A disk is gone with all that was on it; returns the chunks, ascending."""
        self.revision += 1
        self._merge()
        own = [chunk for chunk, item in self._own.items() if item.disk == disk]
        for chunk in own:
            del self._own[chunk]
        self.own_changes += own
        gone = self._disks == disk
        chunks = np.concatenate([self._chunks[gone], np.array(own, dtype=np.int64)])
        self._keep(~gone)
        return np.sort(chunks)

    def on_disk(self, disk: int) -> Ints:
        """Chunks with a replica on a disk, ascending."""
        self._merge()
        own = np.array([chunk for chunk, item in self._own.items() if item.disk == disk], dtype=np.int64)
        return np.sort(np.concatenate([self._chunks[self._disks == disk], own]))

    # One replica

    def get(self, chunk: int) -> Replica | None:
        """The replica of a chunk, as it would be read from the disk."""
        own = self._own.get(chunk)
        if own is not None:
            return own
        row = self._row(chunk)
        if row is None:
            return None
        extents = dataset_extents(chunk, int(self._lengths[row]))
        return Replica(int(self._versions[row]), int(self._disks[row]), extents, checksum(extents))

    def put(self, chunk: int, replica: Replica) -> None:
        """Store a replica, in the place of any that was there."""
        self.revision += 1
        row = self._row(chunk)
        if row is not None:
            keep = np.ones(len(self._chunks), dtype=np.bool_)
            keep[row] = False
            self._keep(keep)
        self._own[chunk] = replica
        self.own_changes.append(chunk)

    def change_disk(self, chunk: int, disk: int) -> tuple[int, int]:
        """The replica, which must be here, lies on another disk now; returns its length and the disk before."""
        own = self._own.get(chunk)
        if own is not None:
            self._own[chunk] = replace(own, disk=disk)
            return own.length_bytes, own.disk
        row = self._row(chunk)
        assert row is not None, f"there is no replica of chunk {chunk} here"
        before = int(self._disks[row])
        self._disks[row] = disk
        return int(self._lengths[row]), before

    def extend(self, chunk: int, version: int, disk: int, extents: tuple[Extent, ...]) -> int:
        """Add extents at the end, making the replica if there is none; returns its length."""
        old = self.get(chunk)
        assert old is None or old.sound, f"chunk {chunk} is damaged and was added to"
        if old is None:
            grown = Replica(version, disk, extents, checksum(extents))
        else:
            grown = old.extended(version, old.disk, extents)
        self.put(chunk, grown)
        return grown.length_bytes

    def raise_version(self, chunk: int, version: int, floor: int) -> int | None:
        """Go on as ``version``; returns the length, or None when there is no replica from ``floor`` up to it."""
        old = self.get(chunk)
        if old is None or not floor <= old.version <= version or not old.sound:
            return None
        if old.version != version:
            self.put(chunk, replace(old, version=version))
        return old.length_bytes

    # Damage

    def at_quantile(self, uniform: float, disk: int) -> int | None:
        """The chunk at quantile ``uniform`` of what a disk holds, by number; None when it is empty."""
        chunks = self.on_disk(disk)
        return int(chunks[int(uniform * len(chunks))]) if len(chunks) else None

    def rot(self, chunk: int, uniform: float) -> None:
        """Bits flip; the stored checksum stays as it was."""
        old = self.get(chunk)
        if old is not None:
            self.put(chunk, replace(old, extents=rotten(old.extents, uniform)))

    def make_unreadable(self, chunk: int) -> None:
        """A sector under the replica can no longer be read."""
        old = self.get(chunk)
        if old is not None:
            self.put(chunk, replace(old, readable=False))

    def alter(self, chunk: int, extents: tuple[Extent, ...]) -> None:
        """Other bytes, as many, stand where the replica's were; the stored checksum stays as it was."""
        old = self.get(chunk)
        if old is not None:
            assert total_bytes(extents) == old.length_bytes, f"chunk {chunk} has changed its length on the disk"
            self.put(chunk, replace(old, extents=extents))

    # Inside

    def _row(self, chunk: int) -> int | None:
        self._merge()
        row = int(self._chunks.searchsorted(chunk))
        return row if row < len(self._chunks) and self._chunks[row] == chunk else None

    def _merge(self) -> None:
        if not self._new_rows:
            return
        parts = [(self._chunks, self._versions, self._lengths, self._disks), *self._new_rows]
        self._new_rows = []
        columns = [np.concatenate([part[column] for part in parts]) for column in range(4)]
        order = np.argsort(columns[0], kind="stable")
        self._chunks, self._versions, self._lengths, self._disks = (column[order] for column in columns)

    def _keep(self, rows: npt.NDArray[np.bool_]) -> None:
        self.rows_revision += 1
        self._chunks = self._chunks[rows]
        self._versions = self._versions[rows]
        self._lengths = self._lengths[rows]
        self._disks = self._disks[rows]


def _row(chunks: Ints, versions: Ints, lengths: Ints, disks: Ints) -> Row:
    return chunks, versions.astype(np.int32), lengths, disks.astype(np.int16)
