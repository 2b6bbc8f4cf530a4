"""A journal: an append-only log on a disk, whose records survive a crash from the moment they are synced.

What is appended is in the hands of the operating system at once: the death of the process that wrote it takes
nothing away. The machine's crash loses the tail that no finished sync covers, or leaves a drawn part of it, when the
disk tears what it writes. The failure of the disk loses all. The head can be cut, when something durable stands for it.

Each record carries a sequence number and a checksum, so each has a fate on the medium: whole, torn (its checksum
fails) or missing (a gap in the numbers). Reading stops at the first that is not whole. The journal's header, which
every sync writes too, says how many records were durable; so damage below that, of which somebody may have been told,
is known from a tail that a crash has torn, of which nobody was (:attr:`Journal.is_damaged`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from feitian_sim.kernel import Owner, Stream

if TYPE_CHECKING:
    from feitian_sim.hardware.disk import Disk

#: What is wrong with a record on the medium; one that is whole has none.
Fate = Literal["torn", "missing"]


class Journal:
    """One named journal; :meth:`Disk.journal` makes it and finds it again after a restart."""

    __slots__ = ("_disk", "_fates", "_records", "_spoiled", "cut_count", "durable_count", "generation", "name")

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self.name = name
        self._records: list[object] = []
        # By sequence number, those that were cut counted; of damaged records only.
        self._fates: dict[int, Fate] = {}
        self._spoiled = False
        #: Records that a crash of the machine leaves. Invariant: 0 <= durable_count <= count.
        self.durable_count = 0
        #: Records that were cut from the head so far.
        self.cut_count = 0
        #: Grows when numbers are given anew, so that a sync begun before says nothing of what bears them now.
        self.generation = 0

    @property
    def count(self) -> int:
        """Records appended so far and not lost."""
        return len(self._records)

    def records(self) -> list[object]:
        """The records that can be read, in the order in which they were appended: up to the first damaged one."""
        return self._records[: self._readable_count] if self._fates else list(self._records)

    @property
    def is_damaged(self) -> bool:
        """Whether a record that had been durable cannot be read: somebody may have been told of it."""
        return self._spoiled or self._readable_count < self.durable_count

    @property
    def has_failed(self) -> bool:
        """Whether a sync has failed and taken some of the tail: whoever wrote it must not go on."""
        return any(number - self.cut_count >= self.durable_count for number in self._fates)

    def append(
        self, record: object, size_bytes: int, owner: Owner, callback: Callable[..., object] | None = None, *args: Any
    ) -> None:
        """Hand ``record`` to the operating system; ``callback(*args)`` when the disk's cache has it.

        A dead owner, a failed disk and a machine that is down append nothing. Raises :class:`DiskRefusal` when the
        disk takes no writes.
        """
        if not owner.alive or not self._disk.works:
            return
        self._disk.admit(size_bytes)
        self._records.append(record)
        self._disk.write(size_bytes, owner, callback, *args)

    def sync(self, owner: Owner, callback: Callable[..., object], *args: Any) -> None:
        """Make durable what was appended before; ``callback(*args)`` when it is.

        If the disk cannot, the process of ``owner`` stops (:meth:`Disk.sync`).
        """
        if self._fates and self.has_failed:
            # Another's sync has failed since; the system tells each who has the file open, once it asks.
            owner.call_later(0, self._disk.stop, owner, "sync")
        else:
            self._disk.sync(owner, self._synced, owner, callback, args)

    def _synced(self, owner: Owner, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self._fates and self.has_failed:
            # Another's sync came between, and took what this one was to make durable.
            self._disk.stop(owner, "sync")
        else:
            callback(*args)

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
        if self._fates:
            self._fates = {number: fate for number, fate in self._fates.items() if number >= self.cut_count}

    def truncate(self) -> None:
        """Forget the first damaged record and all after it, so that what is appended next can be read."""
        if self._fates:
            self._keep(self._readable_count)
            self.durable_count = min(self.durable_count, len(self._records))

    def begin_anew(self) -> None:
        """Replace a damaged journal by an empty one; until something in that is durable, the old one is what counts."""
        self.wipe()
        self._spoiled = True

    # For the disk

    @property
    def appended_count(self) -> int:
        """Records appended ever and not lost, those that were cut included."""
        return self.cut_count + len(self._records)

    def settle(self, count: int, generation: int) -> None:
        """A sync that covers the first ``count`` records, those that were cut included, has ended."""
        if generation != self.generation:
            return
        covered = min(count - self.cut_count, len(self._records))
        if self._fates:
            lost = [number - self.cut_count for number in self._fates]
            covered = min([covered, *(position for position in lost if position >= self.durable_count)])
        self.durable_count = max(self.durable_count, covered)
        if self.durable_count:
            self._spoiled = False

    def lose_unsynced(self, count: int, generation: int) -> None:
        """A sync of the first ``count`` records has failed: they count as clean now, and are not on the medium."""
        if generation == self.generation:
            for number in range(self.cut_count + self.durable_count, min(count, self.appended_count)):
                self._fates[number] = "missing"

    def lose(self, position: int) -> None:
        """The write of a durable record has never reached the medium; nobody knows."""
        assert 0 <= position < self.durable_count, f"record {position} of {self.name} is not durable"
        self._fates[self.cut_count + position] = "missing"

    def crash(self, tear: Stream | None = None) -> None:
        """The machine crashed: the tail that was not synced is gone, or what ``tear`` draws of it."""
        if tear is None:
            self._keep(self.durable_count)
            return
        self._tear(tear)
        readable = self._readable_count
        if readable > self.durable_count:
            # It is on the medium, where no later crash takes it.
            self.durable_count = readable

    def wipe(self) -> None:
        """The disk failed, or was emptied: all is gone."""
        self._records.clear()
        self._fates.clear()
        self._spoiled = False
        self.durable_count = 0
        self.generation += 1

    def _tear(self, tear: Stream) -> None:
        first = self.cut_count + self.durable_count
        tail = len(self._records) - self.durable_count
        if not tail:
            return
        fates: list[Fate | None]
        if tear.uniform() < 0.5:
            # Written in order: a prefix, and perhaps a part of the record that was under the head.
            whole = tear.integer(tail + 1)
            torn = tear.integer(2) == 1
            fates = [None if number < whole else "missing" for number in range(tail)]
            if torn and whole < tail:
                fates[whole] = "torn"
        else:
            # The disk orders its writes as it likes: any subset.
            options: tuple[Fate | None, ...] = (None, "torn", "missing")
            fates = [options[tear.integer(3)] for _ in range(tail)]
        for number, fate in enumerate(fates, first):
            if fate is not None and number not in self._fates:
                self._fates[number] = fate

    def _keep(self, count: int) -> None:
        if count < len(self._records):
            del self._records[count:]
            self.generation += 1
        if self._fates:
            self._fates = {number: fate for number, fate in self._fates.items() if number < self.cut_count + count}

    @property
    def _readable_count(self) -> int:
        return min(self._fates) - self.cut_count if self._fates else len(self._records)
