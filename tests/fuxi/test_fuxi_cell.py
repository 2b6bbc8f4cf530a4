"""A whole cell: applications start, run and end; every kind of process dies under them, and the books agree."""

from __future__ import annotations

import pytest
from cell_with_apps import GIB, Cell, Sweep

from feitian_sim.fuxi.client import Refused
from feitian_sim.fuxi.facts import (
    AppEnded,
    AppMasterEnded,
    AppStarted,
    Decisions,
    MachineBack,
    MachineDisabled,
    MachineEnabled,
    MachineLost,
    MasterReady,
    ProcessEnded,
    ProcessStarted,
    TuboAdopted,
    WorkerReady,
)
from feitian_sim.fuxi.messages import AskStatus
from feitian_sim.fuxi.samples import QuotaSampled, UsageSampled

LONG = Sweep(pieces=200, workers=20, piece_ns=5 * 10**9)


def ended_workers(cell: Cell, *reasons: str) -> list[ProcessEnded]:
    return [item for item in cell.of(ProcessEnded) if item.unit and item.why in reasons]


def test_an_application_is_started_runs_and_ends():
    cell = Cell()
    cell.submit("a", Sweep(pieces=40, workers=10))
    cell.run(120)
    assert cell.committed_once("a", 40)
    assert cell.ends["a"].state == "finished"
    (started,) = cell.of(AppStarted)
    assert started.attempt == 1
    (ended,) = cell.of(AppEnded)
    assert ended.ok
    assert not any(host.table.apps for host in cell.fuxi.machines)
    assert cell.core.books.scheduler.used() == (0, 0, 0)
    cell.assert_books_agree()


def test_workers_begin_with_the_work_that_they_are_started_with():
    cell = Cell(first=True, forgets=True)
    cell.submit("a", Sweep(pieces=10, workers=10))
    cell.run(20)
    assert cell.committed_once("a", 10)
    assert cell.ends["a"].state == "finished"
    # Not an Assign was needed.
    cell.platform.kuafu._tell_totals()
    (total,) = [item for _, item in cell.facts if item.kind == "kuafu.method" and item.method == "Results"]
    assert total.calls
    assert not [item for _, item in cell.facts if item.kind == "kuafu.method" and item.method == "Assign"]
    cell.assert_books_agree()


def test_two_of_a_name_are_one_and_another_users_name_is_refused():
    cell = Cell()
    cell.submit("a", Sweep(10, 5), 0.1)
    cell.submit("a", Sweep(99, 5), 0.11)
    cell.submit("a", Sweep(99, 5), 20.0)
    mallory = cell.fuxi.client(cell.platform.datacenter.client_machines[1], "mallory")
    mallory.user = "ann"
    refused = []
    cell.at(1, mallory.submit, "b", "job", Sweep(1, 1), refused.append)
    cell.submit("c", "something else", 1.0)
    cell.run(60)
    assert cell.committed_once("a", 10)
    assert len(cell.of(AppStarted)) == 1
    assert [str(answer) for answer in refused] == ["user:mallory cannot submit in the name of ann"]
    assert cell.ends["c:submitted"] == Refused("not a sweep")


def test_nothing_starts_before_its_resources_are_free():
    """16 workers of a core each on 12 machines of 8 cores, beside another application: never more than there is."""
    cell = Cell(racks=1, machines=4, cores=4)
    for name in "abcd":
        cell.submit(name, Sweep(pieces=30, workers=12, piece_ns=3 * 10**9))
    used: dict[str, int] = {}
    most = [0]

    def count(_: int, item) -> None:
        cores = int(item.vector.split(",")[0])
        used[item.machine] = used.get(item.machine, 0) + cores
        sizes[item.machine, item.app, item.unit, item.worker] = cores
        most[0] = max(most[0], used[item.machine])

    def uncount(_: int, item) -> None:
        used[item.machine] -= sizes.pop((item.machine, item.app, item.unit, item.worker))

    sizes: dict[tuple, int] = {}
    cell.sim.facts.subscribe(ProcessStarted, count)
    cell.sim.facts.subscribe(ProcessEnded, uncount)
    cell.run(200)
    for name in "abcd":
        assert cell.committed_once(name, 30)
    assert most[0] == 4000
    assert not sizes
    cell.assert_books_agree()


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
        assert cell.committed_once(name, pieces)
        assert cell.ends[name].state == "finished"
    (second,) = cell.of(MasterReady)
    assert second.epoch == 2
    assert second.heard == len(cell.fuxi.machines)
    assert 0 < second.rebuild_ns < 3 * 10**9
    assert ended_workers(cell, "crashed", "revoked") == []
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
            assert cell.committed_once(f"a{number}", 30), (kill_s, number)
        cell.assert_books_agree()
        assert cell.core.books.scheduler.used() == (0, 0, 0)


