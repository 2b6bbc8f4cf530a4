"""A whole cell: applications start, get what they ask for, run and end, and the books agree."""

from __future__ import annotations

from itertools import pairwise

import pytest
from cell_with_apps import GIB, LONG, Cell, Sweep

from feitian_sim.fuxi.client import Refused
from feitian_sim.fuxi.facts import (
    AppEnded,
    AppStarted,
    Decided,
    Decisions,
    MachineDisabled,
    MachineEnabled,
    ProcessEnded,
    ProcessStarted,
    WorkerReady,
)
from feitian_sim.fuxi.packages.facts import PackageFetched
from feitian_sim.fuxi.samples import QuotaSampled, UsageSampled
from feitian_sim.kernel import SECOND, ScenarioError


def test_an_application_is_started_runs_and_ends():
    cell = Cell()
    cell.submit("a", Sweep(pieces=40, workers=10))
    cell.run(120)
    assert cell.all_committed("a", 40)
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
    assert cell.all_committed("a", 10)
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
    assert cell.all_committed("a", 10)
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
        assert cell.all_committed(name, 30)
    assert most[0] == 4000
    assert not sizes
    cell.assert_books_agree()


def test_a_process_that_uses_too_much_memory_is_killed():
    cell = Cell()
    cell.submit("greedy", Sweep(pieces=3, workers=1, piece_ns=60 * 10**9, memory_bytes=2 * GIB))
    cell.submit("modest", Sweep(pieces=3, workers=1, piece_ns=6 * 10**9, memory_bytes=GIB))
    cell.run(40)
    assert len(cell.kind.log("greedy", "gone:memory")) >= 5
    assert cell.all_committed("modest", 3)
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
    revoked = cell.ended_workers("revoked")
    assert bool(revoked) is not obeys
    first = cell.kind.log("high", "granted")[0][0] / 1e9
    taken = cell.kind.log("low", "taken_back")[0][0] / 1e9
    assert taken < 21
    # When it obeys they are gone after the time of a kill, otherwise after the grace.
    assert cell.all_committed("high", 8)
    late = [line[0] / 1e9 for line in cell.kind.log("high", "granted")][-1]
    assert (late < taken + 1) if obeys else (taken + 10 < late < taken + 12)
    assert first >= 10
    cell.run(101)
    cell.core.books.scheduler.check()


def test_a_worker_waits_for_its_package_which_its_machine_downloads_once():
    cell = Cell(
        fuxi="{packages: {w: {size: 100MB}}}",
        extra="pangu: {}\n",
        racks=3,
        machines=5,
    )
    cell.submit("a", Sweep(pieces=60, workers=60, piece_ns=10**9, package="w"), 30.0)
    cell.run(120)
    assert cell.all_committed("a", 60)
    ready = cell.of(WorkerReady)
    assert all(item.package_ns > 100 * 10**6 for item in ready)
    fetched = cell.of(PackageFetched)
    assert sorted(item.machine for item in fetched) == sorted({item.machine for item in ready})
    # The second time it is there.
    cell.submit("b", Sweep(pieces=60, workers=60, piece_ns=10**9, package="w"), 130.0)
    cell.run(200)
    assert cell.all_committed("b", 60)
    cached = [item.package_ns for item in cell.of(WorkerReady) if item.app == "b" and item.machine in
              {one.machine for one in ready}]  # fmt: skip
    assert cached
    assert max(cached) == 0


def test_a_package_that_nobody_has_put_is_told_in_the_time_of_a_launch_and_is_no_machines_fault():
    cell = Cell(fuxi="{schedule: {adjust_every: 5s}, disable: {share: 0.2}}", extra="pangu: {}\n", racks=3, machines=5)
    cell.submit("a", Sweep(pieces=60, workers=60, piece_ns=10**9, package="/apps/w"), 30.0)
    cell.run(60)
    gone = cell.kind.log("a", "gone:no-package")
    assert sum(line[3] for line in gone) >= 60
    granted = cell.kind.log("a", "granted")[0][0]
    assert 10 <= (gone[0][0] - granted) / 1e9 < 20
    assert not any(machine.disabled for machine in cell.core.books.machines)
    assert not cell.kind.log("a", "gone:launch-failed")


def test_a_client_stops_an_application():
    cell = Cell()
    cell.submit("a", LONG)
    cell.at(20, cell.client.stop, "a", lambda _: None)
    cell.run(40)
    assert cell.ends["a"].state == "failed"
    assert cell.ends["a"].why == "stopped"
    assert not any(host.table.apps for host in cell.fuxi.machines)
    cell.assert_books_agree()


def test_who_waits_for_an_end_asks_again_whenever_it_is_answered_without_one():
    """Answered in time, by so much as the scenario says; and not at all before that."""
    cell = Cell(fuxi="{watch: 10s, watch_margin: 3s}")
    asked = []
    cell.sim.facts.subscribe(Decided, lambda now, item: asked.append(now / SECOND) if item.request == "AskStatus" else 0)
    cell.submit("a", LONG)
    cell.run(100)
    assert cell.ends["a"].state == "finished"
    assert len(asked) == 1 + int(cell.times_of(AppEnded)[0] - asked[0]) // 7
    assert [after - before for before, after in pairwise(asked)] == pytest.approx([7] * (len(asked) - 1), abs=0.01)


def test_a_watch_within_its_margin_is_refused():
    with pytest.raises(ScenarioError, match="watch must be longer than watch_margin"):
        Cell(fuxi="{watch: 1s}")


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


def test_machines_that_download_at_once_share_all_servers_of_a_package():
    """Against the closed form of doing so in step, three disks at a time."""
    fuxi = "{packages: {w: {size: 256MiB}}, spread: {peers: false, piece: 64MiB}, unpack: {ratio: 0}}"
    cell = Cell(fuxi=fuxi, extra="pangu: {}\n", racks=4, machines=15)
    cell.submit("a", Sweep(pieces=60, workers=60, piece_ns=10**9, package="w"), 30.0)
    cell.run(120)
    took_s = [item.package_ns / 1e9 for item in cell.of(WorkerReady)]
    assert len(took_s) > 50
    in_step_s = 4 * len(took_s) / 3 * 64 * 2**20 / 150e6
    assert max(took_s) < in_step_s / 2


def test_an_overloaded_master_comes_out_of_it():
    """Forty ask at once for what takes 1 s each, and again every 6 s: a master that did all of it would never be done."""
    cell = Cell(fuxi="{decision: 1s, decisions_at_once: 1}", cores=16)
    took = []
    cell.sim.facts.subscribe(Decided, lambda now, item: took.append(item.latency_ns))
    for number in range(40):
        cell.submit(f"a-{number:02d}", Sweep(pieces=2, workers=2, piece_ns=SECOND))
    cell.run(400)
    assert all(cell.ends[f"a-{number:02d}"].state == "finished" for number in range(40))
    # Whoever asked still waited when its turn came, at most 5 s later.
    assert max(took) <= 6 * SECOND
    cell.assert_books_agree()
