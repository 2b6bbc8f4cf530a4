"""Shuffles: who pulls what, what is lost, and that bundles stand for the transfers they replace (DESIGN rule 5)."""

from __future__ import annotations

import numpy as np
import pytest

from feitian_sim.fuxi.job.config import ShuffleConfig
from feitian_sim.fuxi.job.local_outputs import LocalOutputs
from feitian_sim.fuxi.job.plan import EdgePlan
from feitian_sim.fuxi.job.shuffle import Offer, Shuffles
from feitian_sim.fuxi.job.sizes import sources_of, taken
from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import MIB, SECOND, Simulation


def _cluster(racks: int, machines_per_rack: int, nic: str = "2Gbit/s", oversubscription: int = 4) -> DataCenter:
    config = ClusterConfig.model_validate(
        {
            "racks": racks,
            "machines_per_rack": machines_per_rack,
            "machine": {"cores": 12, "memory": "96GiB", "disks": 4, "disk": "hdd-2tb", "nic": nic},
            "network": {"kind": "tree", "oversubscription": oversubscription},
        }
    )
    return DataCenter(Simulation(3), config)


def _filled(datacenter: DataCenter, outputs: LocalOutputs, maps_each: int, size_bytes: int) -> Offer:
    machines = [machine.index for machine in datacenter.machines for _ in range(maps_each)]
    for instance, index in enumerate(machines):
        disk = outputs.disk_for(datacenter.machines[index], size_bytes)
        assert disk is not None
        assert outputs.put("job", 0, instance, disk, size_bytes)
    return Offer(
        "job",
        0,
        np.arange(len(machines)),
        np.array(machines, dtype=np.int64),
        np.full(len(machines), size_bytes // len(machines), dtype=np.int64),
    )


def _stage(bundle_above: int, *, skew: bool = False) -> tuple[list[int], dict[str, int], int]:
    """The ends of all consumers of a sort's shuffle on 100 machines, what was carried, and how many flows."""
    datacenter = _cluster(5, 20)
    sim = datacenter.sim
    outputs = LocalOutputs(datacenter)
    config = ShuffleConfig.model_validate({"bundle_above": bundle_above, "window": "1s"})
    shuffles = Shuffles(datacenter, outputs, config)
    offer = _filled(datacenter, outputs, maps_each=4, size_bytes=400 * MIB)
    ends: list[int] = []
    consumers = 100
    for number in range(consumers):
        machine = datacenter.machines[number // 2 if skew else number]
        sim.call_later(
            number * SECOND // 200,
            shuffles.pull,
            machine,
            sim.owner(f"c{number}"),
            offer,
            consumers,
            lambda lost: ends.append(sim.now) or None if not lost else pytest.fail("lost"),
        )
    sim.run()
    return ends, datacenter.network.traffic(), shuffles.transfers + shuffles.bundles


@pytest.mark.parametrize("skew", [False, True])
def test_f7_bundles_stand_for_the_transfers_of_a_shuffle_at_100_machines(skew: bool) -> None:
    """Same bytes on the racks' links; the last consumer ends within 10 %, the mean within 15 %; far fewer flows."""
    pairs, carried, flows = _stage(10**9, skew=skew)
    bundles, also_carried, fewer = _stage(0, skew=skew)
    assert len(pairs) == len(bundles) == 100
    assert max(bundles) == pytest.approx(max(pairs), rel=0.10)
    assert np.mean(bundles) == pytest.approx(np.mean(pairs), rel=0.15)
    assert also_carried["rack"] == pytest.approx(carried["rack"], rel=0.001)
    assert also_carried["disk-read"] == pytest.approx(carried["disk-read"], rel=0.001)
    assert flows == 10_000
    assert fewer <= 50


def test_a_pull_is_as_fast_as_its_bottleneck() -> None:
    """By hand: one consumer with one card of 2 Gbit/s takes 100 MiB from each of ten machines in its rack."""
    datacenter = _cluster(1, 11)
    sim, outputs = datacenter.sim, LocalOutputs(datacenter)
    shuffles = Shuffles(datacenter, outputs, ShuffleConfig())
    machines = np.arange(1, 11)
    for instance, index in enumerate(machines.tolist()):
        disk = outputs.disk_for(datacenter.machines[index], 100 * MIB)
        assert disk is not None
        outputs.put("job", 0, instance, disk, 100 * MIB)
    offer = Offer("job", 0, np.arange(10), machines, np.full(10, 100 * MIB))
    ends: list[int] = []
    shuffles.pull(datacenter.machines[0], sim.owner("c"), offer, 1, lambda lost: ends.append(sim.now))
    sim.run()
    assert ends[0] == pytest.approx(1000 * MIB * 8 / 2e9 * SECOND, rel=0.001)


@pytest.mark.parametrize("bundle_above", [0, 10**9])
def test_outputs_of_a_machine_that_went_down_are_reported_lost(bundle_above: int) -> None:
    """Also when the machine is up again by then: it comes back with an empty directory."""
    datacenter = _cluster(2, 3)
    sim, outputs = datacenter.sim, LocalOutputs(datacenter)
    config = ShuffleConfig.model_validate({"bundle_above": bundle_above})
    shuffles = Shuffles(datacenter, outputs, config)
    offer = _filled(datacenter, outputs, 2, 60 * MIB)
    used = datacenter.machines[4].used_bytes
    assert used == 120 * MIB
    datacenter.machines[4].crash("test")
    datacenter.machines[4].restart()
    assert datacenter.machines[4].used_bytes == 0
    told: list[tuple[int, ...]] = []
    shuffles.pull(datacenter.machines[0], sim.owner("c"), offer, 1, told.append)
    sim.run()
    assert told == [(4,)]


def test_outputs_on_a_disk_that_was_replaced_are_lost_and_those_beside_it_are_not() -> None:
    datacenter = _cluster(1, 2)
    outputs = LocalOutputs(datacenter)
    _filled(datacenter, outputs, 8, 10 * MIB)
    (lost, *others) = datacenter.machines[1].disks
    lost.fail("test")
    lost.replace()
    assert outputs.is_struck(1)
    held = [outputs.disk_of("job", 0, 0, instance) for instance in range(8)]
    assert None not in held
    there = [outputs.disk_of("job", 1, 0, instance) for instance in range(8, 16)]
    assert there.count(None) == 2
    assert set(there) == {None, *others}
    assert not outputs.has_all("job", 1, 0, range(8, 16))
    outputs.end("job")
    assert datacenter.machines[1].used_bytes == 0


def test_space_of_outputs_is_taken_and_given_back() -> None:
    """Outputs fill the disks in turn, and the end of the job empties them."""
    datacenter = _cluster(1, 2)
    outputs = LocalOutputs(datacenter)
    _filled(datacenter, outputs, 8, 10 * MIB)
    assert [disk.used_bytes for disk in datacenter.machines[1].disks] == [20 * MIB] * 4
    outputs.end("job")
    assert datacenter.machines[1].used_bytes == 0


@pytest.mark.parametrize(("producers", "consumers"), [(7, 3), (3, 7), (4, 4), (1, 5), (5, 1)])
@pytest.mark.parametrize("pattern", ["shuffle", "one-to-one", "broadcast", "none"])
def test_what_consumers_take_is_what_producers_leave(producers: int, consumers: int, pattern: str) -> None:
    """Bytes are neither made nor lost over an edge, and come from the producers that the edge names."""
    edge = EdgePlan(0, pattern=pattern)  # type: ignore[arg-type]
    left = np.arange(1, producers + 1, dtype=np.int64) * 1260
    read = taken(edge, left, consumers)
    expected = {"broadcast": left.sum() * consumers, "none": 0}.get(pattern, left.sum())
    assert int(read.sum()) == expected
    for consumer in range(consumers):
        first, last = sources_of(edge, consumer, producers, consumers)
        if pattern == "one-to-one" and producers >= consumers:
            assert read[consumer] == left[first:last].sum()
    covered = {i for c in range(consumers) for i in range(*sources_of(edge, c, producers, consumers))}
    assert covered == (set() if pattern == "none" else set(range(producers)))
