"""Writes that a disk lost, misdirected or serves stale: found by the checksum, repaired, and no client is misled."""

from __future__ import annotations

from typing import Any

import pytest
from cell_bench import MIB, CellBench
from pydantic import TypeAdapter

from feitian_sim.faults.config import FaultConfig
from feitian_sim.faults.wiring import install
from feitian_sim.pangu.replica_keeper import ReplicaKeeper

DATASET = {"bytes": "8GB", "file_size": "256MiB"}


def written(bench: CellBench, files: int = 12) -> list[Any]:
    """Write files; returns a client on every machine."""
    clients = [bench.client(f"r{rack}/m{number}") for rack in range(5) for number in range(2)]
    for number in range(files):
        bench.do(clients[number % 10].write_file(f"/f{number}", 8 * MIB))
    return clients


def keeper_with(bench: CellBench, disk: int = 0) -> ReplicaKeeper:
    """The first server with at least two replicas on a disk."""
    return next(one for one in bench.cell.keepers.values() if len(one.store.on_disk(disk)) > 1)


def strike(bench: CellBench, how: str) -> tuple[str, list[int], Any]:
    """Strike the first fitting disk; its machine, the chunks that are damaged, and how it ends."""
    keeper = keeper_with(bench)
    disk = keeper.machine.disks[0]
    undo = None
    used_bytes = disk.used_bytes
    assert disk.contents is not None
    if how == "lost-write":
        assert disk.contents.lose_write(0.3)
    elif how == "misdirect":
        assert disk.contents.misdirect(0.3, 0.3)
    else:
        what, undo = disk.contents.go_stale(0.3, 0.5)
        assert what
    assert disk.used_bytes == used_bytes
    hit = keeper.damaged_chunks()
    assert len(hit) == (2 if how == "misdirect" else 1)
    return keeper.machine.name, hit, undo


@pytest.mark.parametrize("how", ["lost-write", "misdirect", "stale-read"])
def test_readers_get_right_bytes_and_the_replica_is_repaired(how: str) -> None:
    bench = CellBench()
    clients = written(bench)
    server, hit, _ = strike(bench, how)
    for number in range(12):
        assert bench.do(*(client.read_file(f"/f{number}") for client in clients)) == [8 * MIB] * 10
    bench.settle()
    assert [row["server"] for row in bench.table("pangu.corruption_found")] == [server] * len(hit)
    assert [row["server"] for row in bench.table("pangu.corruption_repaired")] == [server] * len(hit)
    assert all(len(bench.holders(chunk)) == 3 for chunk in hit)
    assert not bench.table("pangu.wrong_bytes")


@pytest.mark.parametrize("how", ["lost-write", "misdirect", "stale-read"])
def test_scrubbing_finds_what_nobody_reads(how: str) -> None:
    bench = CellBench(scrub={"every": "1h"}, dataset=DATASET)
    server, hit, _ = strike(bench, how)
    bench.run(2 * 3600)
    assert [row["server"] for row in bench.table("pangu.corruption_found")] == [server] * len(hit)
    assert all(len(bench.holders(chunk)) == 3 for chunk in hit)
    assert not bench.table("pangu.wrong_bytes")


def test_stale_reads_that_end_before_anybody_reads_leave_nothing_behind() -> None:
    bench = CellBench(dataset=DATASET)
    _, (chunk,), undo = strike(bench, "stale-read")
    holders = len(bench.holders(chunk))
    undo()
    assert len(bench.holders(chunk)) == holders + 1
    bench.run(3600)
    assert not bench.table("pangu.corruption_found")


def test_a_stale_replica_that_was_restored_meanwhile_is_left_alone() -> None:
    bench = CellBench(scrub={"every": "1h"}, dataset=DATASET)
    _, (chunk,), undo = strike(bench, "stale-read")
    bench.run(2 * 3600)
    before = {one: keeper.store.get(chunk) for one, keeper in bench.cell.keepers.items()}
    undo()
    assert {one: keeper.store.get(chunk) for one, keeper in bench.cell.keepers.items()} == before


def test_chunk_reads_that_fail_go_to_another_replica_and_nothing_is_repaired_for_it() -> None:
    bench = CellBench()
    clients = written(bench, 3)
    machine = bench.machine(bench.holders(bench.chunks("/f0")[0])[0])
    for disk in machine.disks:
        disk.trouble.fail_share(1.0, bench.sim.stream("test", disk.name))
    assert bench.do(*(client.read_file("/f0") for client in clients)) == [8 * MIB] * 10
    assert not bench.table("pangu.corruption_found")


@pytest.mark.parametrize("trouble", ["full", "readonly", "fsync-fail", "hang"])
def test_writes_go_elsewhere_and_all_goes_on_afterwards(trouble: str) -> None:
    bench = CellBench()
    clients = written(bench, 3)
    sealed = bench.chunks("/f0")[0]
    machine = bench.machine(bench.holders(sealed)[0])
    for disk in machine.disks:
        if trouble == "full":
            disk.trouble.occupied_bytes = disk.free_bytes
        elif trouble == "readonly":
            disk.trouble.read_only = True
        elif trouble == "fsync-fail":
            disk.trouble.failing_syncs = 1
        else:
            disk.trouble.hung = True
    bench.do(*(clients[0].write_file(f"/during{number}", 8 * MIB) for number in range(8)))
    for disk in machine.disks:
        disk.trouble.occupied_bytes, disk.trouble.read_only, disk.trouble.hung = 0, False, False
    bench.settle()
    bench.do(*(clients[0].write_file(f"/after{number}", 8 * MIB) for number in range(8)))
    names = ["f0", *(f"{when}{number}" for when in ("during", "after") for number in range(8))]
    assert bench.do(*(clients[5].read_file(f"/{name}") for name in names)) == [8 * MIB] * 17
    assert len(bench.holders(sealed)) == 3
    assert not bench.table("pangu.wrong_bytes")
    assert not bench.table("pangu.corruption_found")


def test_a_wiped_disk_is_noticed_when_its_server_returns_and_everything_is_restored() -> None:
    bench = CellBench(dataset=DATASET)
    keeper = keeper_with(bench)
    chunks = keeper.store.on_disk(0).tolist()
    keeper.machine.disks[0].wipe()
    bench.at(10, keeper.machine.crash, "test")
    bench.at(15, keeper.machine.restart)
    bench.run(20)
    assert not keeper.store.on_disk(0).tolist()
    bench.settle()
    assert all(len(bench.holders(chunk)) == 3 for chunk in chunks)
    assert not bench.table("pangu.wrong_bytes")


@pytest.mark.parametrize("kind", ["disk-lost-write", "disk-misdirect", "disk-stale-read"])
def test_as_a_fault_of_the_scenario_it_tells_what_it_struck(kind: str) -> None:
    bench = CellBench(scrub={"every": "1h"}, dataset=DATASET)
    machine = keeper_with(bench).machine
    fault = {"kind": kind, "at": "1s", "target": {"disk": f"{machine.name}/d0"}}
    install(bench.sim, bench.machines, [], [TypeAdapter(FaultConfig).validate_python(fault)])
    bench.run(2 * 3600)
    (damaged,) = bench.table("hardware.disk_damaged")
    assert damaged["damage"] == kind.removeprefix("disk-")
    found = [f"chunk {row['chunk']}" for row in bench.table("pangu.corruption_found")]
    assert len(found) == (2 if kind == "disk-misdirect" else 1)
    assert all(one.split()[1] in damaged["what"] for one in found)
    assert not bench.table("pangu.wrong_bytes")
