"""A cell under failures: detection and re-replication (P3), a master that dies, heartbeats that take no events."""

from __future__ import annotations

import pytest
from cell_bench import MIB, CellBench

from feitian_sim.kernel import SECOND
from feitian_sim.pangu.avoidance import Avoidance

DATASET = {"bytes": "20GB", "file_size": "256MiB"}


def test_p3_a_dead_server_is_found_and_its_replicas_restored_elsewhere():
    bench = CellBench(dataset=DATASET)
    victim = bench.machine(3)
    held = bench.core.books.locations.held_by(3).tolist()
    bench.at(60, victim.crash, "a test")
    bench.run(1800)
    (dead,) = bench.table("pangu.server_dead")
    # Silent since its last beat, at most 3 s before; looked at every second.
    assert 60 + 30 - 3 <= dead["time_s"] <= 60 + 30 + 1
    assert dead["replicas"] == len(held)
    assert sum(row["chunks"] for row in bench.table("pangu.repair")) == len(held)
    for chunk in held:
        holders = [server for server in bench.holders(chunk) if server != 3]
        assert len({bench.machine(server).rack for server in holders}) == 3


def test_p3_a_server_that_comes_back_keeps_what_is_good_and_drops_the_rest():
    bench = CellBench(dataset=DATASET)
    held = len(bench.core.books.locations.held_by(3))
    bench.at(60, bench.machine(3).crash, "a test")
    bench.at(110, bench.machine(3).restart)
    bench.run(1800)
    (back,) = bench.table("pangu.server_returned")
    assert back["kept"] + back["surplus"] + back["stale"] == held
    assert back["kept"] > 0
    assert back["surplus"] > 0
    count = bench.core.books.state.chunks.count
    # No chunk has too many replicas, and none too few, by the disks and by the books.
    assert all(len(bench.holders(chunk)) == 3 for chunk in range(count))
    assert (bench.core.books.locations.live(count) == 3).all()


def test_a_replica_that_missed_the_end_of_its_chunk_but_no_byte_of_it_is_good_when_its_server_returns():
    bench = CellBench()
    client = bench.client("r0/m1")
    bench.do(client.create("/log"))
    bench.do(client.append("/log", MIB))
    (chunk,) = bench.chunks("/log")
    victim = next(server for server in bench.core.books.locations.servers(chunk)[1:] if server > 1)
    bench.machine(victim).crash("a test")
    bench.do(client.append("/log", MIB))
    bench.machine(victim).restart()
    bench.settle()
    # The chunk was closed without it, under a version that nobody was primary of.
    assert [row["stale"] for row in bench.table("pangu.server_returned")] == [0]
    assert victim in bench.holders(chunk)
    assert len(bench.chunks("/log")) == 2
    assert bench.cell.truth.promises().lost_bytes == 0


def test_a_lost_disk_is_repaired_without_waiting_for_silence():
    bench = CellBench(dataset=DATASET)
    bench.at(60, bench.machine(3).disks[0].fail, "a test")
    bench.run(1800)
    (lost,) = bench.table("pangu.replicas_lost")
    assert lost["time_s"] < 75
    assert sum(row["chunks"] for row in bench.table("pangu.repair")) == lost["replicas"]
    assert not bench.table("pangu.server_dead")


def test_what_is_gone_for_good_is_called_lost_and_what_may_return_is_not():
    # One master, on a machine that stays.
    bench = CellBench(dataset=DATASET, masters=1)
    for number in range(10):
        machine = bench.machine(number)
        if machine.rack != 0:
            bench.at(60, machine.crash, "a test")
    only_there = [
        chunk
        for chunk in range(bench.core.books.state.chunks.count)
        if all(bench.machine(server).rack for server in bench.holders(chunk))
    ]
    bench.run(300)
    assert sorted(row["chunk"] for row in bench.table("pangu.chunk_unavailable")) == only_there
    assert not bench.table("pangu.chunk_lost")
    for number in range(10):
        machine = bench.machine(number)
        if machine.rack == 1:
            for disk in machine.disks:
                bench.at(310, disk.fail, "a test")
            bench.at(320, machine.restart)
        elif machine.rack:
            bench.at(330, machine.restart)
    bench.run(3600)
    assert sorted(row["chunk"] for row in bench.table("pangu.chunk_available")) == only_there
    assert not bench.table("pangu.chunk_lost")


def test_a_chunk_without_any_replica_is_lost():
    bench = CellBench(racks=3, per_rack=1, disks=1, dataset={"bytes": "640MB"})
    for number in range(3):
        bench.at(60, bench.machine(number).disks[0].fail, "a test")
    bench.run(300)
    assert len(bench.table("pangu.chunk_lost")) == bench.core.books.state.chunks.count


