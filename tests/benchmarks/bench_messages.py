"""A million one-hop messages of 100 bytes through the whole network layer: processor time, printed."""

from __future__ import annotations

from time import process_time

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import Simulation

MESSAGES = 1_000_000
AIM_S = 5.0


def test_a_million_messages():
    sim = Simulation(seed=1)
    machines = DataCenter(
        sim, ClusterConfig.model_validate({"racks": 1, "machines_per_rack": 32, "machine": {"disks": 1}})
    )
    network, stations = machines.network, machines.machines
    left = [MESSAGES]

    def arrived(at: int) -> None:
        if left[0] > 0:
            left[0] -= 1
            target = (at * 7 + left[0]) % 32
            network.send(stations[at], stations[target if target != at else (at + 1) % 32], 100, None, arrived, target)

    for number in range(1000):
        arrived(number % 32)
    began = process_time()
    sim.run()
    spent_s = process_time() - began
    met = "met" if spent_s < AIM_S else "not met"
    print(f"\n10^6 one-hop messages: {spent_s:.2f} s of processor time (aim {AIM_S} s: {met})")
    assert left[0] == 0
