"""Balance, growth and shrinking in a running cell (P6): caps, drains, decommissioning, failures in the middle of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cell_bench import MIB, CellBench

from feitian_sim.kernel import SECOND

SMALL = {"capacity": "20GB"}
DATASET = {"bytes": "50GB", "file_size": "256MiB"}
NEW = [f"r{rack}/m3" for rack in range(5)]


def half_full(**more: Any) -> CellBench:
    """Five racks of three small machines, half full; a fourth in each rack is switched off."""
    return CellBench(per_rack=4, disk=SMALL, absent=NEW, dataset={"bytes": "100GB", "file_size": "256MiB"}, **more)


def redundancy(bench: CellBench) -> list[int]:
    """Sound replicas of each chunk that a file has, by the disks of machines that are up."""
    table = bench.core.books.state.chunks
    return [
        sum(bench.machine(server).up for server in bench.holders(chunk))
        for chunk in np.flatnonzero(table.present).tolist()
    ]


def in_flight(bench: CellBench) -> np.ndarray:
    """The most moves that each server took part in at once, as reader or target, from the facts."""
    events: list[tuple[float, int, str]] = []
    for row in bench.table("pangu.move"):
        for server in (row["read_from"], row["target"]):
            events += [(row["started_s"], 1, server), (row["time_s"], -1, server)]
    now: dict[str, int] = {}
    most: dict[str, int] = {}
    for _, change, server in sorted(events):
        now[server] = now.get(server, 0) + change
        most[server] = max(most.get(server, 0), now[server])
    return np.array(list(most.values()))


def grow(bench: CellBench, until_s: float = 3600) -> None:
    bench.order(60, NEW, "add")
    bench.run(until_s)
    bench.cell.truth.sample()


@pytest.mark.parametrize(
    ("rebalance", "spread", "factor"),
    [
        ({"kind": "threshold", "threshold": "5%"}, 0.1, 1.02),
        ({"kind": "greedy", "max_deviation": "2%"}, 0.04, 1.02),
        # Of two drawn targets the emptier may be an old server.
        ({"kind": "two-choices", "threshold": "3%"}, 0.5, 1.5),
    ],
)
def test_p6_growth_is_balanced_with_little_more_than_the_optimum(rebalance: Any, spread: float, factor: float):
    bench = half_full(rebalance=rebalance)
    total = sum(keeper.used_bytes for keeper in bench.cell.keepers.values())
    grow(bench)
    assert sorted(row["server"] for row in bench.table("pangu.joined")) == NEW
    assert not bench.table("pangu.server_dead")
    assert not bench.table("pangu.server_returned")
    moved = sum(row["size_bytes"] for row in bench.table("pangu.move"))
    # Five new servers beside fifteen: perfect balance would have a quarter of the data on them.
    assert 0.5 * total / 4 < moved <= factor * total / 4
    last = bench.table("pangu.balance")[-1]
    assert last["servers"] == 20
    assert last["most"] - last["least"] < spread
    assert min(redundancy(bench)) == max(redundancy(bench)) == 3
    books = bench.core.books
    for chunk in range(books.state.chunks.count):
        assert books.policy.satisfied(books.view, books.locations.servers(chunk))
        assert sorted(bench.holders(chunk)) == sorted(books.locations.servers(chunk))


@pytest.mark.parametrize("kind", ["none", "lazy"])
def test_p6_without_moves_new_servers_stay_empty(kind: str):
    bench = half_full(rebalance=kind)
    grow(bench, until_s=600)
    assert not bench.table("pangu.move")
    assert all(bench.machines.machine(name).used_bytes == 0 for name in NEW)
    assert bench.table("pangu.balance")[-1]["least"] == 0


def test_p6_lazy_fills_the_new_servers_with_what_is_written():
    bench = half_full(rebalance="lazy")
    grow(bench, until_s=120)
    client = bench.client()
    bench.do(*(client.write_file(f"/f{number}", 64 * MIB) for number in range(10)))
    placed = {server for number in range(10) for chunk in bench.chunks(f"/f{number}") for server in bench.holders(chunk)}
    assert placed <= {bench.machines.machine(name).index for name in NEW}


def test_p6_balancing_keeps_its_bandwidth_and_slots():
    bench = half_full(rebalance={"kind": "greedy", "bandwidth": "20MB/s", "per_server": 2, "per_cluster": 7})
    grow(bench, until_s=1800)
    moves = bench.table("pangu.move")
    assert len(moves) > 50
    assert in_flight(bench).max() <= 2
    # All that a server sent and received, over the time in which it did: never above the bandwidth.
    for server in {row["target"] for row in moves}:
        mine = [row for row in moves if server in (row["target"], row["read_from"])]
        span_s = max(row["time_s"] for row in mine) - min(row["started_s"] for row in mine)
        assert sum(row["size_bytes"] for row in mine) <= 20e6 * span_s
    # One move has half of it, and the cost of dispatching a clone before.
    assert all(row["time_s"] - row["started_s"] >= 1.9 + row["size_bytes"] / 10e6 for row in moves)
    events = sorted((time, by) for row in moves for time, by in ((row["started_s"], 1), (row["time_s"], -1)))
    assert np.cumsum([by for _, by in events]).max() <= 7


def test_p6_a_server_that_repairs_begins_no_move():
    bench = half_full(rebalance="threshold")
    bench.at(120, bench.machines.machine("r0/m1").crash, "a test")
    grow(bench, until_s=1200)
    # A move whose clone stands in for a replica that was lost meanwhile counts as a repair that never waited.
    repairs = [
        (row["started_s"], row["time_s"], {row["source"], row["target"]})
        for row in bench.table("pangu.repair")
        if row["queued_s"] < row["started_s"]
    ]
    assert len(repairs) > 20
    for move in bench.table("pangu.move"):
        ends = {move["source"], move["target"]}
        assert not any(begun < move["started_s"] < ended and servers & ends for begun, ended, servers in repairs)


def test_p6_a_drain_leaves_no_replica_and_full_redundancy():
    bench = CellBench(dataset=DATASET)
    bench.order(60, "r1/m1", "drain")
    bench.run(900)
    (drained,) = bench.table("pangu.drained")
    assert drained["server"] == "r1/m1"
    assert drained["started_s"] == 60
    index = bench.machines.machine("r1/m1").index
    assert len(bench.cell.keepers[index].store) == 0
    assert bench.machine(index).used_bytes == 0
    assert bench.machine(index).up
    assert set(redundancy(bench)) == {3}
    moves = bench.table("pangu.move")
    assert len(moves) == bench.table("pangu.drain_started")[0]["replicas"]
    assert in_flight(bench).max() <= 2
    # It takes nothing new, until it is put back into service.
    client = bench.client()
    bench.do(*(client.write_file(f"/f{number}", MIB) for number in range(40)))
    assert bench.machine(index).used_bytes == 0
    bench.order(bench.sim.now / SECOND + 1, "r1/m1", "add")
    bench.settle(1)
    bench.do(*(client.write_file(f"/g{number}", MIB) for number in range(40)))
    assert bench.machine(index).used_bytes > 0


def test_p6_a_decommissioned_machine_is_switched_off_when_its_last_chunk_is_whole_elsewhere():
    bench = CellBench(dataset=DATASET)
    victim = bench.machines.machine("r1/m1")
    bench.order(60, victim.name, "decommission")
    seen: list[bool] = []
    for second in range(61, 400, 5):
        bench.at(second, lambda: seen.append(victim.up or set(redundancy(bench)) == {3}))
    bench.run(400)
    assert all(seen)
    assert not victim.up
    (off,) = bench.table("hardware.machine_switched_off")
    (drained,) = bench.table("pangu.drained")
    assert drained["time_s"] >= bench.table("pangu.move")[-1]["time_s"]
    # A minute more, so that whoever remembers it is told that it has nothing.
    assert off["time_s"] == pytest.approx(drained["time_s"] + 60, abs=0.1)
    # Nobody misses it, and a repair of the machine does not bring it back.
    bench.at(500, victim.restart)
    bench.run(1000)
    assert not victim.up
    assert not bench.table("pangu.server_dead")
    assert not bench.table("hardware.machine_crashed")


@pytest.mark.parametrize("crash_s", [61.0, 62.5, 65.0, 70.0])
@pytest.mark.parametrize("who", ["r3/m0", "r1/m1", "r0/m0"])
def test_p6_decommissioning_under_load_loses_nothing_when_a_machine_crashes_in_the_middle(crash_s: float, who: str):
    """Another machine crashes, the one that is to go, or the master's (which comes back)."""
    bench = CellBench(per_rack=3, dataset=DATASET, repair={"dispatch_cost": "200ms"})
    bench.order(60, ("r1/m1", "r2/m2"), "decommission")
    bench.at(crash_s, bench.machines.machine(who).crash, "a test")
    if who == "r0/m0":
        bench.at(crash_s + 20, bench.machines.machine(who).restart)
    client = bench.client("r4/m1")
    bench.run(59)

    def load() -> Any:
        for number in range(25):
            yield from client.write_file(f"/w{number}", 8 * MIB)
            yield from client.append("/log", MIB)

    bench.do(client.create("/log"))
    bench.do(load(), within_s=600)
    bench.settle(25)
    # A new master may close a chunk before it has heard from its servers, and say that it has none: at most for a while.
    found = [row["chunk"] for row in bench.table("pangu.chunk_available")]
    assert [row["chunk"] for row in bench.table("pangu.chunk_unavailable")] == found
    assert who == "r0/m0" or not found
    promises = bench.cell.truth.promises()
    assert promises.lost_bytes == promises.lost_metadata == 0
    assert {row["server"] for row in bench.table("pangu.drained")} == {"r1/m1", "r2/m2"}
    assert set(redundancy(bench)) == {3}
    gone = [bench.machines.machine(name).index for name in ("r1/m1", "r2/m2")]
    assert not any(len(bench.core.books.locations.held_by(server)) for server in gone)
    assert not any(bench.machine(server).up for server in gone)


