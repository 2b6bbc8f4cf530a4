"""A whole cell in which every kind of process and machine dies: the work is done all the same, and the books agree."""

from __future__ import annotations

from typing import Any

import pytest
from cell_with_apps import LONG, Cell, Sweep

from feitian_sim.fuxi.facts import (
    AppMasterEnded,
    AppStarted,
    MachineBack,
    MachineLost,
    MasterReady,
    TuboAdopted,
    WorkerReady,
)
from feitian_sim.fuxi.messages import AskStatus, Hello
from feitian_sim.hardware import Machine
from feitian_sim.pangu.master_finder import MasterFinder


def at_work() -> tuple[Cell, str]:
    """A cell with a long application after 20 s, and a machine on which it has workers."""
    cell = Cell()
    cell.submit("a", LONG)
    cell.run(20)
    return cell, cell.busy_machine("a")


def busy_machine_crashes() -> tuple[Cell, str, Machine]:
    """Such a cell, of which that machine crashes soon."""
    cell, machine = at_work()
    hardware = cell.platform.datacenter.machine(machine)
    cell.at(20.5, hardware.crash, "a test")
    return cell, machine, hardware


def test_a_fuxi_master_that_dies_costs_no_worker_anything():
    cell = Cell()
    cell.submit("a", LONG)
    cell.submit("b", Sweep(pieces=10, workers=2))
    leader = cell.fuxi.masters[0]
    cell.at(20.1, leader.daemon.kill)
    # What is submitted while nobody serves is run later.
    cell.submit("late", Sweep(pieces=4, workers=4), 21.0)
    cell.run(200)
    for name, pieces in (("a", 200), ("b", 10), ("late", 4)):
        assert cell.all_committed(name, pieces)
        assert cell.ends[name].state == "finished"
    (second,) = cell.of(MasterReady)
    assert second.epoch == 2
    assert second.heard == len(cell.fuxi.machines)
    assert 0 < second.rebuild_ns < 3 * 10**9
    assert cell.ended_workers("crashed", "revoked") == []
    assert len([item for item in cell.of(WorkerReady) if item.app == "a"]) == 20
    # One attempt each, and each piece was committed once.
    assert [(item.app, item.attempt) for item in cell.of(AppStarted)] == [("a", 1), ("b", 1), ("late", 1001)]
    assert len(cell.kind.commits) == 214
    cell.assert_books_agree()


def test_who_waits_for_an_end_at_a_fuxi_master_that_dies_is_told_at_once():
    """Not after the five minutes that it would wait, also if the dead one is elected again before anybody looks."""
    cell = Cell()
    cell.submit("a", LONG)
    ends: list[tuple[float, str]] = []

    def ask() -> None:
        address = cell.fuxi.hearing.serving.address
        failed = lambda error: ends.append((cell.sim.now / 10**9, error.kind))  # noqa: E731
        cell.client._endpoint.call(address, AskStatus("a", until_ended=True), 300 * 10**9, ends.append, failed)

    cell.at(10, ask)
    cell.at(20, cell.fuxi.masters[0].daemon.kill)
    cell.run(21)
    ((told_s, kind),) = ends
    assert kind == "reset"
    assert 20 < told_s < 20.1


def test_a_fuxi_master_that_dies_while_many_start_leaves_the_books_equal():
    """Grants that the dead one gave and told to one side only are given up within the Tubos' patience."""
    for kill_s in (2.0, 2.0011, 2.0021, 2.3, 3.5):
        cell = Cell()
        for number in range(8):
            cell.submit(f"a{number}", Sweep(pieces=30, workers=10), 0.1 + 0.25 * number)
        cell.at(kill_s, cell.fuxi.masters[0].daemon.kill)
        cell.run(300)
        for number in range(8):
            assert cell.all_committed(f"a{number}", 30), (kill_s, number)
        cell.assert_books_agree()
        assert cell.core.books.scheduler.used() == (0, 0, 0)