def test_a_tubo_that_is_started_anew_adopts_its_workers():
    cell = Cell()
    cell.submit("a", LONG)
    cell.run(20)
    machine = cell.busy_machine("a")
    tubo = cell.host(machine).tubo.daemon
    cell.at(20.5, tubo.kill)
    cell.at(27, tubo.start)
    cell.run(28)
    (adopted,) = cell.of(TuboAdopted)
    assert adopted.machine == machine
    assert adopted.workers > 0
    cell.run(200)
    assert cell.committed_once("a", 200)
    assert ended_workers(cell, "crashed", "revoked") == []
    assert len([item for item in cell.of(WorkerReady) if item.app == "a"]) == 20
    assert len(cell.kind.commits) == 200
    cell.assert_books_agree()


def test_workers_that_die_while_no_tubo_watches_are_told_by_the_next():
    cell = Cell()
    cell.submit("a", LONG)
    cell.run(20)
    machine = cell.busy_machine("a")
    host = cell.host(machine)
    cell.at(20.5, host.tubo.daemon.kill)
    cell.at(21, host.runtime.daemon.kill)
    cell.at(22, host.runtime.daemon.start)
    cell.at(25, host.tubo.daemon.start)
    cell.run(200)
    assert cell.kind.log("a", "gone:crashed")
    assert cell.committed_once("a", 200)
    cell.assert_books_agree()


def test_workers_that_are_killed_are_replaced():
    cell = Cell()
    cell.submit("a", LONG)
    cell.run(20)
    machine = cell.busy_machine("a")
    runtime = cell.host(machine).runtime.daemon
    cell.at(20.5, runtime.kill)
    cell.at(21, runtime.start)
    cell.run(200)
    (gone,) = cell.kind.log("a", "gone:crashed")
    assert gone[2] == machine
    assert cell.committed_once("a", 200)
    cell.assert_books_agree()


def test_a_machine_that_crashes_is_lost_to_its_applications_and_comes_back():
    cell = Cell()
    cell.submit("a", LONG)
    cell.run(20)
    machine = cell.busy_machine("a")
    hardware = cell.platform.datacenter.machine(machine)
    cell.at(20.5, hardware.crash, "a test")
    cell.at(80, hardware.restart)
    cell.run(79)
    (lost,) = cell.of(MachineLost)
    assert lost.machine == machine
    assert 27 * 10**9 < lost.silent_ns <= 34 * 10**9
    ((_, _, where, _),) = cell.kind.log("a", "lost")
    assert where == machine
    cell.run(300)
    assert [item.machine for item in cell.of(MachineBack)] == [machine]
    assert cell.committed_once("a", 200)
    cell.assert_books_agree()


def test_a_machine_that_boots_before_it_was_missed_has_lost_its_workers():
    cell = Cell()
    cell.submit("a", LONG)
    cell.run(20)
    machine = cell.busy_machine("a")
    hardware = cell.platform.datacenter.machine(machine)
    cell.at(20.5, hardware.crash, "a test")
    cell.at(22, hardware.restart)
    cell.run(26)
    assert [line[2] for line in cell.kind.log("a", "lost")] == [machine]
    cell.run(200)
    assert cell.committed_once("a", 200)
    cell.assert_books_agree()


