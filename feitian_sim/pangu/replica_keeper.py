"""The replicas of one machine and the disks they lie on: space, damage, loss.

This is what the machine's disks hold, so it outlives every process; the chunk-server process of the moment works
through it and is told when a disk fails under it. A replica that was found damaged is set aside: it is neither
served nor reported any more, and its space is freed when the master says so.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from feitian_sim.hardware import Disk, DiskFull, Machine
from feitian_sim.pangu.content import Extent, checksum, overwritten, unwritten
from feitian_sim.pangu.replica_reads import Stored
from feitian_sim.pangu.replica_store import Replica, ReplicaStore

Ints = npt.NDArray[np.int64]


class ReplicaKeeper:
    """All replicas of one machine, with their disks."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.store = ReplicaStore()
        self._set_aside: dict[int, None] = {}
        # Every replica that was ever damaged: where to look for those that nobody has found.
        self._damaged: dict[int, None] = {}
        #: Called after each change that a lost message might keep from the master, so that a report must tell. What
        #: the master itself ordered dropped, and what it is told until it answers, is not among them.
        self.on_change: Callable[[], object] = _nothing
        #: Called with a disk and the chunks that were on it, when it has failed.
        self.on_disk_lost: Callable[[Disk, Ints], object] = _nothing
        #: Called with the chunks whose replicas are about to be removed; for whoever watches from outside.
        self.on_drop: Callable[[Ints], object] = _nothing
        #: Called with a chunk whose replica was damaged (nobody knows it yet; for the scrubber's round).
        self.on_damage: Callable[[int], object] = _nothing
        for disk in machine.disks:
            disk.contents = ContentsOfDisk(self, disk)

    def forget_process(self) -> None:
        """The process that served these replicas is dead: tell nobody until the next one has booted."""
        self.on_change = self.on_disk_lost = self.on_damage = _nothing

    # Telling

    @property
    def revision(self) -> int:
        """Grows with every change of what is held or known of it."""
        return self.store.revision + len(self._set_aside) + len(self._damaged)

    @property
    def capacity_bytes(self) -> int:
        """Bytes that the working disks can hold."""
        return sum(disk.capacity_bytes for disk in self.machine.disks if not disk.failed)

    @property
    def used_bytes(self) -> int:
        """Bytes taken on the working disks."""
        return self.machine.used_bytes

    def holdings(self) -> tuple[Ints, Ints, Ints]:
        """Chunks, versions and lengths to report: all but what was set aside."""
        chunks, versions, lengths = self.store.holdings()
        if self._set_aside:
            good = ~np.isin(chunks, np.array(list(self._set_aside), dtype=np.int64), assume_unique=True)
            return chunks[good], versions[good], lengths[good]
        return chunks, versions, lengths

    def stored(self, chunk: int) -> Stored | None:
        """The replica of ``chunk``, checked; None when there is none."""
        replica = self.store.get(chunk)
        if replica is None:
            return None
        disk = self.machine.disks[replica.disk]
        sound = replica.sound and chunk not in self._set_aside
        return Stored(disk, replica.version, replica.length_bytes, replica.extents, replica.crc, sound)

    def crc(self, chunk: int) -> int:
        """The checksum beside the replica of ``chunk``, which is here."""
        replica = self.store.get(chunk)
        assert replica is not None, f"there is no replica of chunk {chunk} here"
        return replica.crc

    def is_intact(self, chunk: int, version: int) -> bool:
        """Whether the replica of ``chunk`` is of this version, undamaged and not set aside."""
        replica = self.store.get(chunk)
        if replica is None or replica.version < version:
            return False
        return replica.sound and chunk not in self._set_aside

    def set_aside(self, chunk: int) -> bool:
        """The replica is damaged: serve it no more. False when that was known."""
        if chunk in self._set_aside or self.store.get(chunk) is None:
            return False
        self._set_aside[chunk] = None
        self.store.note(chunk)
        return True

    def is_set_aside(self, chunk: int) -> bool:
        """Whether the replica is here, and known to be damaged."""
        return chunk in self._set_aside

    def set_aside_chunks(self) -> tuple[int, ...]:
        """All of which that is so."""
        return tuple(self._set_aside)

    # Writing

    def length_for_write(self, chunk: int, version: int) -> int | None:
        """Length of the replica (0 for one yet to be made); None when it is of another version or damaged."""
        replica = self.store.get(chunk)
        if replica is None:
            return 0 if version == 1 else None
        if replica.version != version or chunk in self._set_aside or not replica.sound:
            return None
        return replica.length_bytes

    def disk_for_write(self, chunk: int, length_bytes: int) -> Disk:
        """The disk of the replica, or the emptiest one. Raises :class:`DiskFull`."""
        replica = self.store.get(chunk)
        if replica is not None and replica.length_bytes:
            return self.machine.disks[replica.disk]
        return self.emptiest_disk(length_bytes)

    def emptiest_disk(self, length_bytes: int) -> Disk:
        """The working disk with the most room, the first of equals. Raises :class:`DiskFull`."""
        emptiest, most_bytes = None, length_bytes - 1
        for disk in self.machine.disks:
            free_bytes = disk.free_bytes
            if free_bytes > most_bytes:
                emptiest, most_bytes = disk, free_bytes
        if emptiest is None:
            raise DiskFull(f"no disk of {self.machine.name} has {length_bytes} bytes left")
        return emptiest

    def disks_for(self, lengths: Ints) -> Ints | None:
        """A disk for each of many replicas, the emptiest at its turn; None when they do not all fit."""
        free = {disk.index: disk.free_bytes for disk in self.machine.disks if not disk.failed}
        chosen = np.empty(len(lengths), dtype=np.int64)
        for row, length_bytes in enumerate(lengths.tolist()):
            disk = max(free, key=lambda index: free[index], default=None)
            if disk is None or free[disk] < length_bytes:
                return None
            free[disk] -= length_bytes
            chosen[row] = disk
        return chosen

    def extend(self, chunk: int, version: int, disk: Disk, extents: tuple[Extent, ...]) -> int:
        """Add synced extents, for which room was taken; returns the new length."""
        replica = self.store.get(chunk)
        if replica is not None and not replica.length_bytes and replica.disk != disk.index:
            self.store.put(chunk, Replica(version, disk.index, (), checksum(())))
        length_bytes = self.store.extend(chunk, version, disk.index, extents)
        self.on_change()
        return length_bytes

    def take_version(self, chunk: int, version: int, floor: int) -> int | None:
        """Go on as ``version`` (version 1 makes an empty replica); the length, or None when it cannot be.

        A replica older than ``floor`` has missed a version that was granted.
        """
        if chunk in self._set_aside:
            return None
        if version == 1 and self.store.get(chunk) is None:
            self.store.put(chunk, Replica(1, self.emptiest_disk(0).index, (), checksum(())))
        length_bytes = self.store.raise_version(chunk, version, floor)
        self.on_change()
        return length_bytes

    def put_clone(
        self, chunk: int, version: int, disk: Disk, extents: tuple[Extent, ...], crc: int, *, known: bool = False
    ) -> None:
        """Keep a replica that was copied from elsewhere, for which room was taken.

        ``known``: the master learns of it at this instant, so that no report need tell.
        """
        old = self.store.get(chunk)
        if old is not None:
            self.machine.disks[old.disk].release(old.length_bytes)
        self._set_aside.pop(chunk, None)
        self.store.put(chunk, Replica(version, disk.index, extents, crc))
        if not known:
            self.on_change()

    def change_disk(self, chunk: int, disk: Disk) -> None:
        """The replica lies on another disk of this machine now, where room was taken for it."""
        freed_bytes, old = self.store.change_disk(chunk, disk.index)
        self.machine.disks[old].release(freed_bytes)

    def drop(self, chunks: Ints) -> None:
        """Remove replicas and free their space."""
        self.on_drop(chunks)
        for disk, freed_bytes in self.store.drop_many(chunks).items():
            self.machine.disks[disk].release(freed_bytes)
        if self._set_aside:
            for chunk in chunks.tolist():
                self._set_aside.pop(chunk, None)

    def add_rows(self, chunks: Ints, versions: Ints, lengths: Ints, disks: Ints) -> None:
        """Take in many replicas with the dataset's content; takes their space."""
        self.store.add_rows(chunks, versions, lengths, disks)
        by_disk = np.bincount(disks, weights=lengths).astype(np.int64)
        for disk in np.flatnonzero(by_disk).tolist():
            self.machine.disks[disk].allocate(int(by_disk[disk]))

    def fill(self, chunks: Ints, lengths: Ints) -> None:
        """Take in a dataset's replicas, on the disks in turn where that fits. Raises :class:`DiskFull`."""
        in_turn = np.arange(len(chunks), dtype=np.int64) % max(1, len(self.machine.disks))
        by_disk = np.bincount(in_turn, weights=lengths, minlength=len(self.machine.disks))
        fits = all(taken <= disk.free_bytes for taken, disk in zip(by_disk, self.machine.disks, strict=False))
        disks = in_turn if fits else self.disks_for(lengths)
        if disks is None:
            raise DiskFull(f"{int(lengths.sum())} bytes in {len(lengths)} replicas do not fit on {self.machine.name}")
        self.add_rows(chunks, np.ones(len(chunks), dtype=np.int64), lengths, disks)

    # Disks

    def disk_lost(self, disk: Disk) -> int:
        """A disk has failed for good; returns how many replicas were on it."""
        chunks = self.store.lose_disk(disk.index)
        for chunk in chunks.tolist() if self._set_aside else ():
            self._set_aside.pop(chunk, None)
        self.on_disk_lost(disk, chunks)
        return len(chunks)

    def damage(self, chunk: int) -> None:
        """The replica's bytes have changed, or cannot be read any more; nobody knows it yet."""
        self._damaged[chunk] = None
        self.on_damage(chunk)

    def damaged_chunks(self) -> list[int]:
        """Chunks whose replica here is damaged and was not found yet."""
        return [chunk for chunk in self._damaged if chunk not in self._set_aside and not self._sound(chunk)]

    def _sound(self, chunk: int) -> bool:
        replica = self.store.get(chunk)
        return replica is None or replica.sound


