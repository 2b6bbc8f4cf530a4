"""Bulk flows over a small cluster: when they end, stall, go on and share."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Generator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.hardware import ClusterConfig, DataCenter, Flow
from feitian_sim.kernel import LATE, SECOND, Simulation
from tests.hardware.transfers import RATE, Transfers, fat_tree, tree


@pytest.fixture
def transfers(sim: Simulation) -> Transfers:
    return Transfers(tree(sim))


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
    transfers = Transfers(tree(sim, oversubscription=4))
    transfers.start("chain", 0, 2, RATE, via=(transfers.center.machines[1],))
    sim.run()
    # Rack uplinks: 2 x 125 MB/s over 4.
    assert transfers.ended["chain"] == (2.0, "done")


def test_a_chain_that_crosses_a_card_twice_gets_half_of_it(sim, transfers):
    one, other = transfers.center.machines[:2]
    transfers.start("twice", 0, 1, RATE, via=(other, one))
    sim.run()
    assert transfers.ended == {"twice": (2.0, "done")}
    assert transfers.center.network.traffic()["nic"] == 6 * RATE


def test_the_core_limits_all_racks_together(sim):
    transfers = Transfers(tree(sim, core="1Gbit/s"))
    transfers.start("there", 0, 2, RATE)
    transfers.start("back", 3, 1, RATE)
    sim.run()
    assert transfers.ended == {"there": (2.0, "done"), "back": (2.0, "done")}
    assert transfers.center.network.traffic()["core"] == 2 * RATE


def test_all_changes_of_an_instant_are_solved_once(sim, transfers):
    for flow in range(50):
        transfers.start(str(flow), 0, 1, RATE // 50)
    sim.run()
    assert set(transfers.ended.values()) == {(1.0, "done")}
    # One to solve, one to end all fifty; the ends ask for one more, which finds nothing.
    assert sim.event_count <= 3


# Whose flow it is


def test_an_owner_takes_its_flows_along(sim, transfers):
    owner = sim.owner("a")
    transfers.start("orphan", 0, 1, RATE, owner=owner)
    transfers.start("other", 0, 1, RATE)
    sim.call_later(SECOND, owner.kill)
    sim.run()
    assert transfers.ended == {"other": (1.5, "done")}


def test_a_killed_process_that_cancels_in_its_finally_frees_its_share_at_once(sim, transfers):
    owner = sim.owner("a")

    def work() -> Generator[Any, Any, None]:
        flow = transfers.start("mine", 0, 1, RATE, owner=owner)
        try:
            yield sim.timeout(100 * SECOND)
        finally:
            flow.cancel()

    owner.process(work())
    transfers.start("other", 0, 1, RATE)
    sim.call_later(SECOND, owner.kill)
    sim.call_later(3 * SECOND, transfers.start, "later", 0, 1, RATE)
    sim.run()
    assert transfers.ended == {"other": (1.5, "done"), "later": (4.0, "done")}


def test_what_a_dying_process_does_to_others_flows_never_stops_the_network(sim, transfers):
    owner = sim.owner("a")
    other = transfers.start("other", 0, 1, RATE)

    def work() -> Generator[Any, Any, None]:
        try:
            yield sim.timeout(100 * SECOND)
        finally:
            other.cancel()

    owner.process(work())
    transfers.start("third", 0, 1, RATE)
    sim.call_later(SECOND, owner.kill)
    sim.call_later(3 * SECOND, transfers.start, "later", 0, 1, RATE)
    sim.run()
    assert transfers.ended["later"] == (4.0, "done")


def test_the_dead_start_nothing(sim, transfers):
    owner = sim.owner("a")
    owner.kill()
    assert not transfers.start("ghost", 0, 1, RATE, owner=owner).active
    sim.run()
    assert transfers.ended == {}


def test_a_cancelled_flow_frees_its_share(sim, transfers):
    flow = transfers.start("cancelled", 0, 1, RATE)
    transfers.start("other", 0, 1, RATE)
    sim.call_later(SECOND, flow.cancel)
    sim.run()
    assert transfers.ended == {"other": (1.5, "done")}
    assert not flow.active


# Without a way


@pytest.mark.parametrize("how", ["machine", "link", "no capacity", "switch", "partition"])
def test_a_flow_without_a_way_stalls_and_fails(sim, transfers, how):
    center = transfers.center
    network, machine = center.network, center.machines[2]
    cut = {
        "machine": lambda: machine.crash("test"),
        "link": lambda: network.set_link("r1/uplink", up=False),
        "no capacity": lambda: network.set_link("r1/uplink", capacity_factor=0.0),
        "switch": lambda: network.set_switch("r1/switch", False),
        "partition": lambda: network.partition([center.machines[:2], center.machines[2:]]),
    }[how]
    transfers.start("cut", 0, 2, RATE)
    transfers.start("whole", 1, 0, RATE)
    sim.call_later(SECOND // 2, cut)
    sim.run()
    assert transfers.ended["cut"] == (6.5, "stalled")
    assert transfers.ended["whole"] == (1.0, "done")


def test_the_stall_timeout_is_the_scenarios(sim):
    transfers = Transfers(tree(sim, stall_timeout="3s"))
    transfers.center.machines[1].crash("test")
    transfers.start("cut", 0, 1, RATE)
    sim.run()
    assert transfers.ended == {"cut": (3.0, "stalled")}


def test_a_flow_goes_on_when_the_way_comes_back(sim, transfers):
    network = transfers.center.network
    transfers.start("paused", 0, 2, RATE)
    sim.call_later(SECOND // 2, lambda: network.set_link("r1/uplink", up=False))
    sim.call_later(4 * SECOND, network.set_link, "r1/uplink")
    sim.run()
    assert transfers.ended == {"paused": (4.5, "done")}


def test_each_stall_has_the_whole_timeout(sim, transfers):
    network = transfers.center.network
    transfers.start("paused", 0, 2, RATE)
    for begin, end in ((0.25, 5.25), (5.5, 10.5)):
        sim.call_later(int(begin * SECOND), lambda: network.set_link("r1/uplink", up=False))
        sim.call_later(int(end * SECOND), network.set_link, "r1/uplink")
    sim.run()
    assert transfers.ended == {"paused": (11.0, "done")}


def test_a_slow_link_slows_its_flows(sim, transfers):
    transfers.center.network.set_link("r0/m0/nic", capacity_factor=0.25)
    transfers.start("slow", 0, 1, RATE)
    sim.run()
    assert transfers.ended == {"slow": (4.0, "done")}


def test_nothing_reaches_the_dead_not_even_no_bytes(sim, transfers):
    transfers.center.machines[1].crash("test")
    transfers.start("to the dead", 0, 1, 0)
    transfers.start("to the living", 0, 2, 0)
    sim.run()
    assert transfers.ended == {"to the living": (0.0, "done"), "to the dead": (6.0, "stalled")}


def test_an_unbounded_flow_ends_in_its_instant(sim, transfers):
    transfers.start("within a machine", 0, 0, 1000)
    sim.run()
    assert transfers.ended == {"within a machine": (0.0, "done")}


# Traffic


def test_traffic_counts_bytes_by_class_and_reading_it_changes_nothing(sim, transfers):
    network = transfers.center.network
    transfers.start("a", 0, 2, RATE)
    seen = []
    for eighth in range(1, 9):
        sim.call_at(eighth * SECOND // 8, lambda: seen.append(network.traffic()["nic"]))
    sim.run()
    assert transfers.ended == {"a": (1.0, "done")}
    assert seen == [2 * RATE * eighth // 8 for eighth in range(1, 9)]
    assert network.traffic() == {"nic": 2 * RATE, "rack": 2 * RATE, "core": 0, "disk-read": 0, "disk-write": 0}


# Whatever happens


def eventful(seed: int, *, watched: bool = False) -> tuple[Transfers, list[Flow]]:
    """Thirty random flows over a fat tree that loses links, switches and machines meanwhile; not yet run."""
    sim = Simulation()
    draws = np.random.default_rng(seed)
    transfers = Transfers(fat_tree(sim))
    center, flows = transfers.center, []

    def begin(number: int, source: int, target: int, size_bytes: int, **more: Any) -> None:
        flows.append(transfers.start(str(number), source, target, size_bytes, **more))

    for number in range(30):
        source, target = draws.integers(0, 16, 2).tolist()
        more = {"cap_bps": int(draws.choice([2 * 10**8, 10**9])), "weight": float(draws.choice([0.5, 1.0, 3.0]))}
        size_bytes = int(draws.integers(1, 2 * RATE))
        sim.call_at(int(draws.integers(0, SECOND)), lambda a=(number, source, target, size_bytes), m=more: begin(*a, **m))
    switches = tuple(center.network.topology.switches)
    for _ in range(6):
        name, start = switches[int(draws.integers(0, len(switches)))], int(draws.integers(0, 2 * SECOND))
        sim.call_at(start, center.network.set_switch, name, False)
        sim.call_at(start + int(draws.integers(0, 2 * SECOND)), center.network.set_switch, name, True)
    sim.call_at(SECOND, center.machines[3].crash, "test")
    if watched:
        for sample in range(100):
            sim.call_at(sample * SECOND // 25, center.network.traffic)
    return transfers, flows


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_link_ever_carries_more_than_it_can_and_every_flow_ends_once(seed: int):
    transfers, flows = eventful(seed)
    sim, links = transfers.center.sim, transfers.center.network.links

    def check() -> None:
        load = np.zeros(len(links.names))
        for flow in flows:
            if flow.active:
                np.add.at(load, list(flow.path), flow.rate_bytes_per_s)
        assert (load <= links.capacity[: len(load)] * (1 + 1e-12)).all()

    for sample in range(60):
        # Past the solve of this instant.
        sim.call_at(sample * SECOND // 15, lambda: sim.call_with_priority(LATE + 1, 0, check))
    sim.run()
    assert set(transfers.ended) == {str(number) for number in range(30)}
    assert {how for _, how in transfers.ended.values()} <= {"done", "stalled"}
    for flow in flows:
        assert not flow.active


@pytest.mark.parametrize("seed", range(5))
def test_the_same_flows_end_at_the_same_nanosecond_also_when_watched(seed: int):
    ends = []
    for watched in (False, False, True):
        transfers, _ = eventful(seed, watched=watched)
        transfers.center.sim.run()
        ends.append(list(transfers.ended.items()))
    assert ends[0] == ends[1] == ends[2]


UNCOMPILED = """
from tests.hardware.test_flows import eventful
for seed in range(5):
    transfers, _ = eventful(seed)
    transfers.center.sim.run()
    print(transfers.ended, transfers.center.network.traffic(), transfers.center.sim.facts.digest())
"""


@pytest.mark.slow
def test_compiled_or_not_the_flows_end_at_the_same_nanosecond():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", UNCOMPILED],
            env={**os.environ, "NUMBA_DISABLE_JIT": disable},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disable in ("0", "1")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count("done") > 100


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