def test_an_applications_master_that_dies_is_started_again_and_adopts_its_workers():
    cell = Cell()
    cell.submit("a", LONG)
    cell.run(20)
    home = cell.kind.masters[0].host.machine.name
    cell.at(20.5, cell.host(home)._applications.kill)
    cell.run(200)
    assert [item.attempt for item in cell.of(AppStarted)] == [1, 2]
    assert [item.why for item in cell.of(AppMasterEnded)] == ["crashed"]
    assert cell.kind.log("a", "restored")[1][3] > 0
    assert cell.committed_once("a", 200)
    assert cell.ends["a"].state == "finished"
    assert ended_workers(cell, "crashed", "revoked") == []
    assert len([item for item in cell.of(WorkerReady) if item.app == "a"]) == 20
    # Results that were kept count again, and no piece was run twice: 200 pieces took 200 runs.
    assert len({piece for _, piece, _ in cell.kind.commits}) == 200
    cell.assert_books_agree()


def test_an_applications_master_dies_with_its_machine():
    cell = Cell()
    cell.submit("a", LONG)
    cell.run(20)
    home = cell.kind.masters[0].host.machine
    cell.at(20.5, home.crash, "a test")
    cell.run(300)
    assert [item.attempt for item in cell.of(AppStarted)] == [1, 2]
    assert [item.why for item in cell.of(AppMasterEnded)] == ["machine-lost"]
    assert cell.committed_once("a", 200)
    cell.assert_books_agree()


def test_an_application_whose_masters_always_die_fails():
    cell = Cell(fuxi="{application_master: {attempts: 3}}")
    cell.kind.begin = lambda host: host.owner.call_later(10**9, host.owner.kill)
    cell.submit("a", LONG)
    cell.run(60)
    assert cell.ends["a"].state == "failed"
    assert cell.ends["a"].why == "its master ended 3 times, the last time: crashed"
    cell.assert_books_agree()


def test_a_process_that_uses_too_much_memory_is_killed():
    cell = Cell()
    cell.submit("greedy", Sweep(pieces=3, workers=1, piece_ns=60 * 10**9, memory_bytes=2 * GIB))
    cell.submit("modest", Sweep(pieces=3, workers=1, piece_ns=6 * 10**9, memory_bytes=GIB))
    cell.run(40)
    assert len(cell.kind.log("greedy", "gone:memory")) >= 5
    assert cell.committed_once("modest", 3)
    for _, item in cell.facts:
        assert not (isinstance(item, ProcessEnded) and item.app == "modest" and item.why == "memory")


@pytest.mark.parametrize("obeys", [True, False])
def test_what_is_taken_back_ends_within_the_grace(obeys: bool):
    """Another priority wants the whole cell: the first application's workers end, by its own will or by the Tubos'."""
    cell = Cell(racks=1, machines=4, cores=4, obeys=obeys, fuxi="{grace: 10s, schedule: {adjust_every: 20s}}")
    cell.submit("low", Sweep(pieces=400, workers=14, piece_ns=30 * 10**9))
    cell.submit("high", Sweep(pieces=8, workers=8, piece_ns=10 * 10**9, priority=5), 10.0)
    cell.run(100)
    assert sum(line[3] for line in cell.kind.log("low", "taken_back")) >= 6
    revoked = ended_workers(cell, "revoked")
    assert bool(revoked) is not obeys
    first = cell.kind.log("high", "granted")[0][0] / 1e9
    taken = cell.kind.log("low", "taken_back")[0][0] / 1e9
    assert taken < 21
    # When it obeys they are gone after the time of a kill, otherwise after the grace.
    assert cell.committed_once("high", 8)
    late = [line[0] / 1e9 for line in cell.kind.log("high", "granted")][-1]
    assert (late < taken + 1) if obeys else (taken + 10 < late < taken + 12)
    assert first >= 10
    cell.run(101)
    cell.core.books.scheduler.check()


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
    assert any(item.machine == "r2/m3" for item in ended_workers(cell, "ended"))
    cell.run(400)
    assert cell.committed_once("a", 300)
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
        assert cell.committed_once(f"a{number}", 40), number
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
    after = [line for line in cell.kind.log("a", "granted") if line[0] > 61 * 10**9]
    assert after or cell.committed_once("a", 400)
    assert all(line[2] != "r1/m2" for line in after)
    assert cell.committed_once("a", 400)
    # A new FuxiMaster knows who is disabled.
    cell.at(210, cell.fuxi.masters[0].daemon.kill)
    cell.run(240)
    assert [machine.name for machine in cell.core.books.machines if machine.disabled] == ["r1/m2"]


