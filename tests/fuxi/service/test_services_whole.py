"""Services in the whole simulation: messages, processes, Nuwa, faults (F5).

:class:`service_bench.Owners` fails each of these tests at the instant at which a key has two owners, or the storage takes
an older token.
"""

from __future__ import annotations

from typing import Any

import pytest
from service_bench import KEYS, ServiceBench, described

from feitian_sim.kernel import MILLISECOND, SECOND


def test_f5_a_service_comes_up_and_answers() -> None:
    """Its workers run on granted resources, every key is served, a client finds the table and is answered."""
    bench = ServiceBench()
    bench.up()
    bench.ask(200, 10)
    bench.run(12)
    assert bench.done == {True: 2000, False: 0}
    assert bench.cell.store("kv", 0).writes("kv") == 2000
    assert bench.client.reads < 5
    assert len({row[2] for row in bench.owners.served.values()}) == 4


def test_a_killed_worker_is_replaced_and_its_partitions_go_elsewhere_at_once() -> None:
    """A process that is certainly gone needs no waiting for its lease."""
    bench = ServiceBench()
    bench.up()
    worker = bench.worker_of(1)
    bench.process(worker).owner.kill()
    assert not bench.owners.whole()
    bench.run_until(bench.owners.whole, within_s=3)
    bench.ask(100, 10)
    bench.run(15)
    assert bench.done[False] == 0
    assert bench.server.core is not None
    assert len(bench.server.core.force.workers) == 4
    assert worker.number not in bench.server.core.force.workers


def _cut_off(bench: ServiceBench, machine: str) -> int:
    cut = bench.datacenter.machine(machine)
    others = [one for one in (*bench.datacenter.machines, *bench.datacenter.client_machines) if one is not cut]
    return bench.datacenter.network.partition([[cut], others])


@pytest.mark.parametrize("seconds", [5, 17, 25, 60])
def test_a_machine_that_is_cut_off_stops_serving_before_another_begins(seconds: int) -> None:
    """By its own clock; and what comes back has nothing, and is used or stopped."""
    bench = ServiceBench()
    bench.up()
    worker = bench.worker_of(1)
    if worker.machine == bench.datacenter.machines[-1].name:
        worker = bench.worker_of(2)
    cut_ns = bench.sim.now
    token = _cut_off(bench, worker.machine)
    bench.ask(100, seconds + 40, write=True)
    bench.run(seconds)
    bench.datacenter.network.heal(token)
    bench.run(45)
    assert bench.owners.whole()
    ended = [row for row in bench.owners.log if row[3] == worker.number and row[0] > cut_ns]
    if seconds < 10:
        # The lease was longer than that: nothing was lost.
        assert not ended
    else:
        over_ns = next(row[0] for row in ended if row[1] == "lease")
        assert over_ns <= cut_ns + bench.config.services.lease
        taken = [row for row in bench.table("fuxi.partition_moved") if row["why"] == "expired" or row["source"] == 0]
        assert any(cut_ns + 12 * SECOND < row["time_s"] * SECOND < cut_ns + 19 * SECOND for row in taken)
    assert bench.done[False] == 0 or seconds > 25
    assert bench.done[True] > 30 * 100


@pytest.mark.parametrize("seconds", [5, 20, 40])
def test_a_process_that_is_paused_beyond_its_lease_serves_nothing_when_it_wakes_up(seconds: int) -> None:
    """It notices by the clock, in the middle of whatever it was doing, before it answers or writes anything."""
    bench = ServiceBench()
    bench.up()
    bench.ask(400, seconds + 20)
    bench.run(2)
    worker = bench.worker_of(1)
    process = bench.process(worker)
    runtime = bench.fuxi.machines[bench.datacenter.machine(worker.machine).index].runtime
    bench.owners.paused[worker.number] = None
    process.owner.pause()
    runtime.daemon.pause()
    bench.run(seconds)
    woke_ns = bench.sim.now
    runtime.daemon.resume()
    process.owner.resume()
    del bench.owners.paused[worker.number]
    mine = [row for row in bench.owners.log if row[3] == worker.number and row[0] == woke_ns]
    assert (seconds < 15) == (not mine)
    assert all(row[1] == "lease" for row in mine)
    bench.run(25)
    assert bench.owners.whole()


def test_a_write_that_was_under_way_when_its_owner_was_stopped_is_refused_by_the_storage() -> None:
    """The storage has seen the token of the next owner."""
    bench = ServiceBench()
    bench.up()
    store = bench.cell.store("kv", 0)
    token = bench.owners.newest[0]
    assert store.fenced("kv").touch(0, 100, token)
    bench.process(bench.worker_of(1)).owner.kill()
    bench.run_until(bench.owners.whole)
    assert not store.fenced("kv").touch(0, 100, token)