def test_p6_a_drain_that_no_place_can_take_says_why_and_drops_nothing():
    bench = CellBench(racks=3, per_rack=2, dataset={"bytes": "5GB", "file_size": "256MiB"})
    bench.order(60, ("r2/m0", "r2/m1"), "decommission")
    bench.run(600)
    blocked = bench.table("pangu.drain_blocked")
    assert {row["server"] for row in blocked} == {"r2/m0", "r2/m1"}
    assert "4 servers in 2 racks accept replicas" in blocked[0]["reason"]
    assert blocked[-1]["replicas"] == len(bench.core.books.locations.held_by(bench.machines.machine("r2/m1").index))
    # Said once for each, not at every try.
    assert len(blocked) == 2
    assert all(machine.up for machine in bench.machines.machines)
    assert not bench.table("pangu.move")
    assert set(redundancy(bench)) == {3}


def test_p6_a_blocked_drain_goes_on_when_there_is_a_place():
    bench = CellBench(racks=4, per_rack=2, absent=("r3/m0", "r3/m1"), dataset={"bytes": "5GB", "file_size": "256MiB"})
    bench.order(60, ("r2/m0", "r2/m1"), "decommission")
    bench.order(300, "r3/m0", "add")
    bench.run(900)
    assert len(bench.table("pangu.drain_blocked")) == 2
    assert {row["server"] for row in bench.table("pangu.drained")} == {"r2/m0", "r2/m1"}
    assert {row["target"] for row in bench.table("pangu.move")} == {"r3/m0"}
    assert set(redundancy(bench)) == {3}


