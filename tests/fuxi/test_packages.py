"""Packages in a whole cell: they spread from machine to machine, whoever dies, and then are unpacked."""

from __future__ import annotations

from typing import Any

import google_crc32c
import pytest
from cell_with_apps import Cell, Sweep

from feitian_sim.fuxi.facts import WorkerReady
from feitian_sim.fuxi.packages.facts import PackageFetched
from feitian_sim.pangu.facts import Operation

SIZE_BYTES = 640 * 10**6
#: One whole machine each, for so long that each machine gets one.
EVERYWHERE: dict[str, Any] = {"piece_ns": 200 * 10**9, "vector": (8000, 1 << 30, 0), "package": "w"}


def spreading(machines: int, spread: str = "{piece: 16MB}", unpack: str = "{ratio: 0}", size: str = "640MB") -> Cell:
    """A cell in which nearly all machines need a package from second 30 on: it has come to Pangu by then."""
    fuxi = f"{{packages: {{w: {{size: {size}}}}}, spread: {spread}, unpack: {unpack}}}"
    cell = Cell(fuxi=fuxi, extra="pangu: {hot: null}\n", racks=3, machines=machines // 3)
    cell.submit("a", Sweep(pieces=machines - 1, workers=machines - 1, **EVERYWHERE), 30.0)
    return cell


def workers_on(host: Any) -> int:
    """How many workers there are on a machine, if they have come up or not."""
    return len(host.table.apps["a"].workers) if "a" in host.table.apps else 0


def took_s(cell: Cell) -> list[float]:
    """How long each machine waited for the package."""
    return [item.took_ns / 1e9 for item in cell.of(PackageFetched)]


def test_how_long_a_package_takes_hardly_depends_on_how_many_want_it():
    few, many = spreading(12), spreading(60)
    for cell in (few, many):
        cell.run(90)
    assert (len(took_s(few)), len(took_s(many))) == (11, 59)
    # A disk writes 150 MB in a second.
    assert max(took_s(few)) > SIZE_BYTES / 150e6
    assert max(took_s(many)) < 1.3 * max(took_s(few))


def test_without_peers_three_servers_serve_all():
    """The closed form: each byte of a chunk is read at one of three disks."""
    for peers, bound in (("false", max), ("true", min)):
        cell = spreading(30, spread=f"{{piece: 4MB, peers: {peers}}}", size="64MB")
        cell.run(200)
        at_three_s = 29 * 64e6 / (3 * 150e6)
        slowest_s = max(took_s(cell))
        assert len(took_s(cell)) == 29
        assert bound(slowest_s, 0.99 * at_three_s) == slowest_s


def test_nearly_all_comes_from_peers_and_each_piece_is_read_from_pangu_few_times():
    cell = spreading(30)
    cell.run(90)
    fetched = cell.of(PackageFetched)
    read_bytes = sum(item.size_bytes for item in cell.of(Operation) if item.op == "read")
    assert sum(item.size_bytes - item.peers_bytes for item in fetched) == read_bytes
    assert SIZE_BYTES <= read_bytes < 4 * SIZE_BYTES
    assert sum(item.peers_bytes for item in fetched) > 0.8 * 29 * SIZE_BYTES


def test_what_has_come_is_unpacked_before_the_worker_starts():
    """As fast as one core unpacks or one disk writes, whichever is slower."""
    for rate, bound in (("100MB/s", 100e6), ("900MB/s", 150e6)):
        cell = spreading(12, unpack=f"{{ratio: 2, rate: {rate}}}")
        cell.run(120)
        took_ns = {item.machine: item.took_ns for item in cell.of(PackageFetched)}
        unpacked_s = [(item.package_ns - took_ns[item.machine]) / 1e9 for item in cell.of(WorkerReady)]
        assert unpacked_s == pytest.approx([2 * SIZE_BYTES / bound] * 11, rel=0.02)


@pytest.mark.parametrize("role", ["tracker", "source", "both"])
def test_whoever_dies_all_others_get_it(role: str):
    cell = spreading(30)
    machines = cell.platform.datacenter.machines
    tracker = machines[google_crc32c.value(b"w") % len(machines)]
    cell.run(33)
    under_way = len(took_s(cell))
    assert under_way == 0, "it has come before anybody could die"
    needed = {one.machine.name for one in cell.fuxi.machines if workers_on(one)}
    source = next(one.machine for one in cell.fuxi.machines if one.machine is not tracker and one.machine.name in needed
                  and one.tubo._packages._shelf.pieces_of("w"))  # fmt: skip
    dead = {"tracker": [tracker], "source": [source], "both": [tracker, source]}[role]
    for machine in dead:
        machine.crash("a test")
    cell.run(100)
    got = {item.machine for item in cell.of(PackageFetched)}
    assert got >= needed - {machine.name for machine in dead}
    assert max(took_s(cell)) < 25


def test_a_tubo_that_is_started_anew_fetches_only_what_is_missing():
    cell = spreading(12)
    cell.run(34)
    host = next(one for one in cell.fuxi.machines if one.tubo._packages._shelf.pieces_of("w").bit_count() > 10)
    there = host.tubo._packages._shelf.pieces_of("w").bit_count()
    host.tubo.daemon.kill()
    cell.at(36, host.tubo.daemon.start)
    cell.run(100)
    (fetched,) = [item for item in cell.of(PackageFetched) if item.machine == host.machine.name]
    assert there < 40
    assert fetched.peers_bytes <= (40 - there) * 16 * 10**6


def test_a_disk_that_fails_meanwhile_is_no_launch():
    cell = spreading(12)
    cell.run(34)
    host = next(one for one in cell.fuxi.machines if one.tubo._packages._shelf.pieces_of("w"))
    host.machine.disks[0].fail("a test")
    cell.run(60)
    gone = [line for line in cell.kind.log("a", "gone:launch-failed") if line[2] == host.machine.name]
    assert gone


def test_a_file_that_was_put_anew_is_another_package():
    """As many pieces make a package as it has now, whatever its tracker has seen."""
    cell = spreading(12)
    client = cell.platform.cell.client(cell.platform.datacenter.machines[0], "an operator")

    def put() -> Any:
        yield from client.write_file("/apps/w", 100 * 10**6)
        yield cell.sim.timeout(20 * 10**9)
        yield from client.delete("/apps/w")
        yield from client.write_file("/apps/w", 200 * 10**6)

    cell.sim.process(put())
    own = {"piece_ns": 10**9, "package": "/apps/w"}
    cell.submit("few", Sweep(pieces=1, workers=1, **own), 10.0)
    cell.submit("many", Sweep(pieces=80, workers=80, **own), 26.0)
    cell.run(60)
    assert sorted({item.size_bytes for item in cell.of(PackageFetched)})[:2] == [100 * 10**6, 200 * 10**6]
    assert cell.all_committed("many", 80)


@pytest.mark.parametrize("lost", ["and is replaced", "by a wipe"])
def test_what_a_disk_has_lost_is_fetched_anew(lost: str):
    """The machine knows nothing of it, but for what it finds on the disk when the next worker needs it."""
    cell = spreading(12)
    cell.run(60)
    host = next(one for one in cell.fuxi.machines if workers_on(one))
    (disk,) = host.machine.disks
    if lost == "by a wipe":
        host.machine.crash("a test")
        disk.wipe()
        # Whoever asks while the machine is down is told that there is nothing, wiped or not.
        cell.run(61)
        host.machine.restart()
    else:
        disk.fail("a test")
        disk.replace()
    assert not host.tubo._packages.is_here("w")
    assert not host.tubo._packages._shelf.pieces_of("w")
    cell.submit("b", Sweep(pieces=99, workers=99, piece_ns=300 * 10**9, package="w"), 70.0)
    cell.run(400)
    assert len([item for item in cell.of(PackageFetched) if item.machine == host.machine.name]) == 2


def test_what_comes_onto_a_disk_that_is_lost_and_replaced_meanwhile_does_not_count():
    cell = spreading(12)
    cell.run(33)
    host = next(one for one in cell.fuxi.machines if one.tubo._packages._shelf.pieces_of("w"))
    there = host.tubo._packages._shelf.pieces_of("w").bit_count()
    assert 0 < there < 40
    host.machine.disks[0].fail("a test")
    host.machine.disks[0].replace()
    cell.run(120)
    assert [line for line in cell.kind.log("a", "gone:launch-failed") if line[2] == host.machine.name]
    # Another worker comes there, and finds nothing.
    cell.submit("b", Sweep(pieces=99, workers=99, piece_ns=10**9, package="w"), 300.0)
    cell.run(400)
    (fetched,) = [item for item in cell.of(PackageFetched) if item.machine == host.machine.name]
    assert fetched.peers_bytes > (40 - there) * 16 * 10**6
