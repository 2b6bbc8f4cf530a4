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
    assert bench.cell.store("kv", 0).writes == 2000
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
    assert store.fenced.touch(0, 100, token)
    bench.process(bench.worker_of(1)).owner.kill()
    bench.run_until(bench.owners.whole)
    assert not store.fenced.touch(0, 100, token)


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
    assert bench.cell.store("kv", 0).writes >= bench.done[True]
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


def test_a_hot_range_is_split_and_spread_under_load() -> None:
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
    assert bench.cell.store("kv", 0).writes >= 33_000


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
def test_one_owner_whatever_dies_or_is_cut_off(seed: int) -> None:
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
    assert bench.cell.store("kv", 0).writes >= bench.done[True]
