"""Journals: what survives the death of a process, of a machine and of a disk."""

from __future__ import annotations

import pytest

from feitian_sim.hardware import ClusterConfig, DataCenter, Journal, Machine, MachineConfig
from feitian_sim.kernel import MILLISECOND, Owner, Simulation


@pytest.fixture
def machine(sim: Simulation) -> Machine:
    cluster = ClusterConfig(racks=1, machines_per_rack=1, machine=MachineConfig(disks=1, disk="hdd-2tb"))
    return DataCenter(sim, cluster).machines[0]


@pytest.fixture
def journal(machine: Machine) -> Journal:
    return machine.disks[0].journal("log")


@pytest.fixture
def owner(sim: Simulation) -> Owner:
    return sim.owner("master")


def nothing() -> None:
    """A callback for what needs none."""


def append(journal: Journal, owner: Owner, *records: object) -> None:
    for record in records:
        journal.append(record, 100, owner, nothing)


def test_crash_loses_exactly_the_unsynced_tail(sim: Simulation, machine: Machine, journal: Journal, owner: Owner) -> None:
    append(journal, owner, "a", "b")
    journal.sync(owner, nothing)
    sim.run()
    append(journal, owner, "c")
    assert journal.records() == ["a", "b", "c"]
    machine.crash("test")
    machine.restart()
    assert machine.disks[0].journal("log").records() == ["a", "b"]


def test_process_kill_loses_nothing(sim: Simulation, machine: Machine, journal: Journal, owner: Owner) -> None:
    append(journal, owner, "a", "b")
    owner.kill()
    assert machine.disks[0].journal("log").records() == ["a", "b"]


def test_a_sync_that_a_crash_catches_makes_nothing_durable(
    sim: Simulation, machine: Machine, journal: Journal, owner: Owner
) -> None:
    append(journal, owner, "a")
    journal.sync(owner, pytest.fail, "the crash came first")
    sim.call_later(MILLISECOND, machine.crash, "test")
    sim.run()
    assert journal.records() == []


def test_a_sync_covers_what_was_appended_before_its_turn_and_no_more(
    sim: Simulation, machine: Machine, journal: Journal, owner: Owner
) -> None:
    append(journal, owner, "a")
    journal.sync(owner, machine.crash, "at the instant of the sync's end")
    sim.call_later(MILLISECOND, append, journal, owner, "b")
    sim.run()
    assert journal.records() == ["a"]


def test_a_sync_of_one_journal_covers_the_others_of_its_disk(
    sim: Simulation, machine: Machine, journal: Journal, owner: Owner
) -> None:
    other = machine.disks[0].journal("other")
    append(other, owner, "x")
    journal.sync(owner, nothing)
    sim.run()
    assert other.durable_count == 1


def test_the_dead_and_the_down_append_nothing(sim: Simulation, machine: Machine, journal: Journal, owner: Owner) -> None:
    machine.crash("test")
    append(journal, owner, "while down")
    machine.restart()
    owner.kill()
    append(journal, owner, "after death")
    assert journal.records() == []


def test_a_failed_disk_takes_its_journals_along(
    sim: Simulation, machine: Machine, journal: Journal, owner: Owner
) -> None:
    append(journal, owner, "a")
    journal.sync(owner, nothing)
    sim.run()
    machine.disks[0].fail("wear")
    machine.disks[0].replace()
    assert journal.records() == []
    append(journal, owner, "b")
    machine.crash("test")
    assert journal.records() == []


def test_records_are_a_copy(sim: Simulation, journal: Journal, owner: Owner) -> None:
    append(journal, owner, "a")
    journal.records().clear()
    assert journal.count == 1


def test_the_head_is_cut_and_a_sync_under_way_covers_what_it_did(sim: Simulation, journal: Journal, owner: Owner) -> None:
    append(journal, owner, "a", "b")
    journal.sync(owner, nothing)
    sim.run()
    append(journal, owner, "c")
    journal.sync(owner, journal.cut, 2)
    sim.run_until(sim.now + 1)  # the sync's turn has begun and covers "c", but not "d"
    append(journal, owner, "d")
    sim.run()
    assert journal.records() == ["c", "d"]
    assert journal.durable_count == 1
    journal.crash()
    assert journal.records() == ["c"]


def test_what_is_not_durable_cannot_be_cut(journal: Journal, owner: Owner) -> None:
    append(journal, owner, "a")
    with pytest.raises(AssertionError, match="1 of 0 durable"):
        journal.cut(1)


def test_what_was_there_from_the_beginning_is_durable(journal: Journal) -> None:
    journal.found(["a", "b"])
    journal.crash()
    assert journal.records() == ["a", "b"]
