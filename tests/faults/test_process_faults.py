"""Processes that stop for a while, and that die exactly around a durable write."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.hardware import Daemon
from feitian_sim.kernel import MILLISECOND, SECOND, Owner
from tests.faults.process_bench import ROLE, Bench, one


class Ticking:
    """Each process notes the instant of each of its ticks, one a second by a timer that it sets anew."""

    def __init__(self) -> None:
        self.ticks: dict[str, list[float]] = {}

    def __call__(self, daemon: Daemon, owner: Owner) -> None:
        def tick() -> None:
            self.ticks.setdefault(daemon.name, []).append(daemon.machine.sim.now / SECOND)
            owner.timer(SECOND, tick)

        owner.timer(SECOND, tick)


def pause(at: str, duration: str | None) -> dict[str, Any]:
    return {"kind": "process-pause", "at": at, "duration": duration, "target": one()}


def test_nothing_of_a_paused_process_runs_and_its_overdue_timer_fires_when_it_goes_on() -> None:
    ticking = Ticking()
    bench = Bench(pause("2500ms", "4s"), boot=ticking).until(8.2)
    # Set anew from when it fired late, as a real process does: 6.5 s, then a second later.
    assert ticking.ticks[bench.first.name] == [1, 2, 6.5, 7.5]
    assert ticking.ticks[bench.neighbour.name] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert bench.first.incarnation == 1


def test_what_waits_happens_in_its_order_and_a_timer_taken_back_meanwhile_does_not() -> None:
    seen: list[str] = []

    def boot(daemon: Daemon, owner: Owner) -> None:
        if daemon.role != ROLE or daemon.machine.name != "r0/m0":
            return
        doomed = owner.timer(3 * SECOND, seen.append, "deadline")
        owner.call_later(2 * SECOND, lambda: (seen.append("answer"), doomed.cancel()))
        owner.timer(4 * SECOND, seen.append, "timer")
        daemon.machine.cpu.submit(4500 * MILLISECOND, owner, seen.append, "computed")
        owner.process(script(daemon, owner))

    def script(daemon: Daemon, owner: Owner) -> Any:
        yield daemon.machine.sim.timeout(1500 * MILLISECOND)
        seen.append("script")

    bench = Bench(pause("1s", "9s"), boot=boot).until(9.9)
    assert seen == []
    bench.until(10.1)
    # The answer had reached it before the deadline was over, so the deadline is taken back when both are due.
    assert [item for item in seen if item != "script"] == ["answer", "timer", "computed"]
    assert seen.count("script") == 1


def test_two_pauses_end_with_the_later() -> None:
    ticking = Ticking()
    bench = Bench(pause("2500ms", "2s"), pause("3s", "4s"), boot=ticking).until(6.9)
    assert ticking.ticks[bench.first.name] == [1, 2]
    assert bench.first.paused
    bench.until(8.5)
    assert ticking.ticks[bench.first.name] == [1, 2, 7, 8]


def test_a_kill_while_paused_ends_it_and_the_end_of_the_pause_leaves_the_next_life_alone() -> None:
    ticking = Ticking()
    kill = {"kind": "process-kill", "at": "3s", "restart_after": "1s", "target": one()}
    later = {**pause("5500ms", "3s")}
    bench = Bench(pause("2500ms", "4s"), kill, later, boot=ticking).until(3.5)
    assert not bench.first.alive
    bench.until(10)
    # Born at 4 s, paused from 5.5 s to 8.5 s by a fault of its own; the old pause's end at 6.5 s is not for it.
    assert ticking.ticks[bench.first.name] == [1, 2, 5, 8.5, 9.5]
    assert bench.first.incarnation == 2


def test_a_process_that_does_not_run_cannot_be_paused() -> None:
    kill = {"kind": "process-kill", "at": "1s", "restart_after": "5s", "target": one()}
    bench = Bench(kill, pause("2s", "1s")).until(4)
    assert bench.column("faults.absorbed", "why") == ["the process does not run"]


class Writing:
    """The first machine's process writes a record each second to its first disk and syncs; others write to their own."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.number = 0

    def __call__(self, daemon: Daemon, owner: Owner) -> None:
        if daemon.machine.name != "r0/m0":
            return
        if daemon.role != ROLE:
            return
        journal = daemon.machine.disks[0].journal("log")

        def write() -> None:
            number, self.number = self.number, self.number + 1
            journal.append(number, 100, owner)
            journal.sync(owner, self.told.append, number)
            owner.timer(SECOND, write)

        owner.timer(SECOND, write)


def crash_at(point: str, *, machine: bool, count: int = 1) -> dict[str, Any]:
    kind = "process-crash-at"
    target = one()
    return {"kind": kind, "at": "500ms", "point": point, "machine": machine, "count": count, "target": target}


@pytest.mark.parametrize(
    ("point", "machine", "durable"),
    [("before-sync", True, []), ("before-sync", False, [0]), ("after-sync", True, [0]), ("after-sync", False, [0])],
)
def test_what_a_death_at_a_sync_leaves(point: str, machine: bool, durable: list[int]) -> None:
    writing = Writing()
    bench = Bench(crash_at(point, machine=machine), boot=writing).until(1.5)
    journal = bench.first.machine.disks[0].journal("log")
    assert journal.records()[: journal.durable_count] == durable
    assert journal.records() == durable
    # Nobody was told, in none of the cases.
    assert writing.told == []
    # It has been started again 100 ms later and writes on; its neighbour died with the machine alone.
    assert (bench.first.alive, bench.first.incarnation) == (True, 2)
    assert bench.neighbour.incarnation == (2 if machine else 1)
    bench.until(2.5)
    assert writing.told == [1]


def test_the_death_is_at_the_counted_sync() -> None:
    writing = Writing()
    bench = Bench(crash_at("before-sync", machine=True, count=3), boot=writing).until(3.5)
    assert writing.told == [0, 1]
    assert bench.first.machine.disks[0].journal("log").records() == [0, 1]
    # It strikes once.
    bench.until(10)
    assert bench.first.incarnation == 2


def test_two_watches_on_one_machine_both_strike() -> None:
    writing = Writing()
    first, second = crash_at("before-sync", machine=True), crash_at("after-sync", machine=True)
    bench = Bench(first, second, boot=writing).until(10)
    # The second waits for a sync of the life that it saw, which the first ended.
    assert bench.first.incarnation == 2
    assert all(len(disk.sync_watches) == 1 for disk in bench.first.machine.disks)


def test_two_equal_watches_hold_the_machine_until_the_later_ends() -> None:
    writing = Writing()
    short = crash_at("after-sync", machine=False)
    long = {**short, "restart_after": "3s"}
    bench = Bench(short, long, boot=writing).until(3.9)
    assert not bench.first.alive
    bench.until(4.1)
    assert (bench.first.alive, bench.first.incarnation) == (True, 2)
