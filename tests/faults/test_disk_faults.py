"""Faults of disks that work, in a running simulation: what they do to journals, to space, to IO."""

from __future__ import annotations

from typing import Any

import pytest
from test_fault_wiring import Bench

from feitian_sim.hardware import Disk, DiskFull, DiskReadOnly, Journal
from feitian_sim.kernel import MILLISECOND, SECOND, Owner, Simulation

DISK = "r0/m0/d0"


def fault(kind: str, at: str = "1s", **rest: Any) -> dict[str, Any]:
    return {"kind": f"disk-{kind}", "at": at, "target": {"disk": DISK}, **rest}


CRASH = {"kind": "machine-crash", "at": "5s", "duration": "1s", "target": {"machine": "r0/m0"}}


class Writer:
    """A bench whose first disk has a journal: ``synced`` records are durable by 1 s, ``unsynced`` come at 4 s."""

    def __init__(self, *faults: dict[str, Any], synced: int = 3, unsynced: int = 0, seed: int = 1) -> None:
        self.bench = Bench(*faults, seed=seed)
        self.sim: Simulation = self.bench.sim
        self.disk: Disk = self.bench.datacenter.disk(DISK)
        self.journal: Journal = self.disk.journal("log")
        self.synced: list[float] = []
        self.append(synced)
        self.sync()
        self.sim.call_at(4 * SECOND, self.append, unsynced)

    @property
    def owner(self) -> Owner:
        return self.bench.daemons[0].owner

    def append(self, count: int) -> None:
        for _ in range(count):
            self.journal.append(self.journal.appended_count, 100, self.owner)

    def sync(self) -> None:
        self.journal.sync(self.owner, lambda: self.synced.append(self.sim.now / SECOND))

    def run(self, until_s: float) -> Writer:
        self.sim.run_until(int(until_s * SECOND))
        return self


def test_a_torn_tail_is_a_drawn_part_of_it_and_never_damages_what_was_durable() -> None:
    kept, torn = [], 0
    for seed in range(60):
        writer = Writer(fault("torn"), CRASH, synced=2, unsynced=4, seed=seed).run(7)
        journal = writer.journal
        read = journal.records()
        assert read == list(range(len(read)))
        assert len(read) >= 2
        assert not journal.is_damaged
        torn += journal.count > len(read)
        journal.truncate()
        assert journal.count == journal.durable_count == len(read)
        kept.append(len(read))
    assert set(kept) == {2, 3, 4, 5, 6}
    assert torn > 10


@pytest.mark.parametrize("faults", [[CRASH], [fault("torn", duration="2s"), CRASH]])
def test_without_the_fault_a_crash_takes_the_whole_tail(faults: list[dict[str, Any]]) -> None:
    assert Writer(*faults, synced=2, unsynced=4).run(7).journal.records() == [0, 1]


def test_what_a_torn_crash_left_survives_the_next_crash() -> None:
    again = {**CRASH, "at": "10s"}
    for seed in range(20):
        writer = Writer(fault("torn", duration="5s"), CRASH, again, unsynced=4, seed=seed)
        left = writer.run(7).journal.records()
        assert writer.run(12).journal.records() == left


def test_a_lost_write_is_a_gap_that_only_reading_finds() -> None:
    writer = Writer(fault("lost-write"), synced=5).run(3)
    read = writer.journal.records()
    assert len(read) < 5 == writer.journal.count
    assert writer.journal.is_damaged
    (what,) = writer.bench.tables.columns("hardware.disk_damaged")["what"].tolist()
    assert what == f"record {len(read)} of log"


def test_a_lost_last_record_is_missed_too_and_one_that_was_cut_is_not() -> None:
    writer = Writer(synced=5).run(1)
    writer.journal.lose(4)
    assert writer.journal.is_damaged
    writer.journal.cut(5)
    assert not writer.journal.is_damaged


def test_a_damaged_journal_that_begins_anew_counts_as_damaged_until_something_is_durable() -> None:
    writer = Writer(fault("lost-write"), synced=5).run(3)
    writer.journal.begin_anew()
    writer.append(1)
    writer.journal.crash()
    assert writer.journal.is_damaged
    writer.append(1)
    writer.sync()
    writer.run(4)
    assert not writer.journal.is_damaged
    assert writer.journal.durable_count == 1


def test_after_a_failed_sync_the_process_begins_again_without_the_tail() -> None:
    writer = Writer(fault("fsync-fail"), unsynced=2)
    before = writer.run(4.5).owner
    writer.sync()
    writer.run(4.55)
    assert not before.alive
    assert len(writer.synced) == 1
    assert writer.journal.records() == [0, 1, 2]
    assert not writer.journal.is_damaged
    writer.run(5)
    assert writer.bench.daemons[0].incarnation == 2
    writer.journal.truncate()
    writer.append(1)
    writer.sync()
    writer.run(6)
    assert writer.journal.durable_count == 4
    assert len(writer.synced) == 2
    assert writer.bench.tables.columns("hardware.io_failed")["what"].tolist() == ["sync"]


def test_a_sync_that_failed_for_another_fails_for_all_who_had_written() -> None:
    writer = Writer(fault("fsync-fail"), unsynced=1).run(4.5)
    other = writer.sim.owner("other")
    writer.disk.sync(other, pytest.fail, "it fails")
    writer.run(4.6)
    assert (other.alive, writer.owner.alive) == (False, True)
    writer.disk.sync(writer.sim.owner("third"), lambda: None)
    writer.run(4.7)
    assert writer.journal.durable_count == 3
    before = writer.owner
    writer.sync()
    writer.run(4.75)
    assert not before.alive