def test_a_tubo_that_is_started_anew_adopts_its_workers():
    cell, machine = at_work()
    tubo = cell.host(machine).tubo.daemon
    cell.at(20.5, tubo.kill)
    cell.at(27, tubo.start)
    cell.run(28)
    (adopted,) = cell.of(TuboAdopted)
    assert adopted.machine == machine
    assert adopted.workers > 0
    cell.run(200)
    assert cell.all_committed("a", 200)
    assert cell.ended_workers("crashed", "revoked") == []
    assert len([item for item in cell.of(WorkerReady) if item.app == "a"]) == 20
    assert len(cell.kind.commits) == 200
    cell.assert_books_agree()


def test_what_is_ordered_while_a_tubos_hello_is_on_its_way_is_not_undone_by_it(monkeypatch: pytest.MonkeyPatch):
    """The Hello says nothing of it: taken for the truth, each master would be started twice, and allowances be lost."""
    cell, machine = at_work()
    tubo, call = cell.host(machine).tubo.daemon, MasterFinder.call

    def slow(self: MasterFinder, message: object, *rest: Any) -> None:
        if isinstance(message, Hello):
            cell.sim.call_later(200_000_000, call, self, message, *rest)
        else:
            call(self, message, *rest)

    monkeypatch.setattr(MasterFinder, "call", slow)
    cell.at(20.5, tubo.kill)
    cell.at(20.7, tubo.start)
    for number in range(30):
        cell.submit(f"b{number}", Sweep(pieces=2, workers=2), 20.7 + 0.002 * number)
    cell.run(300)
    assert cell.all_committed("a", 200)
    assert [item for item in cell.of(AppStarted) if item.app != "a" and item.machine == machine]
    assert cell.of(AppMasterEnded) == []
    assert cell.ended_workers("crashed", "revoked") == []
    cell.assert_books_agree()


def test_workers_that_die_while_no_tubo_watches_are_told_by_the_next():
    cell, machine = at_work()
    host = cell.host(machine)
    cell.at(20.5, host.tubo.daemon.kill)
    cell.at(21, host.runtime.daemon.kill)
    cell.at(22, host.runtime.daemon.start)
    cell.at(25, host.tubo.daemon.start)
    cell.run(200)
    assert cell.kind.log("a", "gone:crashed")
    assert cell.all_committed("a", 200)
    cell.assert_books_agree()


def test_workers_that_are_killed_are_replaced():
    cell, machine = at_work()
    runtime = cell.host(machine).runtime.daemon
    cell.at(20.5, runtime.kill)
    cell.at(21, runtime.start)
    cell.run(200)
    (gone,) = cell.kind.log("a", "gone:crashed")
    assert gone[2] == machine
    assert cell.all_committed("a", 200)
    cell.assert_books_agree()


def test_a_machine_that_crashes_is_lost_to_its_applications_and_comes_back():
    cell, machine, hardware = busy_machine_crashes()
    cell.at(80, hardware.restart)
    cell.run(79)
    (lost,) = cell.of(MachineLost)
    assert lost.machine == machine
    assert 27 * 10**9 < lost.silent_ns <= 34 * 10**9
    ((_, _, where, _),) = cell.kind.log("a", "lost")
    assert where == machine
    cell.run(300)
    assert [item.machine for item in cell.of(MachineBack)] == [machine]
    assert cell.all_committed("a", 200)
    cell.assert_books_agree()


def test_a_machine_that_boots_before_it_was_missed_has_lost_its_workers():
    cell, machine, hardware = busy_machine_crashes()
    cell.at(22, hardware.restart)
    cell.run(26)
    assert [line[2] for line in cell.kind.log("a", "lost")] == [machine]
    cell.run(200)
    assert cell.all_committed("a", 200)
    cell.assert_books_agree()


def test_an_applications_master_that_dies_is_started_again_and_adopts_its_workers():
    cell, _ = at_work()
    home = cell.kind.masters[0].host.machine.name
    cell.at(20.5, cell.host(home)._applications.kill)
    cell.run(200)
    assert [item.attempt for item in cell.of(AppStarted)] == [1, 2]
    assert [item.why for item in cell.of(AppMasterEnded)] == ["crashed"]
    assert cell.kind.log("a", "restored")[1][3] > 0
    assert cell.all_committed("a", 200)
    assert cell.ends["a"].state == "finished"
    assert cell.ended_workers("crashed", "revoked") == []
    assert len([item for item in cell.of(WorkerReady) if item.app == "a"]) == 20
    cell.assert_books_agree()


