"""A journal: an append-only log on a disk, whose records survive a crash from the moment they are synced.

What is appended is in the hands of the operating system at once: the death of the process that wrote it takes
nothing away. The machine's crash loses the tail that no finished sync covers; a record torn by the crash fails its
checksum when the log is read again, so it is gone too. The failure of the disk loses all.
The head can be cut, when something durable stands for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from feitian_sim.kernel import Owner

if TYPE_CHECKING:
    from feitian_sim.hardware.disk import Disk


class Journal:
    """One named journal; :meth:`Disk.journal` makes it and finds it again after a restart."""

    __slots__ = ("_disk", "_records", "cut_count", "durable_count", "name")

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self.name = name
        self._records: list[object] = []
        #: Records that a crash of the machine leaves. Invariant: 0 <= durable_count <= count.
        self.durable_count = 0
        #: Records that were cut from the head so far.
        self.cut_count = 0

    @property
    def count(self) -> int:
        """Records appended so far and not lost."""
        return len(self._records)

    def records(self) -> list[object]:
        """The records that are there, in the order in which they were appended."""
        return list(self._records)

    def append(
        self, record: object, size_bytes: int, owner: Owner, callback: Callable[..., object] | None = None, *args: Any
    ) -> None:
        """Hand ``record`` to the operating system; ``callback(*args)`` when the disk's cache has it.

        A dead owner, a failed disk and a machine that is down append nothing.
        """
        if not owner.alive or not self._disk.works:
            return
        self._records.append(record)
        self._disk.write(size_bytes, owner, callback, *args)

    def sync(self, owner: Owner, callback: Callable[..., object], *args: Any) -> None:
        """Make durable what was appended before; ``callback(*args)`` when it is."""
        self._disk.sync(owner, callback, *args)

    def found(self, records: Iterable[object]) -> None:
        """Put records into an empty journal that are durable from the beginning, as if written long ago."""
        assert not self._records, f"{self.name} has been written"
        self._records.extend(records)
        self.durable_count = len(self._records)

    def cut(self, count: int) -> None:
        """Forget the first ``count`` records, all of them durable."""
        assert 0 <= count <= self.durable_count, f"{count} of {self.durable_count} durable records of {self.name} cut"
        del self._records[:count]
        self.durable_count -= count
        self.cut_count += count

    # For the disk

    @property
    def appended_count(self) -> int:
        """Records appended ever and not lost, those that were cut included."""
        return self.cut_count + len(self._records)

    def settle(self, count: int) -> None:
        """A sync that covers the first ``count`` records, those that were cut included, has ended."""
        self.durable_count = max(self.durable_count, min(count - self.cut_count, len(self._records)))

    def crash(self) -> None:
        """The machine crashed: the tail that was not synced is gone."""
        del self._records[self.durable_count :]

    def wipe(self) -> None:
        """The disk failed: all is gone."""
        self._records.clear()
        self.durable_count = 0
