"""Flows and messages over a small cluster."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.hardware.network import NoSuchLink
from feitian_sim.kernel import SECOND, Simulation

#: 1 Gbit/s cards: 125 MB/s.
RATE = 125_000_000


def cluster(sim: Simulation, **network: object) -> DataCenter:
    config = {
        "racks": 2,
        "machines_per_rack": 2,
        "machine": {"disks": 1, "nic": "1Gbit/s", "disk": "ssd-1tb"},
        "network": {"kind": "tree", "latency": {"jitter": "0s"}, **network},
    }
    return DataCenter(sim, ClusterConfig.model_validate(config))


class Transfers:
    """Starts flows and notes when and how they ended."""

    def __init__(self, center: DataCenter) -> None:
        self.center = center
        self.ended: dict[str, tuple[float, str]] = {}

    def start(self, name: str, source: int, target: int, size_bytes: int, **more: object):
        machines, sim = self.center.machines, self.center.sim
        return self.center.network.transfer(
            machines[source],
            machines[target],
            size_bytes,
            on_done=lambda _: self.ended.__setitem__(name, (sim.now / SECOND, "done")),
            on_fail=lambda _, reason: self.ended.__setitem__(name, (sim.now / SECOND, reason)),
            **more,
        )


@pytest.fixture
def center(sim: Simulation) -> DataCenter:
    return cluster(sim)


@pytest.fixture
def transfers(center: DataCenter) -> Transfers:
    return Transfers(center)


def test_a_flow_alone_takes_its_bytes_over_the_slowest_link(sim, transfers):
    transfers.start("a", 0, 1, RATE)
    sim.run()
    assert transfers.ended == {"a": (1.0, "done")}


def test_flows_share_and_speed_up_when_others_end(sim, transfers):
    transfers.start("short", 0, 1, RATE // 2)
    transfers.start("long", 0, 2, RATE)
    sim.run()
    assert transfers.ended == {"short": (1.0, "done"), "long": (1.5, "done")}


def test_caps_and_weights(sim, transfers):
    transfers.start("capped", 0, 1, RATE, cap_bps=RATE * 2)
    transfers.start("heavy", 2, 3, RATE, weight=3.0)
    transfers.start("light", 2, 3, RATE // 3, weight=1.0)
    sim.run()
    assert transfers.ended["capped"] == (4.0, "done")
    assert transfers.ended["heavy"][0] == pytest.approx(4 / 3)
    assert transfers.ended["light"][0] == pytest.approx(4 / 3)


def test_a_chain_moves_at_the_rate_of_its_slowest_part(sim):
    transfers = Transfers(cluster(sim, oversubscription=4))
    machines = transfers.center.machines
    transfers.start("chain", 0, 2, RATE, via=(machines[1],))
    sim.run()
    # Rack uplinks: 2 x 125 MB/s over 4.
    assert transfers.ended["chain"] == (2.0, "done")


def test_an_owner_takes_its_flows_along(sim, transfers):
    owner = sim.owner("a")
    transfers.start("orphan", 0, 1, RATE, owner=owner)
    transfers.start("other", 0, 1, RATE)
    sim.call_later(SECOND, owner.kill)
    sim.run()
    assert transfers.ended == {"other": (1.5, "done")}


def test_a_cancelled_flow_frees_its_share(sim, transfers):
    flow = transfers.start("cancelled", 0, 1, RATE)
    transfers.start("other", 0, 1, RATE)
    sim.call_later(SECOND, flow.cancel)
    sim.run()
    assert transfers.ended == {"other": (1.5, "done")}
    assert not flow.active


@pytest.mark.parametrize("how", ["machine", "link", "switch", "partition"])
def test_a_flow_without_a_way_stalls_and_fails(sim, transfers, how):
    center = transfers.center
    network, machine = center.network, center.machines[2]
    cut = {
        "machine": lambda: machine.crash("test"),
        "link": lambda: network.set_link("r1/uplink", up=False),
        "switch": lambda: network.set_switch("r1/switch", False),
        "partition": lambda: network.partition([center.machines[:2], center.machines[2:]]),
    }[how]
    transfers.start("cut", 0, 2, RATE)
    transfers.start("whole", 1, 0, RATE)
    sim.call_later(SECOND // 2, cut)
    sim.run()
    assert transfers.ended["cut"] == (10.5, "stalled")
    assert transfers.ended["whole"] == (1.0, "done")


def test_a_flow_goes_on_when_the_way_comes_back(sim, transfers):
    network = transfers.center.network
    transfers.start("paused", 0, 2, RATE)
    sim.call_later(SECOND // 2, network.set_link, "r1/uplink")
    sim.call_later(SECOND // 2, lambda: network.set_link("r1/uplink", up=False))
    sim.call_later(4 * SECOND, network.set_link, "r1/uplink")
    sim.run()
    assert transfers.ended == {"paused": (4.5, "done")}


def test_a_slow_link_slows_its_flows(sim, transfers):
    transfers.center.network.set_link("r0/m0/nic", capacity_factor=0.25)
    transfers.start("slow", 0, 1, RATE)
    sim.run()
    assert transfers.ended == {"slow": (4.0, "done")}


def test_traffic_counts_bytes_by_class_and_reading_it_changes_nothing(sim, transfers):
    network = transfers.center.network
    transfers.start("a", 0, 2, RATE)
    seen = []
    for tenth in range(1, 9):
        sim.call_at(tenth * SECOND // 8, lambda: seen.append(network.traffic()["nic"]))
    sim.run()
    assert transfers.ended == {"a": (1.0, "done")}
    assert seen == [2 * RATE * tenth // 8 for tenth in range(1, 9)]
    assert network.traffic() == {"nic": 2 * RATE, "rack": 2 * RATE, "core": 0, "disk-read": 0, "disk-write": 0}


def test_fat_tree_flows_take_equal_cost_paths_and_arrive(sim):
    transfers = Transfers(
        DataCenter(
            sim,
            ClusterConfig.model_validate(
                {
                    "racks": 8,
                    "machines_per_rack": 2,
                    "machine": {"disks": 0, "nic": "1Gbit/s"},
                    "network": {"kind": "fat-tree", "k": 4},
                }
            ),
        )
    )
    for flow in range(16):
        transfers.start(f"f{flow}", flow, (flow + 5) % 16, RATE)
    sim.run()
    assert {how for _, how in transfers.ended.values()} == {"done"}
    topology = transfers.center.network.topology
    assert len({topology.route(0, 15, flow) for flow in range(50)}) == 4
    assert len(topology.route(0, 15)) == 6
    assert len(topology.route(0, 1)) == 2


def send(center: DataCenter, source: int, target: int, size_bytes: int, log: list) -> None:
    network, machines = center.network, center.machines
    network.send(machines[source], machines[target], size_bytes, None, lambda: log.append(center.sim.now))


def test_a_message_takes_propagation_and_transmission(sim, center):
    log: list[int] = []
    send(center, 0, 1, 1250, log)
    sim.run()
    # 5 us to the switch and 5 us from it, 10 us on each card.
    assert log == [30_000]
    assert center.network.message_latency_ns(center.machines[0], center.machines[1], 1250) == 30_000
    send(center, 0, 2, 1250, log)
    sim.run()
    assert log[1] - log[0] == 50_000


def test_messages_queue_at_the_cards(sim, center):
    log: list[int] = []
    for _ in range(3):
        send(center, 0, 1, 1250, log)
    sim.run()
    assert log == [30_000, 40_000, 50_000]


def test_messages_are_lost_to_the_dead_and_the_cut_off(sim, center):
    log: list[int] = []
    center.machines[1].crash("test")
    send(center, 0, 1, 100, log)
    token = center.network.partition([center.machines[:2], center.machines[2:]])
    send(center, 0, 2, 100, log)
    sim.run()
    assert log == []
    center.network.heal(token)
    send(center, 0, 2, 100, log)
    sim.call_later(1000, center.machines[2].crash, "while it was under way")
    sim.run()
    assert log == []


def test_a_lossy_link_loses_its_share(sim, center):
    log: list[int] = []
    center.network.set_link("r0/m0/nic", loss=0.3)
    for _ in range(4000):
        send(center, 0, 1, 100, log)
    sim.run()
    assert 2650 < len(log) < 2950
    assert center.network.impaired(center.machines[0], center.machines[3])
    assert not center.network.impaired(center.machines[1], center.machines[3])


def test_a_late_link_delays(sim, center):
    log: list[int] = []
    center.network.set_link("r0/m0/nic", delay_ns=1_000_000)
    send(center, 0, 1, 1250, log)
    sim.run()
    assert log == [1_030_000]


def test_jitter_of_one_pair_does_not_depend_on_the_others():
    def times(busy: bool) -> list[int]:
        sim = Simulation(seed=3)
        center = cluster(sim, latency={"jitter": "50us"})
        log: list[int] = []
        for tick in range(5):
            sim.call_at(tick * SECOND, send, center, 0, 1, 100, log)
            if busy:
                sim.call_at(tick * SECOND + 1, send, center, 2, 3, 100, [])
        sim.run()
        return log

    assert times(busy=False) == times(busy=True)
    assert len({time % SECOND for time in times(busy=False)}) == 5


def test_unknown_links_and_switches_are_refused(center):
    with pytest.raises(NoSuchLink, match="r9/uplink"):
        center.network.set_link("r9/uplink")
    with pytest.raises(NoSuchLink, match="r9/switch"):
        center.network.set_switch("r9/switch", False)


@pytest.mark.slow
def test_the_oracle_light_is_met_to_a_microsecond(data_dir: Path):
    def rows(name: str) -> list[dict[str, str]]:
        with gzip.open(data_dir / "flow-oracle" / f"{name}.csv.gz", "rt") as file:
            return list(csv.DictReader(file))

    sim = Simulation()
    config = {
        "racks": 25,
        "machines_per_rack": 40,
        "machine": {"disks": 0, "nic": "10Gbit/s"},
        "network": {"kind": "tree", "uplink": "100Gbit/s"},
    }
    transfers = Transfers(DataCenter(sim, ClusterConfig.model_validate(config)))
    for row in rows("flows_light"):
        start_ns = int(Decimal(row["start_s"]) * SECOND)
        sim.call_at(start_ns, transfers.start, row["id"], int(row["src"]), int(row["dst"]), int(row["bytes"]))
    sim.run()
    oracle = {row["id"]: float(row["finish_s"]) for row in rows("finish_light")}
    assert len(transfers.ended) == len(oracle) == 20_000
    assert max(abs(transfers.ended[flow][0] - finish) for flow, finish in oracle.items()) < 1e-6