def test_an_applications_master_dies_with_its_machine():
    cell, _ = at_work()
    home = cell.kind.masters[0].host.machine
    cell.at(20.5, home.crash, "a test")
    cell.run(300)
    assert [item.attempt for item in cell.of(AppStarted)] == [1, 2]
    assert [item.why for item in cell.of(AppMasterEnded)] == ["machine-lost"]
    assert cell.all_committed("a", 200)
    cell.assert_books_agree()


def test_an_application_whose_masters_always_die_fails():
    cell = Cell(fuxi="{application_master: {attempts: 3}}")
    cell.kind.begin = lambda host: host.owner.call_later(10**9, host.owner.kill)
    cell.submit("a", LONG)
    cell.run(60)
    assert cell.ends["a"].state == "failed"
    assert cell.ends["a"].why == "its master ended 3 times, the last time: crashed"
    cell.assert_books_agree()


def test_a_tubo_that_is_cut_off_loses_its_machine_and_is_used_again_when_it_is_clean():
    cell = Cell(
        extra="faults:\n- {kind: network-partition, at: 20.5s, duration: 60s, groups: [[r2/m3]]}\n",
        machines=4,
    )
    cell.submit("a", Sweep(pieces=300, workers=60, piece_ns=10 * 10**9))
    cell.run(20)
    assert cell.host("r2/m3").table.apps["a"].workers
    cell.run(79)
    assert [item.machine for item in cell.of(MachineLost)] == ["r2/m3"]
    assert [line[2] for line in cell.kind.log("a", "lost")] == ["r2/m3"]
    # Its own processes ran on meanwhile.
    assert cell.host("r2/m3").table.apps["a"].workers
    cell.run(95)
    assert [item.machine for item in cell.of(MachineBack)] == ["r2/m3"]
    assert any(item.machine == "r2/m3" for item in cell.ended_workers("ended"))
    cell.run(400)
    assert cell.all_committed("a", 300)
    cell.assert_books_agree()


@pytest.mark.parametrize(("kind", "share"), [("network-loss", "loss: 5%"), ("network-duplicate", "share: 20%")])
def test_lost_and_doubled_messages_leave_the_books_equal(kind: str, share: str):
    links = "target: {role: fuxi.tubo, mode: all}"
    cell = Cell(extra=f"faults:\n- {{kind: {kind}, at: 2s, duration: 60s, {share}, {links}}}\n")
    for number in range(6):
        cell.submit(f"a{number}", Sweep(pieces=40, workers=8, piece_ns=2 * 10**9), 0.1 + number)
    cell.at(30, cell.fuxi.masters[0].daemon.kill)
    cell.run(400)
    for number in range(6):
        assert cell.all_committed(f"a{number}", 40), number
    cell.assert_books_agree()
    assert cell.core.books.scheduler.used() == (0, 0, 0)


def test_launches_that_fail_are_told_and_cost_the_machine_its_health():
    cell = Cell(
        fuxi="{schedule: {adjust_every: 20s}, disable: {share: 0.2}}",
        extra="faults:\n- {kind: process-launch-fail, at: 0s, target: {machine: r1/m2}}\n",
    )
    cell.submit("a", Sweep(pieces=400, workers=80, piece_ns=5 * 10**9))
    cell.run(200)
    assert {line[2] for line in cell.kind.log("a", "gone:launch-failed")} == {"r1/m2"}
    assert [machine.name for machine in cell.core.books.machines if machine.disabled] == ["r1/m2"]
    assert [line[2] for line in cell.kind.log("a", "disabled")] == ["r1/m2"]
    assert cell.all_committed("a", 400)
    cell.submit("b", Sweep(pieces=80, workers=80), 201.0)
    cell.run(205)
    assert sum(line[3] for line in cell.kind.log("b", "granted")) == 80
    assert all(line[2] != "r1/m2" for line in cell.kind.log("b", "granted"))
    # A new FuxiMaster knows who is disabled.
    cell.at(210, cell.fuxi.masters[0].daemon.kill)
    cell.run(240)
    assert [machine.name for machine in cell.core.books.machines if machine.disabled] == ["r1/m2"]
