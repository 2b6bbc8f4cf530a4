"""Disks: queue, cache, space, links and failures."""

from __future__ import annotations

import pytest

from feitian_sim.hardware import (
    ClusterConfig,
    DataCenter,
    Disk,
    DiskBroken,
    DiskConfig,
    DiskFull,
    MachineConfig,
)
from feitian_sim.kernel import MILLISECOND, Fact, Owner, Simulation
from feitian_sim.kernel.units import KB, MB

# 100 MB/s: one MB takes 10 ms.
PLAIN = DiskConfig(
    capacity="1GB",
    read_bandwidth="100MB/s",
    write_bandwidth="50MB/s",
    seek="8ms",
    half_duplex=True,
    cache="4MB",
    sync_latency="2ms",
)


class Log:
    """Notes when what ended, in milliseconds."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.lines: list[tuple[float, str]] = []

    def __call__(self, what: str) -> None:
        self.lines.append((self.sim.now / MILLISECOND, what))


class Shelf:
    """Contents that remember what befell them."""

    def __init__(self) -> None:
        self.log: list[object] = []

    def rot(self, uniform: float) -> str | None:
        self.log.append(("rot", uniform))
        return "chunk-1" if uniform < 0.5 else None

    def sector_error(self, uniform: float) -> str | None:
        self.log.append(("sector", uniform))
        return "chunk-2"

    def lost(self) -> int:
        self.log.append("lost")
        return 1


def disk_of(sim: Simulation, config: DiskConfig = PLAIN) -> Disk:
    cluster = ClusterConfig(racks=1, machines_per_rack=1, machine=MachineConfig(disks=1, disk=config))
    return DataCenter(sim, cluster).machines[0].disks[0]


@pytest.fixture
def disk(sim: Simulation) -> Disk:
    return disk_of(sim)


@pytest.fixture
def owner(sim: Simulation) -> Owner:
    return sim.owner("p")


@pytest.fixture
def log(sim: Simulation) -> Log:
    return Log(sim)


@pytest.fixture
def facts(sim: Simulation) -> list[Fact]:
    seen: list[Fact] = []
    sim.facts.subscribe("*", lambda _, item: seen.append(item))
    return seen


def test_reads_queue_for_the_head_each_with_seek_and_transfer(
    sim: Simulation, disk: Disk, owner: Owner, log: Log
) -> None:
    disk.read(MB, owner, log, "first")
    disk.read(2 * MB, owner, log, "second")
    sim.run()
    assert log.lines == [(18, "first"), (18 + 28, "second")]


def test_a_write_that_fits_the_cache_does_not_wait_for_the_head(
    sim: Simulation, disk: Disk, owner: Owner, log: Log
) -> None:
    disk.read(MB, owner, log, "read")
    disk.write(MB, owner, log, "write")
    sim.run()
    assert log.lines == [(0, "write"), (18, "read")]
    assert disk.unsynced_bytes == MB


def test_sync_writes_the_cache_back_then_adds_its_latency(sim: Simulation, disk: Disk, owner: Owner, log: Log) -> None:
    disk.write(MB, owner, log, "write")
    disk.sync(owner, log, "sync")
    disk.sync(owner, log, "nothing to sync")
    sim.run()
    assert log.lines == [(0, "write"), (8 + 20 + 2, "sync"), (30 + 2, "nothing to sync")]
    assert disk.unsynced_bytes == 0


def test_a_write_beyond_the_cache_takes_all_of_it_to_the_medium(
    sim: Simulation, disk: Disk, owner: Owner, log: Log
) -> None:
    disk.write(3 * MB, owner, log, "fits")
    disk.write(2 * MB, owner, log, "does not")
    sim.run()
    assert log.lines == [(0, "fits"), (8 + 5 * 20, "does not")]


def test_slowness_scales_queue_and_links(sim: Simulation, disk: Disk, owner: Owner, log: Log) -> None:
    network = disk.network
    disk.slow_factor = 2.0
    disk.read(MB, owner, log, "read")
    sim.run()
    assert log.lines == [(36, "read")]
    assert network.links.capacity[disk.read_link] == 50 * MB
    disk.slow_factor = 1.0
    assert network.links.capacity[disk.read_link] == 100 * MB


def test_owner_death_frees_its_place_in_the_queue(sim: Simulation, disk: Disk, owner: Owner, log: Log) -> None:
    other = sim.owner("other")
    disk.read(MB, owner, log, "in service")
    disk.read(MB, owner, log, "queued")
    disk.read(MB, other, log, "other")
    sim.call_later(5 * MILLISECOND, owner.kill)
    sim.run()
    assert log.lines == [(5 + 18, "other")]


def test_a_dead_owner_writes_nothing(sim: Simulation, disk: Disk, owner: Owner, log: Log) -> None:
    owner.kill()
    disk.write(MB, owner, log, "write")
    sim.run()
    assert (disk.unsynced_bytes, log.lines) == (0, [])


def test_crash_drops_cache_and_queue(sim: Simulation, disk: Disk, owner: Owner, log: Log) -> None:
    disk.write(MB, owner, log, "write")
    sim.run()
    disk.read(MB, owner, log, "read")
    disk.machine.crash("test")
    assert disk.unsynced_bytes == 0
    disk.read(MB, owner, log, "while down")
    sim.run()
    assert log.lines == [(0, "write")]


def test_space_is_taken_and_given_back(disk: Disk) -> None:
    disk.allocate(900 * MB)
    with pytest.raises(DiskFull, match="r0/m0/d0 has 100000000 bytes left"):
        disk.allocate(101 * MB)
    assert disk.used_bytes == 900 * MB
    disk.release(800 * MB)
    disk.allocate(101 * MB)
    assert disk.free_bytes == 1000 * MB - 201 * MB


def test_a_failed_disk_loses_all_tells_its_contents_and_carries_nothing(
    sim: Simulation, disk: Disk, owner: Owner, log: Log, facts: list[Fact]
) -> None:
    disk.contents = shelf = Shelf()
    disk.allocate(MB)
    disk.read(KB, owner, log, "never")
    disk.fail("wear")
    disk.fail("again")
    disk.read(KB, owner, log, "never")
    sim.run()
    assert shelf.log == ["lost"]
    assert log.lines == []
    assert (disk.used_bytes, disk.free_bytes) == (0, 0)
    assert [disk.network.links.capacity[link] for link in disk.read_links] == [0, 0]
    with pytest.raises(DiskBroken):
        disk.allocate(1)
    assert [(fact.kind, type(fact).values(fact)) for fact in facts] == [
        ("hardware.disk_failed", ("r0/m0/d0", "r0/m0", "r0", "wear"))
    ]


def test_a_replaced_disk_is_empty_and_serves(sim: Simulation, disk: Disk, owner: Owner, log: Log) -> None:
    disk.allocate(MB)
    disk.slow_factor = 4.0
    disk.fail("wear")
    disk.replace()
    disk.read(MB, owner, log, "read")
    sim.run()
    assert log.lines == [(18, "read")]
    assert disk.free_bytes == disk.capacity_bytes
    assert disk.network.links.capacity[disk.read_link] == 100 * MB


def test_damage_is_the_contents_business_and_a_fact_when_it_hit(disk: Disk, facts: list[Fact]) -> None:
    assert disk.rot(0.1) is None, "an empty disk cannot rot"
    disk.contents = shelf = Shelf()
    assert disk.rot(0.1) == "chunk-1"
    assert disk.rot(0.9) is None
    assert disk.sector_error(0.3) == "chunk-2"
    assert shelf.log == [("rot", 0.1), ("rot", 0.9), ("sector", 0.3)]
    assert [type(fact).values(fact) for fact in facts] == [
        ("r0/m0/d0", "rot", "chunk-1"),
        ("r0/m0/d0", "sector-error", "chunk-2"),
    ]


def test_reads_and_writes_share_the_head_of_a_hard_disk_only(sim: Simulation, disk: Disk) -> None:
    assert len(disk.read_links) == len(disk.write_links) == 2
    assert disk.read_links[1] == disk.write_links[1]
    solid = disk_of(sim, PLAIN.model_copy(update={"half_duplex": False}))
    assert (solid.read_links, solid.write_links) == ((solid.read_link,), (solid.write_link,))
