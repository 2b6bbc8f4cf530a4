"""A small cluster for the tests of flows and messages, and what starts them and notes their ends."""

from __future__ import annotations

from typing import Any

from feitian_sim.hardware import ClusterConfig, DataCenter, Flow
from feitian_sim.kernel import SECOND, Simulation

#: 1 Gbit/s cards: 125 MB/s.
RATE = 125_000_000


def tree(sim: Simulation, **network: object) -> DataCenter:
    """Two racks of two machines, and the clients; no jitter unless asked for."""
    return _center(sim, 2, 2, {"kind": "tree", "latency": {"jitter": "0s"}, **network})


def fat_tree(sim: Simulation, **network: object) -> DataCenter:
    """Sixteen machines under four pods of two edge and two aggregation switches, and four cores."""
    return _center(sim, 8, 2, {"kind": "fat-tree", "latency": {"jitter": "0s"}, **network})


def _center(sim: Simulation, racks: int, machines_per_rack: int, network: dict[str, object]) -> DataCenter:
    config = {
        "racks": racks,
        "machines_per_rack": machines_per_rack,
        "machine": {"disks": 1, "nic": "1Gbit/s", "disk": "ssd-1tb"},
        "network": network,
    }
    return DataCenter(sim, ClusterConfig.model_validate(config))


class Transfers:
    """Starts flows and notes when and how they ended."""

    def __init__(self, center: DataCenter) -> None:
        self.center = center
        self.ended: dict[str, tuple[float, str]] = {}

    def start(self, name: str, source: int, target: int, size_bytes: int, **more: Any) -> Flow:
        """Start a flow between the machines of these numbers."""
        machines = self.center.machines
        return self.center.network.transfer(
            machines[source],
            machines[target],
            size_bytes,
            on_done=lambda _: self._note(name, "done"),
            on_fail=lambda _, reason: self._note(name, reason),
            **more,
        )

    def _note(self, name: str, how: str) -> None:
        assert name not in self.ended, f"{name} ended twice"
        self.ended[name] = (self.center.sim.now / SECOND, how)


def send(center: DataCenter, source: int, target: int, size_bytes: int, log: list[int]) -> None:
    """Send a message; the instant of its arrival goes into ``log``."""
    machines = center.machines
    center.network.send(machines[source], machines[target], size_bytes, None, lambda: log.append(center.sim.now))
