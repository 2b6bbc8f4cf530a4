"""A Nuwa cell on a few racks, with clients."""

from __future__ import annotations

from typing import Any

from plain_guard import PlainGuard

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import MILLISECOND, SECOND, FactTables, Simulation
from feitian_sim.kuafu import Kuafu
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.wiring import NuwaCell


class Bench:
    """Five racks of three machines; the servers are on the second of each rack, clients elsewhere."""

    def __init__(self, seed: int = 1, racks: int = 5, **nuwa: Any) -> None:
        self.sim = Simulation(seed=seed)
        self.tables = FactTables(self.sim.facts)
        self.datacenter = DataCenter(
            self.sim,
            ClusterConfig.model_validate({"racks": racks, "machines_per_rack": 3, "machine": {"disks": 2}}),
        )
        self.guard = PlainGuard(keep=False)
        self.kuafu = Kuafu(self.sim, self.datacenter, self.guard)
        self.cell = NuwaCell(
            self.sim, self.datacenter, self.kuafu, self.guard, NuwaConfig.model_validate({"session": "3s", **nuwa})
        )
        self.cell.start()
        self.owners: dict[str, Any] = {}

    def client(self, machine: str = "r0/m2", name: str = "", first: int | None = None) -> NuwaClient:
        name = name or f"c{len(self.owners)}"
        owner = self.owners[name] = self.sim.owner(name)
        client = self.cell.client(owner, self.datacenter.machine(machine), name, first=first)
        client.open(lambda: None)
        self.run(0.1)
        assert client.session
        return client

    def do(self, operation: Any, *args: Any, **options: Any) -> Any:
        """An operation, waited for; its answer."""
        ended: list[Any] = []
        operation(*args, ended.append, **options)
        for _ in range(600):
            if ended:
                return ended[0]
            self.run(0.05)
        raise AssertionError(f"{operation} has not ended")

    def run(self, seconds: float) -> None:
        self.sim.run_until(self.sim.now + int(seconds * SECOND))

    def leader(self) -> int:
        found = [server.number for server in self.cell.servers if server.leads]
        assert len(found) == 1
        return found[0]


__all__ = ["MILLISECOND", "SECOND", "Bench"]
