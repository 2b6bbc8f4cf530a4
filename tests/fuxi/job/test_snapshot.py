"""A job's snapshot: its bytes, and that of two lives only the later can write it (F10)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from job_bench import JobBench

from feitian_sim.fuxi.job.snapshot import Snapshot, TaskRecord, decoded, largest_bytes
from feitian_sim.fuxi.job.snapshot_file import SnapshotFile
from feitian_sim.kernel import SECOND


def _record(count: int, done: list[int], *, machines: bool = False, attempts: bool = False) -> TaskRecord:
    bits = np.zeros(count, dtype=np.bool_)
    bits[done] = True
    numbers = np.arange(count, dtype=np.int64) + 70_000
    return TaskRecord(bits, numbers if machines else None, numbers * 3 if attempts else None)


@pytest.mark.parametrize("machines", [False, True])
@pytest.mark.parametrize("attempts", [False, True])
@pytest.mark.parametrize("done", [[], [0], [3, 7, 8, 12], list(range(13))])
def test_a_snapshot_is_read_as_it_was_written(machines: bool, attempts: bool, done: list[int]) -> None:
    """Bitmaps, places and attempts, of several tasks, at every filling."""
    written = Snapshot(3001, 17, (_record(13, done, machines=machines, attempts=attempts), _record(1, [0])))
    data = written.encoded()
    read = decoded(data)
    assert (read.attempt, read.number, len(read.tasks)) == (3001, 17, 2)
    for one, other in zip(written.tasks, read.tasks, strict=True):
        assert np.array_equal(one.done, other.done)
        for mine, theirs in ((one.machines, other.machines), (one.attempts, other.attempts)):
            assert (mine is None) is (theirs is None)
            if mine is not None and theirs is not None:
                assert np.array_equal(mine[one.done], theirs[one.done])
    assert len(data) <= largest_bytes([(13, machines + attempts), (1, 0)])


def test_a_large_job_is_small_when_its_outputs_need_not_be_known() -> None:
    """A bit an instance: 100,000 of them take 12.5 kB; a finished task takes a few bytes."""
    half = Snapshot(1, 1, (_record(100_000, list(range(0, 100_000, 2))),))
    assert len(half.encoded()) < 12_600
    assert len(Snapshot(1, 1, (_record(100_000, list(range(100_000))),)).encoded()) < 32


class _Life:
    """One life's file."""

    def __init__(self, bench: JobBench, attempt: int) -> None:
        self.owner = bench.sim.owner(f"life-{attempt}")
        self.replaced = False
        self.saved: list[int] = []
        self.claimed: list[Snapshot | None] = []
        machine = bench.datacenter.machines[attempt % 2000]

        def client(number: int) -> Any:
            return bench.nuwa.client(self.owner, machine, f"life-{attempt}.{number}")

        self.file = SnapshotFile(self.owner, "job", attempt, client, self._was_replaced, SECOND)
        self.attempt = attempt

    def _was_replaced(self) -> None:
        self.replaced = True

    def write(self, number: int, done: list[int]) -> None:
        """Write its number-th snapshot."""
        snapshot = Snapshot(self.attempt, number, (_record(10, done),))
        self.file.write(snapshot, lambda: self.saved.append(number))


def test_f10_an_older_life_cannot_write_any_more_and_stops() -> None:
    """The later life claims what is there; what the older one tries after that changes nothing."""
    bench = JobBench()
    first, second = _Life(bench, 1), _Life(bench, 2001)
    first.file.open(lambda: first.write(1, [0, 1]))
    bench.sim.run_until(2 * SECOND)
    assert first.saved == [1]
    second.file.open(lambda: second.file.claim(second.claimed.append))
    bench.sim.run_until(4 * SECOND)
    (claimed,) = second.claimed
    assert claimed is not None
    assert np.flatnonzero(claimed.tasks[0].done).tolist() == [0, 1]
    first.write(2, [0, 1, 2])
    second.write(2, [0, 1, 5])
    bench.sim.run_until(6 * SECOND)
    assert first.replaced
    assert first.saved == [1]
    assert second.saved == [2]
    third = _Life(bench, 2002)
    third.file.open(lambda: third.file.claim(third.claimed.append))
    bench.sim.run_until(8 * SECOND)
    assert third.claimed[0] is not None
    assert np.flatnonzero(third.claimed[0].tasks[0].done).tolist() == [0, 1, 5]


def test_f10_what_is_written_between_reading_and_claiming_is_read_again() -> None:
    """The claim goes under the version that was read: if the older life was faster, its write counts."""
    for delay_ns in range(0, 60_000_000, 2_000_000):
        bench = JobBench()
        first, second = _Life(bench, 1), _Life(bench, 2)
        first.file.open(lambda first=first: first.write(1, [0]))  # type: ignore[misc]
        bench.sim.run_until(2 * SECOND)
        second.file.open(lambda second=second: second.file.claim(second.claimed.append))  # type: ignore[misc]
        bench.sim.call_later(delay_ns, first.write, 2, [0, 1])
        bench.sim.run_until(5 * SECOND)
        (claimed,) = second.claimed
        assert claimed is not None
        has = np.flatnonzero(claimed.tasks[0].done).tolist()
        # Either the write was acknowledged and is in the claim, or the writer knows that it was replaced.
        assert has == ([0, 1] if 2 in first.saved else has)
        assert first.replaced is (2 not in first.saved)


def test_a_lost_session_leaves_no_doubt() -> None:
    """Nuwa is out of reach while a snapshot is written: it gets there once, under the right version."""
    bench = JobBench()
    life = _Life(bench, 1)
    life.file.open(lambda: life.write(1, [0]))
    bench.sim.run_until(2 * SECOND)
    machine = bench.datacenter.machines[1]
    life.write(2, [0, 1])
    bench.datacenter.network.set_link(f"{machine.name}/nic", up=False)
    bench.sim.call_later(40 * SECOND, bench.datacenter.network.set_link, f"{machine.name}/nic")
    bench.sim.run_until(90 * SECOND)
    assert life.saved == [1, 2]
    life.write(3, [0, 1, 2])
    bench.sim.run_until(95 * SECOND)
    assert life.saved == [1, 2, 3]
    assert not life.replaced