def test_p6_chunks_that_cannot_go_yet_hold_up_nobody_behind_them():
    """HDFS-17569: skipped blocks must not take the places of those that could be copied."""
    bench = CellBench(dataset=DATASET)
    client = bench.client()
    bench.do(client.create("/log"))
    bench.do(client.append("/log", MIB))
    (chunk,) = bench.chunks("/log")
    holder = bench.machine(bench.core.books.locations.servers(chunk)[-1])
    # Everything that is on the server now is being written, as far as the master knows, but for every third chunk.
    drains = bench.core._migration._drains
    drains._is_being_written = lambda one, _: one % 3 != 0
    start_s = bench.sim.now / SECOND + 1
    bench.order(start_s, holder.name, "drain")
    bench.run(start_s + 300)
    left = bench.core.books.locations.held_by(holder.index)
    assert len(left)
    assert (left % 3 != 0).all()
    assert not bench.table("pangu.drained")
    assert not bench.table("pangu.drain_blocked")


def test_p6_an_appender_moves_on_from_a_server_that_is_drained():
    bench = CellBench()
    client = bench.client()
    bench.do(client.create("/log"))
    bench.do(client.append("/log", MIB))
    (chunk,) = bench.chunks("/log")
    holder = bench.machine(bench.core.books.locations.servers(chunk)[-1])
    bench.order(bench.sim.now / SECOND + 1, holder.name, "drain")

    def appends() -> Any:
        for _ in range(60):
            yield from client.append("/log", MIB)
            yield bench.sim.timeout(3 * SECOND)

    bench.do(appends())
    bench.settle(2)
    assert [row["server"] for row in bench.table("pangu.drained")] == [holder.name]
    assert bench.cell.truth.promises().lost_bytes == 0
    assert set(redundancy(bench)) == {3}


