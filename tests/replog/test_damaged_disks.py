"""A member whose disk is in trouble: a torn tail is normal, a damaged journal is a lost disk, a failed sync ends it."""

from __future__ import annotations

from typing import Any

import pytest
from replog_bench import SECOND, Bench

from feitian_sim.replog import ReplogConfig


class Damaged(Bench):
    """A group that has decided something, and what was told of blank members."""

    def __init__(self, size: int = 5, *, seed: int = 1, **config: Any) -> None:
        # Beats are sent: while they are left out, a member that does not vote hears of the latest commands only with the
        # next one.
        super().__init__(size, config=ReplogConfig(elide=False, **config), seed=seed)
        self.blank: list[int] = []
        self.recovered: list[int] = []
        self.sim.facts.subscribe("replog.member_blank", lambda _, what: self.blank.append(what.member))
        self.sim.facts.subscribe("replog.member_recovered", lambda _, what: self.recovered.append(what.member))
        self.say(range(10))

    def say(self, commands: Any) -> None:
        for command in commands:
            self.propose(self.leader if self.leader is not None else 0, command)
        self.run(1)

    def disk(self, member: int) -> Any:
        return self.daemons[member].machine.disks[0]

    def crash(self, member: int) -> None:
        machine = self.daemons[member].machine
        machine.crash("test")
        self.run(0.5)
        machine.restart()
        self.run(2)

    def agree(self) -> bool:
        """Whether all that run hold all that was answered, in one order."""
        states = [self.states[number].commands for number, daemon in enumerate(self.daemons) if daemon.alive]
        return all(one == states[0] for one in states) and set(self.results) <= set(states[0])


@pytest.mark.parametrize("uniform", [0.001, 0.5, 0.999])
def test_a_member_that_lost_a_durable_record_votes_no_more_and_catches_up(uniform: float) -> None:
    bench = Damaged()
    assert bench.disk(3).lose_record(uniform)
    bench.say(range(10, 20))
    assert bench.blank == []
    bench.crash(3)
    assert bench.blank == [3]
    assert not bench.logs[3].replica.is_voter
    bench.say(range(20, 30))
    assert bench.agree()
    # It stays one that does not vote: its new journal says so.
    bench.crash(3)
    assert bench.blank == [3]
    assert not bench.logs[3].replica.is_voter
    bench.run(2)
    assert bench.agree()


def test_a_damaged_snapshot_is_a_lost_disk_too() -> None:
    bench = Damaged(snapshot_every=20)
    bench.say(range(10, 70))
    name = next(name for name in bench.disk(2)._journals if name.endswith("snapshots"))
    bench.disk(2).journal(name).lose(0)
    bench.crash(2)
    assert bench.blank == [2]
    bench.say(range(70, 80))
    assert bench.agree()


@pytest.mark.parametrize("seed", range(12))
def test_a_tail_that_a_crash_tore_off_is_normal(seed: int) -> None:
    bench = Damaged(3, seed=seed)
    for member in range(3):
        stream = bench.sim.stream("test", f"{member}")
        bench.disk(member).trouble.tear_with(lambda journal, stream=stream: stream.child(journal))
    for number in range(20):
        bench.propose(0, f"c{number}")
    bench.sim.run_until(bench.sim.now + (seed + 1) * SECOND // 5000)
    for daemon in bench.daemons:
        daemon.machine.crash("test")
    for daemon in bench.daemons:
        daemon.machine.restart()
    bench.run(3)
    assert bench.blank == []
    assert sorted(bench.recovered) == [0, 1, 2]
    bench.say(["after"])
    assert "after" in bench.results
    assert bench.agree()


@pytest.mark.parametrize("member", [0, 2])
def test_a_member_whose_sync_fails_begins_again_from_what_is_durable(member: int) -> None:
    bench = Damaged()
    bench.disk(member).trouble.failing_syncs = 1
    for number in range(10, 20):
        bench.propose(0, number)
    bench.run(0.05)
    assert not bench.daemons[member].alive
    bench.run(3)
    assert (bench.daemons[member].alive, bench.daemons[member].incarnation) == (True, 2)
    assert bench.recovered == [member]
    bench.say(range(20, 30))
    assert bench.blank == []
    assert bench.agree()


def test_a_readonly_disk_keeps_a_member_out_while_it_lasts() -> None:
    bench = Damaged()
    bench.disk(2).trouble.read_only = True
    bench.say(range(10, 20))
    assert set(range(20)) <= set(bench.results)
    assert bench.daemons[2].incarnation > 1
    bench.disk(2).trouble.read_only = False
    bench.run(60)
    assert bench.daemons[2].alive
    assert bench.logs[2].ready
    assert bench.blank == []
    assert bench.agree()


def test_a_hung_disk_holds_one_member_up_and_nobody_else() -> None:
    bench = Damaged()
    bench.disk(2).trouble.hung = True
    bench.say(range(10, 20))
    assert set(range(20)) <= set(bench.results)
    bench.disk(2).trouble.hung = False
    bench.run(2)
    assert bench.daemons[2].incarnation == 1
    assert bench.agree()


def test_a_member_of_a_wiped_disk_is_blank() -> None:
    bench = Damaged()
    bench.disk(4).wipe()
    bench.crash(4)
    assert bench.blank == [4]
    bench.say(range(10, 20))
    assert bench.agree()


def test_a_member_whose_disk_is_full_stays_out_while_it_lasts_and_loses_nothing() -> None:
    bench = Damaged()
    disk = bench.disk(2)
    disk.trouble.occupied_bytes = disk.free_bytes
    bench.say(range(10, 20))
    assert set(range(20)) <= set(bench.results)
    assert bench.daemons[2].incarnation > 1
    disk.trouble.occupied_bytes = 0
    bench.run(60)
    assert bench.logs[2].ready
    assert bench.blank == []
    assert bench.agree()


def test_a_member_that_lost_its_disk_and_may_not_write_either_comes_back_as_blank() -> None:
    bench = Damaged()
    bench.disk(2).wipe()
    bench.disk(2).trouble.read_only = True
    bench.crash(2)
    assert not bench.daemons[2].alive
    bench.disk(2).trouble.read_only = False
    bench.run(60)
    bench.say(range(10, 20))
    assert bench.daemons[2].alive
    assert not bench.logs[2].replica.is_voter
    assert bench.agree()


def test_damage_that_was_found_is_found_again_if_nothing_new_was_durable_before_the_next_crash() -> None:
    bench = Damaged()
    assert bench.disk(3).lose_record(0.5)
    bench.disk(3).trouble.read_only = True
    bench.crash(3)
    bench.crash(3)
    assert set(bench.blank) == {3}
    bench.disk(3).trouble.read_only = False
    bench.run(60)
    assert not bench.logs[3].replica.is_voter


def test_small_reads_and_syncs_that_fail_end_the_process_and_never_the_promises() -> None:
    bench = Damaged()
    for member in (1, 2):
        disk = bench.disk(member)
        disk.trouble.fail_share(0.3, bench.sim.stream("test", disk.name))
    for number in range(10, 40):
        bench.propose(0, number)
        bench.run(0.05)
    bench.run(5)
    assert set(range(40)) <= set(bench.results)
    assert bench.daemons[1].incarnation > 1
    assert bench.blank == []
    bench.run(120)
    assert bench.agree()
