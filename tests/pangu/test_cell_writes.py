"""Writing, reading and appending through a whole cell: P2, P8, P9, and what happens when a server dies under it."""

from __future__ import annotations

import pytest
from cell_bench import MIB, CellBench

from feitian_sim.pangu.patience import PanguError


def test_p8_a_file_is_cut_into_chunks_of_64_mib():
    bench = CellBench()
    client = bench.client()
    bench.do(client.write_file("/f", 200 * MIB))
    lengths = bench.core.books.state.chunks.lengths
    assert [int(lengths[chunk]) // MIB for chunk in bench.chunks("/f")] == [64, 64, 64, 8]
    assert bench.do(client.read_file("/f")) == [200 * MIB]
    assert bench.do(client.stat("/f")) == [200 * MIB]
    assert bench.do(client.list("/")) == [("f",)]


def test_p2_an_acknowledged_write_is_on_three_racks():
    bench = CellBench()
    bench.do(bench.client().write_file("/f", 200 * MIB))
    for chunk in bench.chunks("/f"):
        holders = bench.holders(chunk)
        assert len({bench.machine(server).rack for server in holders}) == 3


def test_p9_the_primary_acknowledges_when_all_replicas_have_it():
    """Content on all replicas at the instant of the acknowledgement, and the order of appends is one and the same."""
    bench = CellBench()
    names = [f"r{rack}/m0" for rack in range(4)]
    clients = [bench.client(name) for name in names]
    bench.do(clients[0].create("/log"))

    def appends(client):
        for _ in range(5):
            yield from client.append("/log", MIB)

    bench.do(*(appends(client) for client in clients))
    (chunk,) = bench.chunks("/log")
    replicas = [bench.cell.keepers[server].store.get(chunk) for server in bench.holders(chunk)]
    assert len(replicas) == 3
    assert replicas[0].extents == replicas[1].extents == replicas[2].extents
    written = [(extent.writer, extent.sequence) for extent in replicas[0].extents]
    assert len(dict.fromkeys(written)) == 20
    for name in names:
        own = [sequence for writer, sequence in written if writer == f"client@{name}"]
        assert own == sorted(own)


def test_p9_the_pipeline_is_no_faster_than_the_hardware():
    """A write of one chunk is synced on disks: no faster than one disk, no slower than the steps one by one."""
    bench = CellBench()
    bench.do(bench.client().write_file("/f", 64 * MIB))
    (done,) = [row for row in bench.table("pangu.operation") if row["op"] == "write"]
    disk = bench.machine(0).disks[0].config
    at_best_s = 64 * MIB * 8 / disk.write_bandwidth
    assert at_best_s < done["time_s"] - done["start_s"] < 3 * at_best_s + 0.2


def test_a_replica_that_dies_in_mid_write_costs_time_and_no_data():
    bench = CellBench()
    client = bench.client()
    writing = bench.sim.process(client.write_file("/f", 640 * MIB))
    bench.run(2)
    victim = next(server for server in bench.holders(bench.chunks("/f")[0]) if server > 1)
    bench.machine(victim).crash("a test")
    bench.run(300)
    assert writing.processed
    bench.settle()
    assert bench.do(client.read_file("/f")) == [640 * MIB]
    for chunk in bench.chunks("/f"):
        assert len([server for server in bench.holders(chunk) if server != victim]) == 3
    assert bench.cell.truth.promises().lost_bytes == 0


def test_appends_go_on_when_the_primary_dies():
    bench = CellBench()
    clients = [bench.client("r0/m1"), bench.client("r1/m1")]
    bench.do(clients[0].create("/log"))

    def appends(client, count):
        for _ in range(count):
            yield from client.append("/log", MIB)

    bench.do(*(appends(client, 2) for client in clients))
    (chunk,) = bench.chunks("/log")
    primary = bench.core.books.leases.current(chunk, bench.sim.now).servers[0]
    bench.at(bench.sim.now / 1e9 + 0.05, bench.machine(primary).crash, "a test")
    alive = [
        client for client, name in zip(clients, ("r0/m1", "r1/m1"), strict=True) if bench.machine(primary).name != name
    ]
    bench.do(*(appends(client, 10) for client in alive))
    bench.settle()
    assert bench.cell.truth.promises().lost_bytes == 0
    appended = [
        (extent.writer, extent.sequence)
        for number in bench.chunks("/log")
        for extent in bench.cell.keepers[bench.holders(number)[0]].store.get(number).extents
    ]
    # A record that was tried twice may be there twice (GFS: at least once); none is missing.
    assert len(dict.fromkeys(appended)) >= 4 + 10 * len(alive)


def test_what_cannot_be_done_says_so():
    bench = CellBench()
    client = bench.client()
    bench.do(client.create("/f"))
    with pytest.raises(PanguError, match="already there"):
        bench.do(client.create("/f"))
    with pytest.raises(PanguError, match="no file"):
        bench.do(client.read_file("/nothing"))
    with pytest.raises(PanguError, match="does not fit into a chunk"):
        bench.do(client.append("/f", 65 * MIB))
    failed = [row["error"] for row in bench.table("pangu.operation") if not row["ok"]]
    assert len(failed) == 3


def test_a_deleted_file_gives_its_space_back():
    bench = CellBench()
    client = bench.client()
    bench.do(client.write_file("/f", 200 * MIB))
    assert sum(keeper.used_bytes for keeper in bench.cell.keepers.values()) == 600 * MIB
    bench.do(client.delete("/f"))
    bench.settle(1)
    assert sum(keeper.used_bytes for keeper in bench.cell.keepers.values()) == 0


def test_a_full_cluster_refuses_writes_and_loses_nothing():
    bench = CellBench(
        racks=3,
        per_rack=1,
        disks=1,
        dataset={"bytes": "1990GB", "file_size": "50GB"},
        client={"operation_deadline": "1m"},
    )
    client = bench.client("r0/m0")
    with pytest.raises(PanguError):
        bench.do(client.write_file("/f", 20 * 10**9))
    assert all(keeper.used_bytes <= keeper.capacity_bytes for keeper in bench.cell.keepers.values())


def test_p14_a_file_is_written_in_requests_of_any_size():
    bench = CellBench()
    bench.do(bench.client().write_file("/f", 96 * MIB, 5 * MIB))
    held = [bench.cell.keepers[bench.holders(chunk)[0]].store.get(chunk).extents for chunk in bench.chunks("/f")]
    # Each chunk ends with what is left of it.
    assert [extent.length_bytes // MIB for extent in held[0]] == [5] * 12 + [4]
    assert [extent.length_bytes // MIB for extent in held[1]] == [5] * 6 + [2]
    assert held[1][0].offset_bytes == 64 * MIB


def test_what_a_request_costs_is_paid_once_for_each_and_within_the_primarys_turn():
    cost_s = 0.5
    request = {"write_cost": "500ms", "read_cost": "500ms"}
    took = {}
    for name, more in (("free", {}), ("dear", {"request": request})):
        bench = CellBench(**more)
        client = bench.client()

        def timed(what, bench=bench):
            start_ns = bench.sim.now
            yield from what
            return (bench.sim.now - start_ns) / 1e9

        (took[name, "write"],) = bench.do(timed(client.write_file("/f", 8 * MIB, MIB)))
        (took[name, "read"],) = bench.do(timed(client.read_file("/f")))
    assert took["dear", "write"] - took["free", "write"] == pytest.approx(8 * cost_s, abs=0.01)
    assert took["dear", "read"] - took["free", "read"] == pytest.approx(cost_s, abs=0.01)
