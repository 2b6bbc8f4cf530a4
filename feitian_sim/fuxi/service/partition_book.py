"""The ServiceMaster's book of partitions: what it wants to be so, and what the file in Nuwa says already.

Nobody is told of an owner, a token or a split that is not durable: a successor that reads the file must know of every
worker that may have a partition. And nothing is done to a partition whose row is not as the file has it.
"""

from __future__ import annotations

from dataclasses import replace

from feitian_sim.fuxi.service.messages import Row
from feitian_sim.fuxi.service.table import NOBODY, Partition, Table


class PartitionBook:
    """The partitions of one service, for one life (``attempt``) of its master."""

    def __init__(self, table: Table, attempt: int) -> None:
        self.attempt = attempt
        self.keys = table.keys
        self.rows: dict[int, Partition] = {one.number: one for one in table.partitions}
        self.durable: dict[int, Partition] = dict(self.rows)
        self._last = table.last
        self._token = table.token
        self._number = table.number
        self._saving: dict[int, Partition] | None = None
        self.dirty = False
        #: Partitions that their owner is to let go of, and whom they are meant for then.
        self.leaving: dict[int, int] = {}
        #: Partitions that are nobody's.
        self.free: dict[int, None] = {one.number: None for one in table.partitions if one.worker == NOBODY}

    def is_settled(self, number: int) -> bool:
        """Whether the file says the same, and nothing is under way with it."""
        row = self.rows.get(number)
        return row is not None and row == self.durable.get(number) and number not in self.leaving

    def of(self, worker: int) -> list[Partition]:
        """What is a worker's."""
        return [row for row in self.rows.values() if row.worker == worker]

    def counts(self) -> dict[int, int]:
        """How many partitions each worker has, or is to get."""
        found: dict[int, int] = {}
        for row in self.rows.values():
            worker = self.leaving.get(row.number, row.worker)
            found[worker] = found.get(worker, 0) + 1
        return found

    def _next_token(self) -> int:
        self._token += 1
        return self._token

    def give(self, number: int, worker: int, machine: str) -> Partition:
        """It is that worker's from now on, under a new token; whoever had it has certainly let go."""
        self.leaving.pop(number, None)
        self.free.pop(number, None)
        row = replace(self.rows[number], worker=worker, machine=machine, token=self._next_token())
        self.rows[number] = row
        self.dirty = True
        return row

    def let_go(self, number: int) -> None:
        """Whoever had it certainly has it no more."""
        self.leaving.pop(number, None)
        self.rows[number] = replace(self.rows[number], worker=NOBODY, machine="")
        self.free[number] = None
        self.dirty = True

    def split(self, number: int, middle: int) -> tuple[Partition, Partition]:
        """Make two of it, both its owner's, under new tokens."""
        assert self.is_settled(number), f"partition {number} is not settled"
        row = self.rows.pop(number)
        assert row.low < middle < row.high, f"{middle} does not split {row}"
        first = replace(row, number=self._last + 1, high=middle, token=self._next_token())
        second = replace(row, number=self._last + 2, low=middle, token=self._next_token())
        self._last += 2
        self.rows[first.number], self.rows[second.number] = first, second
        self.dirty = True
        return first, second

    def for_worker(self, worker: int) -> tuple[Row, ...]:
        """What a worker may be told to hold: what the file says is its, and is not to be another's.

        One that is split stays its own until the file has the halves.
        """
        return tuple(
            Row(row.number, row.low, row.high, row.token)
            for row in self.durable.values()
            if row.worker == worker
            and row.number not in self.leaving
            and self.rows.get(row.number, row) == row
            and (row.number in self.rows or not self._halves_left(row))
        )

    def _halves_left(self, split: Partition) -> bool:
        """Whether a half of a partition that was split is another's already."""
        return any(
            row.worker != split.worker for row in self.rows.values() if split.low <= row.low and row.high <= split.high
        )

    def begin_save(self) -> Table:
        """What is to be written now."""
        assert self._saving is None, "one write at a time"
        self.dirty = False
        self._saving = dict(self.rows)
        self._number += 1
        rows = tuple(sorted(self.rows.values(), key=lambda row: row.low))
        return Table(self.attempt, self._number, self._last, self._token, self.keys, rows)

    def saved(self) -> dict[int, None]:
        """It is written; the workers of which rows have changed."""
        assert self._saving is not None, "nothing was being written"
        before, self.durable, self._saving = self.durable, self._saving, None
        changed: dict[int, None] = {}
        for number, row in self.durable.items():
            if before.get(number) != row:
                changed[row.worker] = None
        for number, row in before.items():
            if self.durable.get(number) != row:
                changed[row.worker] = None
        changed.pop(NOBODY, None)
        return changed