@pytest.mark.parametrize("after_ms", [0, 1, 10, 60, 80, 300])
def test_a_service_master_that_is_killed_while_it_migrates_loses_and_doubles_nothing(after_ms: int) -> None:
    """Wherever it dies, its successor finds one owner for every partition, and workers run on."""
    bench = ServiceBench()
    bench.up()
    bench.ask(100, 30)
    bench.run(3)
    core = bench.server.core
    assert core is not None
    source = bench.worker_of(1)
    target = next(one for one in core.force.workers.values() if one.number != source.number)
    core._leave(1, target)
    bench.server._tell("wake")
    bench.run(after_ms / 1000)
    workers = sorted(core.force.workers)
    bench.server.kill()
    bench.run(35)
    assert bench.server.core is not core
    assert bench.owners.whole()
    assert len(bench.owners.served) == 6
    assert bench.done[False] == 0
    assert bench.cell.store("kv", 0).writes("kv") >= bench.done[True]
    assert bench.server.core is not None
    assert sorted(bench.server.core.force.workers) == workers


def test_the_fail_over_of_a_service_master_interrupts_no_worker() -> None:
    """Leases outlast it: nothing is unloaded, no request fails."""
    bench = ServiceBench()
    bench.up()
    loaded = len(bench.owners.log)
    bench.ask(200, 40)
    bench.run(2)
    bench.server.kill()
    bench.run(42)
    assert bench.done == {True: 8000, False: 0}
    assert len(bench.owners.log) == loaded
    assert bench.client.retries == 0
    (_, second) = bench.table("fuxi.service_started")
    assert second["adopted"] == 4


def test_a_later_service_master_waits_only_so_long_for_a_machine_that_is_silent() -> None:
    """Then it begins with the workers of which others have told."""
    started = []
    for within in ({"adopt_within": "4s"}, {}):
        bench = ServiceBench(services=within)
        bench.up()
        bench.server.kill()
        _cut_off(bench, bench.worker_of(2).machine)
        bench.run(25)
        (_, second) = bench.table("fuxi.service_started")
        assert second["adopted"] == 3
        started.append(second["time_s"])
    assert started[1] - started[0] == pytest.approx(10 - 4)