@pytest.mark.parametrize("masters", [1, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_master_that_dies_under_load_forgets_nothing_that_it_acknowledged(seed, masters):
    bench = CellBench(seed=seed, dataset={"bytes": "5GB"}, masters=masters)
    clients = [bench.client(f"r{rack}/m1") for rack in range(1, 4)]

    def load(client, number):
        for file in range(6):
            yield from client.write_file(f"/{number}/{file}", 96 * MIB)
            yield from client.append("/log", MIB)

    def kill_the_active_one():
        daemon = bench.cell.daemons[bench.cell.masters.active.member]
        daemon.kill()
        bench.sim.call_later(2 * SECOND, daemon.start)

    bench.do(clients[0].create("/log"))
    for at_s in (1.5, 8.0, 15.3):
        bench.at(at_s, kill_the_active_one)
    bench.do(*(load(client, number) for number, client in enumerate(clients)))
    bench.settle(3)
    assert len(bench.table("pangu.master_ready")) == 4
    promises = bench.cell.truth.promises()
    assert promises.files > 18
    assert (promises.lost_metadata, promises.lost_bytes) == (0, 0)
    assert bench.table("pangu.client_paused")
    for number in range(3):
        assert bench.do(clients[0].read_file(f"/{number}/5")) == [96 * MIB]
    count = bench.core.books.state.chunks.count
    wanted = bench.core.books.state.chunks.present & bench.core.books.state.chunks.sealed
    assert (bench.core.books.locations.live(count)[wanted] == 3).all()


def outage_with(elide: bool) -> tuple[list[dict], list[dict], bool]:
    bench = CellBench(dataset=DATASET, heartbeat={"timeout": "30s", "elide": elide})
    bench.at(61.234, bench.machine(3).crash, "a test")
    bench.at(200.5, bench.machine(3).restart)
    bench.at(300, bench.cell.daemons[0].kill)
    bench.at(305, bench.cell.daemons[0].start)
    bench.at(320, bench.machine(7).crash, "a test")
    bench.run(900)
    count = bench.core.books.state.chunks.count
    whole = (bench.core.books.locations.live(count) == 3).all()
    return bench.table("pangu.server_dead"), bench.table("pangu.server_returned"), bool(whole)


def test_elided_heartbeats_detect_at_the_same_instants_as_explicit_ones():
    explicit, elided = outage_with(False), outage_with(True)
    assert [(row["server"], row["time_s"]) for row in elided[0]] == [
        (row["server"], row["time_s"]) for row in explicit[0]
    ]
    assert len(elided[0]) == 2
    # Those that register with another master at one instant arrive in the order of their messages' jitter.
    assert sorted(row["server"] for row in elided[1]) == sorted(row["server"] for row in explicit[1])
    assert elided[2]
    assert explicit[2]


def test_a_reader_pays_for_a_dead_server_once_and_not_once_a_chunk():
    bench = CellBench(dataset={"bytes": "4GB", "file_size": "64MiB"}, heartbeat={"timeout": "15m"})
    client = bench.client("r0/m1")

    def reads():
        for number in range(50):
            yield from client.read_file(f"/dataset/{number:09d}", 0, 64 * MIB)

    bench.do(reads())
    calm_s = bench.sim.now / 1e9
    bench.machine(4).crash("a test")
    before_s = bench.sim.now / 1e9
    bench.do(reads())
    # About thirty of the fifty files have a replica there; one time-out is 10 s, and is forgiven after 60 s.
    assert calm_s < 40
    assert bench.sim.now / 1e9 - before_s < calm_s + 2 * 10.5


def test_a_server_at_fault_is_forgiven_after_a_while():
    avoidance = Avoidance(for_ns=100)
    avoidance.failed((3, 5), 0)
    assert avoidance.avoided(99) == (3, 5)
    avoidance.answered(5)
    assert avoidance.avoided(99) == (3,)
    assert avoidance.avoided(100) == ()


def test_p4_readers_that_share_disks_are_slow_and_read_nothing_twice():
    """Against the closed form: a disk serves its readers at equal shares, however long that takes."""
    bench = CellBench(
        racks=6, per_rack=10, dataset={"bytes": "64MiB", "file_size": "64MiB"}, client={"data_deadline": "3s"}
    )
    (chunk,) = bench.chunks("/dataset/000000000")
    readers = [
        bench.client(machine.name) for machine in bench.machines.machines if machine.index not in bench.holders(chunk)
    ]
    bench.do(*(one.read_file("/dataset/000000000") for one in readers))
    reads = bench.table("pangu.operation")
    assert [row["error"] for row in reads] == [""] * len(readers)
    longest_s = max(row["time_s"] - row["start_s"] for row in reads)
    # Whoever reads the fullest of three disks shares it with a third or more, and with nobody's second try.
    alone_s = 64 * MIB / 150e6
    assert longest_s >= alone_s * len(readers) / 3 > 3
    assert longest_s <= alone_s * len(readers) / 2
    assert {row["size_bytes"] for row in reads} == {64 * MIB}