def test_a_worker_waits_for_its_package_which_its_machine_downloads_once():
    cell = Cell(
        fuxi="{packages: {w: {size: 100MB}}}",
        extra="pangu: {}\n",
        racks=3,
        machines=5,
    )
    cell.submit("a", Sweep(pieces=60, workers=60, piece_ns=10**9, package="w"), 30.0)
    cell.run(120)
    assert cell.committed_once("a", 60)
    ready = cell.of(WorkerReady)
    assert all(item.package_ns > 100 * 10**6 for item in ready)
    downloads = [item for _, item in cell.facts if item.kind == "pangu.operation" and item.op == "read"]
    assert len(downloads) == len({item.machine for item in ready})
    # The second time it is there.
    cell.submit("b", Sweep(pieces=60, workers=60, piece_ns=10**9, package="w"), 130.0)
    cell.run(200)
    assert cell.committed_once("b", 60)
    cached = [item.package_ns for item in cell.of(WorkerReady) if item.app == "b" and item.machine in
              {one.machine for one in ready}]  # fmt: skip
    assert cached
    assert max(cached) == 0


def test_a_client_stops_an_application():
    cell = Cell()
    cell.submit("a", LONG)
    cell.at(20, cell.client.stop, "a", lambda _: None)
    cell.run(40)
    assert cell.ends["a"].state == "failed"
    assert cell.ends["a"].why == "stopped"
    assert not any(host.table.apps for host in cell.fuxi.machines)
    cell.assert_books_agree()


def test_a_unit_that_fits_no_machine_ends_its_application():
    cell = Cell()
    cell.submit("a", Sweep(pieces=1, workers=1, vector=(64_000, GIB, 0)))
    cell.run(30)
    assert cell.ends["a"].state == "failed"
    assert cell.ends["a"].why.startswith("no machine could run a unit 1: it needs cpu 64000")
    cell.assert_books_agree()


def test_a_machine_that_several_applications_marked_is_disabled_and_tried_again():
    cell = Cell(fuxi="{schedule: {adjust_every: 20s}, disable: {marks: 2, back_after: 60s, share: 0.1}}")
    for name in "abc":
        cell.submit(name, Sweep(pieces=300, workers=10, piece_ns=5 * 10**9))
    cell.run(30)
    masters = {name: cell.kind.of(name)[0].link for name in "abc"}
    # Twice by one is once; and of two machines only one may be disabled: a tenth of twelve.
    for machine, names in (("r0/m2", "aa"), ("r1/m2", "ab"), ("r2/m2", "bc")):
        for name in names:
            masters[name].bad_machine(machine, "a test")
    cell.run(45)
    assert [(item.machine, item.why) for item in cell.of(MachineDisabled)] == [("r1/m2", "marks")]
    before = cell.kind.log("a", "granted")[-1][0]
    cell.run(90)
    assert all(line[2] != "r1/m2" for line in cell.kind.log("a", "granted") if line[0] > before)
    cell.run(130)
    assert [item.machine for item in cell.of(MachineEnabled)] == ["r1/m2"]


def test_what_is_sampled_adds_up():
    cell = Cell(racks=1, machines=4, cores=4)
    cell.submit("a", Sweep(pieces=200, workers=30, piece_ns=5 * 10**9))
    cell.run(20)
    for probe in cell.sim.probes:
        probe()
    cores, memory, storage = cell.of(UsageSampled)
    assert (cores.resource, memory.resource, storage.resource) == ("cpu", "memory", "storage")
    assert cores.capacity == 16_000
    assert cores.capacity >= cores.planned >= cores.obtained >= cores.used > 14_000
    assert cores.wanted == 30_500
    (quota,) = cell.of(QuotaSampled)
    assert (quota.group, quota.guaranteed_ratio) == ("default", 1.0)
    assert quota.share_ratio == cores.planned / cores.capacity
    (decided,) = [item for item in cell.of(Decisions) if item.count]
    assert 880_000 <= decided.longest_ns < 5_000_000
    assert decided.total_ns <= decided.count * decided.longest_ns
