"""What a member keeps on its disk: the journal of its records and the snapshots, with group commit.

While one sync runs, whatever is written waits for the next: the disk decides how much goes together. The journal is cut
only at a record that is durable and stands for all before it.

A tail that a crash tore off is normal: nobody was told of it. If a record that had been durable cannot be read, nobody
knows what else was promised: both journals begin anew, and the member is one that has lost its disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.hardware import Disk, DiskRefusal
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.paxos import Record, Snapshot


class StableStore:
    """One incarnation's view of a member's journal and snapshots.

    ``on_durable(count)`` is called when the first ``count`` records of this incarnation are durable.
    """

    __slots__ = (
        "_before",
        "_cuts",
        "_journal",
        "_on_durable",
        "_on_sync",
        "_owner",
        "_sim",
        "_since_ns",
        "_snapshots",
        "_syncing",
        "disk",
        "durable",
        "snapshot",
        "was_damaged",
        "written",
    )

    def __init__(
        self,
        sim: Simulation,
        owner: Owner,
        disk: Disk,
        name: str,
        on_durable: Callable[[int], object],
        on_sync: Callable[[int, int], object],
    ) -> None:
        self._sim = sim
        self._owner = owner
        self.disk = disk
        self._journal = disk.journal(f"{name}.log")
        self._snapshots = disk.journal(f"{name}.snapshots")
        self._on_durable = on_durable
        self._on_sync = on_sync
        #: Records of this incarnation, and those of them that are durable.
        self.written = 0
        self.durable = 0
        #: The newest snapshot that :meth:`kept` has found.
        self.snapshot: Snapshot | None = None
        #: Whether something durable could not be read: this member votes no more.
        self.was_damaged = self._journal.is_damaged or self._snapshots.is_damaged
        if self.was_damaged:
            self._journal.begin_anew()
            self._snapshots.wipe()
        else:
            self._journal.truncate()
            self._snapshots.truncate()
        self._before = self._journal.appended_count
        self._syncing = False
        self._since_ns = 0
        self._cuts: list[int] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there: the disk is new, or was lost."""
        return not self._journal.count and not self._snapshots.count

    def found(self, records: tuple[Record, ...]) -> None:
        """Put there what a founding member begins with."""
        self._journal.found(records)
        self._before = self._journal.appended_count

    def kept(self) -> tuple[list[Any], Snapshot | None]:
        """What a restart finds: the records, and the newest snapshot."""
        snapshots: list[Any] = self._snapshots.records()
        self.snapshot = max(snapshots, key=lambda one: one.index) if snapshots else None
        return self._journal.records(), self.snapshot

    def sync_kept(self, callback: Callable[..., object], *args: Any) -> None:
        """Make durable what a restart has found; ``callback(*args)`` when it is."""
        self._journal.sync(self._owner, callback, *args)

    def write(self, record: Record) -> None:
        """Append a record; :meth:`sync` makes it durable. A disk that refuses it ends the process."""
        try:
            self._journal.append(record, record.size_bytes, self._owner)
        except DiskRefusal:
            self.disk.stop(self._owner, "write")
        self.written += 1

    def sync(self) -> None:
        """See to it that everything written becomes durable."""
        if self._syncing or self.durable == self.written:
            return
        self._syncing = True
        self._since_ns = self._sim.now
        self._journal.sync(self._owner, self._synced, self.written)

    def _synced(self, covered: int) -> None:
        fresh = covered - self.durable
        self.durable = covered
        self._syncing = False
        self.sync()
        while self._cuts and self._cuts[0] <= covered:
            self._cut(self._cuts.pop(0))
        self._on_sync(fresh, self._since_ns)
        self._on_durable(covered)

    def cut_before(self, record: int) -> None:
        """Forget what was written before record ``record`` of this incarnation, once that one is durable."""
        if record <= self.durable:
            self._cut(record)
        else:
            self._cuts.append(record)

    def _cut(self, record: int) -> None:
        count = self._before + record - 1 - self._journal.cut_count
        if 0 < count <= self._journal.durable_count:
            self._journal.cut(count)

    def save(self, snapshot: Snapshot, on_saved: Callable[[Snapshot], object]) -> None:
        """Write a snapshot and sync it; older ones are dropped then."""
        try:
            self._snapshots.append(snapshot, snapshot.size_bytes, self._owner)
        except DiskRefusal:
            self.disk.stop(self._owner, "write")
            return
        self._snapshots.sync(self._owner, self._saved, snapshot, on_saved)

    def _saved(self, snapshot: Snapshot, on_saved: Callable[[Snapshot], object]) -> None:
        kept: list[Any] = self._snapshots.records()
        if snapshot in kept:
            self._snapshots.cut(kept.index(snapshot))
        on_saved(snapshot)
