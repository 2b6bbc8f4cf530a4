"""A million one-hop messages of 100 bytes through the whole network layer."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time
from typing import Any

import simpy

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import Simulation
from tests.benchmarks.line import Line

MESSAGES = 1_000_000
MACHINES = 32


def lines() -> Iterator[Line]:
    """Processor time of the million, and the ratio to a SimPy process for each delivery."""
    ours_s = min(through_the_network(MESSAGES) for _ in range(3))
    yield Line("10^6 one-hop messages", ours_s, "s", "processor time; SimGrid 7.8, DSLab 0.65", at_most=5.0)
    tenth_s = by_processes(MESSAGES // 10)
    yield Line("one-hop messages", 10 * tenth_s / ours_s, "x", "a SimPy process for each, latency alone")


def through_the_network(messages: int) -> float:
    """Seconds of processor time."""
    sim = Simulation(seed=1)
    config = {"racks": 1, "machines_per_rack": MACHINES, "machine": {"disks": 1}}
    center = DataCenter(sim, ClusterConfig.model_validate(config))
    network, stations = center.network, center.machines
    left = [messages]

    def arrived(at: int) -> None:
        if left[0] > 0:
            left[0] -= 1
            target = (at * 7 + left[0]) % MACHINES
            target = target if target != at else (at + 1) % MACHINES
            network.send(stations[at], stations[target], 100, None, arrived, target)

    for number in range(1000):
        arrived(number % MACHINES)
    began = process_time()
    sim.run()
    assert left[0] == 0
    return process_time() - began


def by_processes(messages: int) -> float:
    """Seconds for as many processes that wait for a latency and begin the next."""
    environment = simpy.Environment()
    left = [messages]

    def delivery() -> Any:
        yield environment.timeout(15_000)
        if left[0] > 0:
            left[0] -= 1
            environment.process(delivery())

    for _ in range(1000):
        environment.process(delivery())
    began = process_time()
    environment.run()
    return process_time() - began