def test_p6_a_new_master_goes_on_with_a_drain_and_waits_for_nobody_who_is_not_there():
    bench = CellBench(per_rack=3, absent=("r4/m2",), dataset=DATASET, heartbeat={"timeout": "10m"})
    bench.order(10, "r1/m1", "decommission")
    bench.run(15)
    assert bench.table("pangu.move")
    bench.cell.daemons[0].kill()
    bench.at(20, bench.cell.daemons[0].start)
    # Far less than the time-out after which the absent machine would be given up.
    bench.run(200)
    (drained,) = bench.table("pangu.drained")
    assert drained["started_s"] == 10
    assert not bench.machines.machine("r1/m1").up
    bench.cell.daemons[0].kill()
    bench.cell.daemons[0].start()
    bench.run(1500)
    assert not bench.table("pangu.server_dead")
    assert set(redundancy(bench)) == {3}


def test_p6_readers_who_remember_a_decommissioned_machine_do_not_wait_for_it():
    bench = CellBench(dataset={"bytes": "5GB", "file_size": "64MiB"}, client={"remember_locations": "60s"})
    client = bench.client("r1/m0")
    bench.order(60, "r1/m1", "decommission")
    paths = [bench.cell.dataset_path(number) for number in range(bench.cell.dataset_paths())]
    mine = bench.core.books.locations.held_by(bench.machines.machine("r1/m1").index).tolist()
    path = paths[mine[0]]

    def reads() -> Any:
        # The nearest replica is the one next door, until it is gone.
        for _ in range(200):
            yield from client.read_file(path)
            yield bench.sim.timeout(SECOND)

    bench.do(reads())
    assert bench.table("hardware.machine_switched_off")
    operations = bench.table("pangu.operation")
    assert len(operations) == 200
    assert all(row["ok"] and row["time_s"] - row["start_s"] < 5 for row in operations)


def test_p6_a_machine_that_is_added_again_before_it_is_switched_off_stays():
    bench = CellBench(dataset=DATASET)
    bench.order(60, "r1/m1", "decommission")
    bench.run(61)
    while not bench.table("pangu.drained"):
        bench.run(bench.sim.now / SECOND + 1)
    bench.order(bench.sim.now / SECOND + 5, "r1/m1", "add")
    bench.settle(5)
    assert bench.machines.machine("r1/m1").up
    assert not bench.table("hardware.machine_switched_off")
    client = bench.client()
    bench.do(*(client.write_file(f"/f{number}", MIB) for number in range(40)))
    assert bench.machines.machine("r1/m1").used_bytes > 0


@pytest.mark.parametrize("kill_s", [100, 121, 133, 134, 135])
def test_p6_a_master_that_dies_in_the_middle_of_moves_leaves_every_chunk_whole_and_in_its_place(kill_s: int):
    """Of four replicas known to the next master, it keeps three that obey the rule, whoever registers first."""
    bench = half_full(rebalance="greedy")
    bench.at(kill_s, bench.cell.daemons[0].kill)
    bench.at(kill_s + 5, bench.cell.daemons[0].start)
    grow(bench, until_s=1200)
    books = bench.core.books
    for chunk in range(books.state.chunks.count):
        assert books.policy.satisfied(books.view, books.locations.servers(chunk))
        assert sorted(bench.holders(chunk)) == sorted(books.locations.servers(chunk))
    assert set(redundancy(bench)) == {3}
    assert not bench.table("pangu.chunk_lost")


def test_p6_an_order_that_does_not_fit_is_refused_with_the_reason():
    bench = CellBench(absent=("r4/m1",))
    bench.order(10, "r4/m1", "drain")
    bench.order(20, "r0/m1", "add")
    bench.run(30)
    refused = [(row["server"], row["action"], row["reason"]) for row in bench.table("pangu.operation_refused")]
    assert refused == [("r4/m1", "drain", "the server is absent"), ("r0/m1", "add", "the server is in-service")]


def test_p6_the_same_growth_twice_is_the_same_digest():
    def digest() -> str:
        bench = half_full(rebalance="two-choices")
        bench.order(30, "r1/m1", "drain")
        grow(bench, until_s=600)
        return bench.sim.facts.digest()

    assert digest() == digest()


def test_p6_none_changes_no_digest():
    def digest(**pangu: Any) -> str:
        bench = CellBench(dataset=DATASET, **pangu)
        bench.at(60, bench.machine(3).crash, "a test")
        client = bench.client()
        bench.do(*(client.write_file(f"/f{number}", 8 * MIB) for number in range(5)))
        bench.run(300)
        return bench.sim.facts.digest()

    assert digest() == digest(rebalance="none") == digest(rebalance={"kind": "none", "interval": "1s"})
