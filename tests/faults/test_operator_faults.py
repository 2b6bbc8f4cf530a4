"""Slow processes, restart storms, strips of sockets, brownouts and rolling restarts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from feitian_sim.faults.operators import Step, plan
from feitian_sim.hardware import Daemon
from feitian_sim.kernel import MILLISECOND, SECOND, Owner
from tests.faults.process_bench import FAULT, ROLE, Bench, one


class Computing:
    """Each process computes jobs of 100 ms, one after the other, and notes when each began and ended."""

    def __init__(self) -> None:
        self.lengths: dict[str, list[float]] = {}

    def __call__(self, daemon: Daemon, owner: Owner) -> None:
        sim = daemon.machine.sim

        def begin() -> None:
            daemon.machine.cpu.submit(100 * MILLISECOND, owner, ended, sim.now)

        def ended(since_ns: int) -> None:
            self.lengths.setdefault(daemon.name, []).append((sim.now - since_ns) / MILLISECOND)
            begin()

        begin()


def slow(at: str, duration: str | None, factor: float) -> dict[str, Any]:
    return {"kind": "process-slow", "at": at, "duration": duration, "factor": factor, "target": one()}


def test_a_slow_process_computes_k_times_as_long_and_its_neighbour_as_before() -> None:
    computing = Computing()
    bench = Bench(slow("1050ms", "2s", 4), boot=computing).until(4.02)
    mine, other = computing.lengths[bench.first.name], computing.lengths[bench.neighbour.name]
    # Ten jobs and the one under way at full speed until 1.1 s; five of 400 ms, the last begun at 2.7 s; then as before.
    assert mine == [100] * 11 + [400] * 5 + [100] * 9
    assert other == [100] * 40


def test_slow_factors_multiply_with_each_other_and_the_machine_and_end_alone() -> None:
    machine = {"kind": "machine-slow", "at": "3s", "duration": "2s", "factor": 3, "target": {"machine": "r0/m0"}}
    bench = Bench(slow("1s", "3s", 2), slow("2s", "4s", 5), machine)
    cpu, seen = bench.first.machine.cpu, []
    for time_s in (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5):
        bench.until(time_s)
        seen.append((cpu.pace_of(bench.first.owner), cpu.pace_of(bench.neighbour.owner)))
    assert seen == [(1, 1), (2, 1), (10, 1), (30, 3), (15, 3), (5, 1), (1, 1)]


def test_a_slow_process_is_slow_in_its_next_life() -> None:
    kill = {"kind": "process-kill", "at": "2s", "restart_after": "1s", "target": one()}
    bench = Bench(slow("1s", "4s", 6), kill).until(4)
    cpu = bench.first.machine.cpu
    assert (bench.first.incarnation, cpu.pace_of(bench.first.owner)) == (2, 6)
    assert cpu.pace_of(bench.until(6).first.owner) == 1


def test_in_a_storm_the_supervisor_brings_it_back_ever_later() -> None:
    storm = {"kind": "process-restart-storm", "at": "1s", "interval": "1s", "duration": "20s", "target": one()}
    bench = Bench(storm).until(40)
    ended = [time_s for time_s, _ in bench.died]
    started = [time_s for time_s, _ in bench.born if time_s > 0]
    # The last wait ends with the storm, at 21 s; the others double from 100 ms as the daemon's back-off says.
    waits = [round(up - down, 6) for down, up in zip(ended, started, strict=True)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 3.0]
    # A death finds it alive at a whole second only.
    assert ended == [1, 2, 3, 4, 5, 7, 11, 18]
    assert bench.first.alive
    assert bench.neighbour.incarnation == 1


def test_a_strip_takes_its_share_of_the_rack_and_the_same_ones_come_back() -> None:
    pdu = {"kind": "rack-pdu", "at": "1s", "duration": "3s", "share": 0.7, "target": {"rack": "r0"}}
    dark: set[tuple[str, ...]] = set()
    for seed in range(12):
        bench = Bench(pdu, seed=seed).until(2)
        down = tuple(machine.name for machine in bench.datacenter.machines if not machine.up)
        assert len(down) == 2
        assert all(name.startswith("r0/") for name in down)
        dark.add(down)
        assert all(machine.up for machine in bench.until(5).datacenter.machines)
    # Any two of three are drawn by one seed or another: each pair is missed by 12 seeds once in 130.
    assert len(dark) == 3


def test_a_machine_needs_the_power_of_its_rack_and_of_its_strip() -> None:
    pdu = {"kind": "rack-pdu", "at": "1s", "duration": "5s", "share": 1.0, "target": {"rack": "r0"}}
    rack = {"kind": "rack-power-loss", "at": "2s", "duration": "2s", "target": {"rack": "r0"}}
    longer = {**rack, "at": "5s", "duration": "5s"}
    bench = Bench(pdu, rack, longer)
    up = []
    for time_s in (0.5, 1.5, 4.5, 6.5, 10.5):
        bench.until(time_s)
        up.append(bench.first.machine.up)
    assert up == [True, False, False, False, True]


def test_two_strips_on_one_machine_return_it_with_the_later() -> None:
    pdu = {"kind": "rack-pdu", "at": "1s", "duration": "3s", "share": 1.0, "target": {"rack": "r1"}}
    bench = Bench(pdu, {**pdu, "at": "2s"})
    assert not bench.until(4.5).datacenter.machine("r1/m1").up
    assert bench.until(5.5).datacenter.machine("r1/m1").up


def test_a_brownout_slows_all_and_darkens_a_share_for_a_while() -> None:
    sag = {"kind": "cluster-brownout", "at": "1s", "duration": "5s", "factor": 3, "dark": 0.5, "dark_for": "2s"}
    dark = 0
    for seed in range(40):
        bench = Bench(sag, seed=seed).until(2)
        servers = [machine for machine in bench.datacenter.machines if machine.rack_name != "clients"]
        assert {machine.slow_factor for machine in servers} == {3.0}
        dark += sum(not machine.up for machine in servers)
        bench.until(4)
        assert all(machine.up for machine in servers)
        bench.until(7)
        assert {machine.slow_factor for machine in servers} == {1.0}
    # 240 draws of one half: mean 120, standard deviation 7.7; four of them either way.
    assert 89 <= dark <= 151


def test_a_brownout_that_ends_before_its_dark_machines_are_back_brings_them_back() -> None:
    sag = {"kind": "cluster-brownout", "at": "1s", "duration": "1s", "dark": 1.0, "dark_for": "9s"}
    bench = Bench(sag)
    assert not bench.until(1.9).first.machine.up
    assert bench.until(2.1).first.machine.up


ROLLING = {"kind": "operator-rolling-restart", "at": "1s", "target": {"role": ROLE, "machine": "r0/*", "mode": "all"}}


def lives(bench: Bench) -> list[int]:
    return [daemon.incarnation for daemon in bench.daemons]


def test_members_restart_one_after_another_with_a_pause_between() -> None:
    bench = Bench({**ROLLING, "down": "500ms", "pause": "2s"}).until(20)
    assert bench.died == [(1, f"{ROLE}@r0/m0"), (3.5, f"{ROLE}@r0/m1"), (6, f"{ROLE}@r0/m2")]
    assert lives(bench)[:3] == [2, 2, 2]
    assert set(lives(bench)[3:]) == {1}
    assert bench.column("faults.started", "target") == [f"{ROLE}@r0/m0,{ROLE}@r0/m1,{ROLE}@r0/m2"]


def test_a_rollback_restarts_what_was_done_in_reverse_and_leaves_the_rest() -> None:
    fault = FAULT.validate_python(
        {**ROLLING, "down": "1s", "pause": "1s", "pause_after": 2, "pause_for": "5s", "rollback": True}
    )
    expected = [("a", 0, 1), ("b", 2, 3), ("b", 9, 10), ("a", 11, 12)]
    assert plan(fault, ["a", "b", "c"]) == [Step(name, a * SECOND, b * SECOND) for name, a, b in expected]
    forward = plan(fault.model_copy(update={"rollback": False}), ["a", "b", "c"])
    assert [(step.process, step.stop_ns // SECOND) for step in forward] == [("a", 0), ("b", 2), ("c", 9)]


def test_an_operator_who_gives_up_leaves_nothing_down() -> None:
    bench = Bench({**ROLLING, "down": "4s", "pause": "1s", "duration": "6s"}).until(7.1)
    # The second was down since 6 s; the third is never touched.
    assert [daemon.alive for daemon in bench.daemons[:3]] == [True, True, True]
    assert lives(bench.until(30))[:3] == [2, 2, 1]


def test_what_another_fault_holds_down_the_operator_does_not_bring_back() -> None:
    kill = {"kind": "process-kill", "at": "500ms", "restart_after": "10s", "target": one()}
    bench = Bench(kill, {**ROLLING, "down": "1s", "pause": "1s"}).until(9)
    assert not bench.first.alive
    assert bench.daemons[1].incarnation == 2
    assert bench.until(11).first.incarnation == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({**ROLLING, "rollback": True}, "rollback needs pause_after"),
        ({"kind": "operator-rolling-restart", "at": "1s", "target": {"machine": "r0/m0"}}, "needs target.role"),
        ({"kind": "cluster-brownout", "at": "1s", "factor": 1}, "changes nothing"),
        ({"kind": "process-slow", "at": "1s", "factor": 2, "target": {"machine": "r0/m0"}}, "which process is slow"),
        ({"kind": "process-restart-storm", "at": "1s", "target": {"rack": "r0"}}, "which process dies"),
    ],
)
def test_what_is_missing_is_said(line: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FAULT.validate_python(line)