def test_a_sync_that_waits_behind_one_that_fails_fails_too_if_its_records_were_taken() -> None:
    writer = Writer(fault("fsync-fail"), unsynced=1).run(4.5)
    before = writer.owner
    other = writer.sim.owner("other")
    writer.disk.sync(other, pytest.fail, "it fails")
    writer.sync()
    writer.run(4.55)
    assert (other.alive, before.alive) == (False, False)
    assert (len(writer.synced), writer.journal.durable_count) == (1, 3)
    assert not writer.journal.is_damaged


def test_a_process_that_was_started_and_killed_meanwhile_is_not_started_again() -> None:
    writer = Writer().run(2)
    daemon = writer.bench.daemons[0]
    daemon.machine.fail_stop(daemon.owner)
    daemon.start()
    daemon.kill()
    writer.run(10)
    assert not daemon.alive


def test_a_process_that_stops_again_and_again_is_started_later_and_later() -> None:
    writer = Writer()
    daemon = writer.bench.daemons[0]
    lives = []
    for _ in range(4):
        daemon.machine.fail_stop(daemon.owner)
        since = writer.sim.now
        while not daemon.alive:
            writer.sim.run_until(writer.sim.now + 10 * MILLISECOND)
        lives.append((writer.sim.now - since) // (100 * MILLISECOND))
    assert lives == [1, 2, 4, 8]


def test_a_full_disk_refuses_writes_harms_nothing_and_goes_on() -> None:
    writer = Writer(fault("full", free="1kB", duration="5s"))
    writer.disk.allocate(10**9)
    writer.run(2)
    assert writer.disk.free_bytes == 1000
    with pytest.raises(DiskFull):
        writer.disk.allocate(1001)
    with pytest.raises(DiskFull):
        writer.journal.append("large", 1001, writer.owner)
    writer.disk.allocate(1000)
    with pytest.raises(DiskFull):
        writer.append(1)
    assert writer.run(7).disk.free_bytes == writer.disk.capacity_bytes - 10**9 - 1000
    writer.append(1)
    assert writer.journal.count == 4


def test_a_disk_that_is_full_already_absorbs() -> None:
    bench = Writer(fault("full", free="1kB"), fault("full", at="2s", free="2kB")).run(3).bench
    assert bench.tables.columns("faults.absorbed")["why"].tolist() == ["the disk had less left already"]


def test_io_on_a_hung_disk_ends_when_it_goes_on() -> None:
    writer = Writer(fault("hang", duration="5s"), fault("hang", at="3s", duration="5s"), unsynced=1)
    ended: list[float] = []
    writer.run(4.5)
    writer.sync()
    writer.disk.read(100, writer.owner, lambda: ended.append(writer.sim.now / SECOND))
    writer.run(7.9)
    assert (len(writer.synced), ended, writer.owner.alive) == (1, [], True)
    writer.run(9)
    assert len(writer.synced) == 2
    assert 8 < ended[0] < 8.1


def test_a_crash_takes_what_hangs() -> None:
    writer = Writer(fault("hang", at="4.5s", duration="5s"), CRASH, unsynced=1).run(4.4)
    writer.sync()
    writer.run(4.6)
    writer.sync()
    writer.run(12)
    assert len(writer.synced) <= 2
    writer.sync()
    assert len(writer.run(13).synced) >= 2


def test_a_share_of_io_fails_and_whoever_asked_stops() -> None:
    writer = Writer(fault("io-error", share=0.3, duration="50s"))
    alive = []
    writer.run(2)
    for number in range(100):
        owner = writer.sim.owner(f"reader{number}")
        writer.disk.read(100, owner, lambda: None)
        writer.run(2.1 + number * 0.1)
        alive.append(owner.alive)
    assert 55 < sum(alive) < 85


def test_a_readonly_disk_takes_no_writes_and_gives_what_it_has() -> None:
    writer = Writer(fault("readonly", duration="5s")).run(2)
    with pytest.raises(DiskReadOnly):
        writer.disk.allocate(1)
    with pytest.raises(DiskReadOnly):
        writer.append(1)
    read: list[int] = []
    writer.disk.read(100, writer.owner, read.append, 1)
    assert writer.run(3).journal.records() == [0, 1, 2]
    assert read == [1]
    writer.run(7).append(1)
    writer.sync()
    assert writer.run(8).journal.durable_count == 4


@pytest.mark.parametrize("at", ["2s", "5.5s"])
def test_a_wiped_disk_is_empty_from_the_crash_on_and_works(at: str) -> None:
    writer = Writer(fault("wiped", at=at), CRASH)
    writer.disk.allocate(1000)
    writer.run(4.9)
    assert (writer.disk.used_bytes, writer.journal.count) == (1000, 3)
    writer.run(7)
    assert (writer.disk.used_bytes, writer.disk.machine.used_bytes, writer.journal.count) == (0, 0, 0)
    assert not writer.disk.failed
    assert not writer.journal.is_damaged
    writer.append(1)
    writer.sync()
    assert writer.run(8).journal.durable_count == 1


KINDS = ("torn", "lost-write", "fsync-fail", "full", "hang", "readonly", "wiped", "misdirect", "stale-read")


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_disk_absorbs_all_of_them(kind: str) -> None:
    fail = {"kind": "disk-fail", "at": "1s", "replace_after": None, "target": {"disk": DISK}}
    bench = Writer(fail, fault(kind, at="2s")).run(3).bench
    assert bench.tables.columns("faults.absorbed")["why"].tolist() == ["the disk had failed already"]


@pytest.mark.parametrize("kind", ["lost-write", "misdirect", "stale-read"])
def test_an_empty_disk_absorbs_what_needs_something_stored(kind: str) -> None:
    bench = Writer(fault(kind, at="2s"), synced=0).run(3).bench
    assert len(bench.tables.columns("faults.absorbed")["why"]) == 1