class ContentsOfDisk:
    """What lies on one disk, as the disk's failures see it (the port ``DiskContents``)."""

    def __init__(self, keeper: ReplicaKeeper, disk: Disk) -> None:
        self._keeper = keeper
        self._disk = disk

    def rot(self, uniform: float) -> str | None:
        """Silently change the bytes of the replica at quantile ``uniform``."""
        chunk, extents = self._at(uniform)
        if not extents:
            return None
        self._keeper.store.rot(chunk, uniform)
        self._keeper.damage(chunk)
        return f"chunk {chunk}"

    def sector_error(self, uniform: float) -> str | None:
        """Make a sector of the replica at quantile ``uniform`` unreadable."""
        chunk = self._keeper.store.at_quantile(uniform, self._disk.index)
        if chunk is None:
            return None
        self._keeper.store.make_unreadable(chunk)
        self._keeper.damage(chunk)
        return f"chunk {chunk}"

    def lose_write(self, uniform: float) -> str | None:
        """One extent of the replica at quantile ``uniform`` has never been written."""
        chunk, extents = self._at(uniform)
        if not extents:
            return None
        hit = int(uniform * len(extents))
        self._alter(chunk, unwritten(extents, hit, hit + 1))
        return f"chunk {chunk}"

    def misdirect(self, meant: float, hit: float) -> str | None:
        """The last extent of one replica was written over one of another; None when there are no two on the disk."""
        chunk, extents = self._at(meant)
        chunks = self._keeper.store.on_disk(self._disk.index).tolist()
        first = int(hit * len(chunks))
        # The first after the draw that is another one, and not empty.
        others = (one for one in (*chunks[first:], *chunks[:first]) if one != chunk and self._extents(one))
        victim = next(others, None) if extents else None
        if victim is None:
            return None
        struck = self._extents(victim)
        self._alter(victim, overwritten(struck, int(hit * len(struck)), extents[-1]))
        self._alter(chunk, unwritten(extents, len(extents) - 1, len(extents)))
        return f"chunks {chunk} and {victim}"

    def go_stale(self, uniform: float, depth: float) -> tuple[str | None, Callable[[], None]]:
        """The replica at quantile ``uniform`` reads as it was before its last writes, as many as ``depth`` draws."""
        chunk, extents = self._at(uniform)
        if not extents:
            return None, _nothing
        stale = unwritten(extents, int(depth * len(extents)), len(extents))
        self._alter(chunk, stale)

        def end() -> None:
            replica = self._keeper.store.get(chunk)
            # A replica that was restored meanwhile has right bytes already.
            if replica is not None and replica.disk == self._disk.index and replica.extents == stale:
                self._keeper.store.alter(chunk, extents)

        return f"chunk {chunk}", end

    def _at(self, uniform: float) -> tuple[int, tuple[Extent, ...]]:
        chunk = self._keeper.store.at_quantile(uniform, self._disk.index)
        return (-1, ()) if chunk is None else (chunk, self._extents(chunk))

    def _extents(self, chunk: int) -> tuple[Extent, ...]:
        replica = self._keeper.store.get(chunk)
        return () if replica is None else replica.extents

    def _alter(self, chunk: int, extents: tuple[Extent, ...]) -> None:
        self._keeper.store.alter(chunk, extents)
        self._keeper.damage(chunk)

    def lost(self) -> int:
        """The disk has failed, or was emptied, with all that it held."""
        return self._keeper.disk_lost(self._disk)


def _nothing(*_: object) -> None:
    """Nobody listens."""
