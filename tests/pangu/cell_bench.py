"""A small Pangu cell on simulated hardware, for tests: what is on it, what happened, and clients that run at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from plain_guard import PlainGuard
from plain_office import PlainOffice

from feitian_sim.hardware import ClusterConfig, DataCenter, Machine
from feitian_sim.kernel import MINUTE, SECOND, FactTables, Simulation
from feitian_sim.kuafu import Kuafu
from feitian_sim.pangu.client import PanguClient
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.wiring import PanguCell

MIB = 1 << 20


class CellBench:
    """Five racks of two machines, with a short time-out; every key can be set."""

    def __init__(
        self,
        *,
        seed: int = 1,
        racks: int = 5,
        per_rack: int = 2,
        disks: int = 2,
        disk: Any = "hdd-2tb",
        absent: Sequence[str] = (),
        **pangu: Any,
    ) -> None:
        self.sim = Simulation(seed=seed)
        self.tables = FactTables(self.sim.facts)
        self.machines = DataCenter(
            self.sim,
            ClusterConfig.model_validate(
                {"racks": racks, "machines_per_rack": per_rack, "machine": {"disks": disks, "disk": disk}}
            ),
        )
        for name in absent:
            self.machines.machine(name).switch_off("a test")
        config = {"heartbeat": {"timeout": "30s"}, **pangu}
        guard = PlainGuard()
        guard.keep = False
        kuafu = Kuafu(self.sim, self.machines, guard)
        self.config = PanguConfig.model_validate(config)
        self.office = PlainOffice(self.sim)
        self.cell = PanguCell(self.sim, self.machines, kuafu, self.config, self.office, guard)
        self.cell.preload()

    def client(self, machine: str = "r0/m1", name: str = "") -> PanguClient:
        """A client on a machine."""
        return self.cell.client(self.machines.machine(machine), name or f"client@{machine}")

    def do(self, *steps: Iterable[Any], within_s: float = 3600) -> list[Any]:
        """Run generators side by side until all have ended; their results, or raises what they raised."""
        processes = [self.sim.process(_generator(one)) for one in steps]
        self.sim.run_until(self.sim.now)
        end_ns = self.sim.now + int(within_s * SECOND)
        while not all(process.processed for process in processes) and self.sim.now < end_ns:
            self.sim.run_until(min(end_ns, self.sim.now + SECOND))
        assert all(process.processed for process in processes), "an operation has not ended"
        return [process.value for process in processes]

    def at(self, time_s: float, what: Callable[..., Any], *args: Any) -> None:
        """Do something at a time."""
        self.sim.call_at(int(time_s * SECOND), what, *args)

    def order(self, time_s: float, machines: str | Sequence[str], action: Any) -> None:
        """Have the operator add, drain or decommission machines at a time."""
        names = [machines] if isinstance(machines, str) else machines
        self.at(time_s, self.cell.operator.order, [self.machines.machine(name) for name in names], action)

    def run(self, until_s: float) -> None:
        """Let time pass."""
        self.sim.run_until(int(until_s * SECOND))

    def settle(self, minutes: float = 20) -> None:
        """Let so much time pass, for detection and repair."""
        self.sim.run_until(self.sim.now + int(minutes * MINUTE))

    def table(self, kind: str) -> list[dict[str, Any]]:
        """Facts of a kind, one mapping each."""
        columns = self.tables.columns(kind)
        names = list(columns)
        return [
            dict(zip(names, row, strict=True)) for row in zip(*(columns[name].tolist() for name in names), strict=True)
        ]

    def holders(self, chunk: int) -> list[int]:
        """Servers that really have a sound replica of the version that the master knows."""
        version = int(self.core.books.state.chunks.versions[chunk])
        found = []
        for server, keeper in self.cell.keepers.items():
            replica = keeper.store.get(chunk)
            if replica is not None and replica.sound and replica.version >= version:
                found.append(server)
        return found

    def chunks(self, path: str) -> list[int]:
        """Chunks of a file."""
        return list(self.core.books.state.namespace.chunks(path))

    @property
    def core(self) -> Any:
        """The running master's core."""
        assert self.cell.masters.core is not None
        return self.cell.masters.core

    def machine(self, server: int) -> Machine:
        """The machine of a server."""
        return self.machines.machines[server]


def _generator(steps: Iterable[Any]) -> Generator[Any, Any, Any]:
    return (yield from steps)