def test_f5_a_hot_range_is_split_and_spread_under_load() -> None:
    """Every key has one owner all the time, and what was one worker's is shared at the end."""
    hot = {"split_above": "300/s", "move_above": "450/s"}
    bench = ServiceBench(service=described(partitions={"hot": hot}, server={"instances": 4, "service": "1500us"}))
    bench.up()
    bench.ask(550, 60, high=KEYS // 6)
    bench.run(62)
    assert bench.done[False] == 0
    assert bench.table("fuxi.partition_split")
    assert any(row["why"] == "moved" for row in bench.table("fuxi.partition_moved"))
    owners = {row[2] for row in bench.owners.served.values() if row[0] < KEYS // 6}
    assert len(owners) > 1
    assert bench.owners.whole()
    assert bench.cell.store("kv", 0).writes("kv") >= 33_000


def test_a_machine_that_is_disabled_gives_its_partitions_away_before_its_workers_end() -> None:
    """Nothing is ever unserved for longer than a move takes."""
    bench = ServiceBench()
    bench.up()
    worker = bench.worker_of(1)
    bench.server.disabled(worker.machine)
    bench.ask(200, 20)
    bench.run(25)
    assert bench.done[False] == 0
    assert all(row[3] != worker.machine for row in bench.owners.served.values())
    here = bench.fuxi.machines[bench.datacenter.machine(worker.machine).index].table.apps.get("kv")
    assert here is None or not here.workers


class Dear:
    """Keys below ten cost more."""

    def compute_ns(self, request: Any) -> int:
        return 50 * MILLISECOND if request.key < 10 else MILLISECOND


def test_a_roles_own_code_says_what_a_request_costs() -> None:
    """And a program that is not there is refused by its name."""
    bench = ServiceBench(service=described(server={"program": "kv.py:Dear"}), own={"kv.py:Dear": Dear()})
    bench.up()
    took: dict[int, int] = {}
    for key in (5, 4000):
        since_ns = bench.sim.now
        bench.client.ask(key, lambda ok, tries, key=key, since_ns=since_ns: took.update({key: bench.sim.now - since_ns}))
        bench.run(1)
    assert took[5] - took[4000] > 40 * MILLISECOND
    other = ServiceBench(service=described(server={"program": "kv.py:Cheap"}))
    other.run(3)
    assert "kv.py:Cheap is not loaded" in str(other.answers[0])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_f5_one_owner_whatever_dies_or_is_cut_off(seed: int) -> None:
    """Masters, machines, runtimes, workers, partitions of the network, at drawn times; in the end all is served."""
    hot = {"split_above": "70/s", "move_above": "100/s", "imbalance": 1.2}
    bench = ServiceBench(
        seed=seed,
        service=described(partitions={"hot": hot}),
        services={"settle": "5s"},
        fuxi={"heartbeat": {"timeout": "10s"}},
    )
    bench.up()
    draws = bench.sim.stream("test.chaos", str(seed))
    bench.ask(150, 100, high=KEYS // 6)
    tokens: list[int] = []
    for _ in range(10):
        at_ns = int(draws.uniform() * 70 * SECOND)
        what = draws.integer(5)
        machine = draws.choice(bench.datacenter.machines[:-1])
        host = bench.fuxi.machines[machine.index]
        if what == 0:
            bench.sim.call_later(at_ns, machine.crash, "test")
            bench.sim.call_later(at_ns + int(20 * SECOND * draws.uniform()), machine.restart)
        elif what == 1:
            bench.sim.call_later(at_ns, lambda: bench.server.kill())
        elif what == 2:
            bench.sim.call_later(at_ns, host.runtime.daemon.kill)
            bench.sim.call_later(at_ns + 2 * SECOND, host.runtime.daemon.start)
        else:
            bench.sim.call_later(at_ns, lambda name=machine.name: tokens.append(_cut_off(bench, name)))
    for at in (30, 60, 85):
        bench.sim.call_later(at * SECOND, lambda: [bench.datacenter.network.heal(tokens.pop()) for _ in list(tokens)])
    bench.run(160)
    assert bench.owners.whole()
    assert bench.done[True] > 9_000
    assert bench.cell.store("kv", 0).writes("kv") >= bench.done[True]


def test_what_the_storage_has_promised_it_knows_after_a_kill() -> None:
    """Writes go on after a restart; no token that was shown is forgotten, and no write that was answered is lost."""
    bench = ServiceBench()
    bench.up()
    store = bench.cell.store("kv", 0)
    bench.ask(200, 30)
    for after_s in (3, 9, 15):
        bench.sim.call_later(after_s * SECOND, store.daemon.kill)
        bench.sim.call_later((after_s + 1) * SECOND, store.daemon.start)
    bench.run(12)
    # A move gives a new token: the next life of the storage must know it.
    bench.process(bench.worker_of(1)).owner.kill()
    bench.run(50)
    assert store.daemon.incarnation == 4
    assert [row["lost"] for row in bench.table("fuxi.store_recovered")] == [False] * 3
    assert bench.owners.whole()
    assert bench.done == {True: 6000, False: 0}
    assert store.writes("kv") >= 6000
    newest = [store.fenced("kv").newest(key, key + 1) for key in range(0, KEYS, 100)]
    assert newest == bench.owners.newest[::100]
    assert not store.fenced("kv").touch(0, 1, bench.owners.newest[0] - 1)


@pytest.mark.parametrize("after_ms", [0, 1, 4, 9, 17, 40])
def test_the_crash_of_the_storages_machine_loses_nothing_that_was_answered(after_ms: int) -> None:
    """Whatever its disk was doing; what was not answered is asked again."""
    bench = ServiceBench(asker=1)
    bench.up()
    store = bench.cell.store("kv", 0)
    machine = bench.datacenter.machines[-1]
    bench.ask(500, 4)
    bench.sim.call_later(2 * SECOND + after_ms * MILLISECOND, machine.crash, "a test")
    bench.sim.call_later(6 * SECOND, machine.restart)
    bench.run(80)
    assert bench.owners.whole()
    assert bench.done == {True: 2000, False: 0}
    assert store.writes("kv") >= 2000


def test_a_storage_that_lost_its_disk_takes_nothing_rather_than_without_tokens() -> None:
    """The service cannot write any more; reads are not its business."""
    bench = ServiceBench()
    bench.up()
    store = bench.cell.store("kv", 0)
    disk = bench.datacenter.machines[-1].disks[0]
    disk.fail("a test")
    disk.replace()
    store.daemon.kill()
    store.daemon.start()
    before = len(bench.table("fuxi.store_recovered"))
    bench.ask(50, 2)
    bench.run(40)
    assert before == 1
    assert bench.table("fuxi.store_recovered")[0]["lost"]
    assert bench.done[True] == 0
    assert store.writes("kv") == 0


def test_a_journal_begins_anew_with_what_it_comes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays short, and a life after that knows the same."""
    monkeypatch.setattr("feitian_sim.fuxi.service.store._LONGEST", 50)
    bench = ServiceBench()
    bench.up()
    store = bench.cell.store("kv", 0)
    bench.ask(100, 20)
    bench.run(25)
    journal = bench.datacenter.machines[-1].disks[0].journal("fuxi.store.kv")
    assert journal.cut_count > 1500
    assert journal.count < 150
    known, writes = store.fenced("kv").ranges(), store.writes("kv")
    store.daemon.kill()
    store.daemon.start()
    assert store.fenced("kv").ranges() == known
    assert store.writes("kv") == writes == 2000
