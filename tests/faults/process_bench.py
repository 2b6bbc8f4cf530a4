"""One small data centre for the tests of process and operator faults: daemons that tick, write and compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from feitian_sim.faults.config import FaultConfig
from feitian_sim.faults.wiring import install
from feitian_sim.hardware import ClusterConfig, Daemon, DataCenter
from feitian_sim.kernel import SECOND, FactTables, Owner, Simulation

FAULT: TypeAdapter[Any] = TypeAdapter(FaultConfig)
CLUSTER = ClusterConfig.model_validate({"racks": 2, "machines_per_rack": 3, "machine": {"disks": 2, "cores": 2}})
ROLE = "pangu.chunkserver"
Boot = Callable[[Daemon, Owner], object]


class Bench:
    """One process of :data:`ROLE` on each of six machines, and one of role ``other`` on the first."""

    def __init__(self, *faults: dict[str, Any], boot: Boot | None = None, seed: int = 1) -> None:
        self.sim = Simulation(seed=seed)
        #: Instants of births and deaths, in seconds, with whose they are.
        self.born: list[tuple[float, str]] = []
        self.died: list[tuple[float, str]] = []
        self.tables = FactTables(self.sim.facts)
        self.datacenter = DataCenter(self.sim, CLUSTER)
        self.daemons = [self._daemon(m.name, ROLE, boot) for m in self.datacenter.machines]
        self.daemons.append(self._daemon("r0/m0", "other", boot))
        for daemon in self.daemons:
            daemon.start()
        install(self.sim, self.datacenter, self.daemons, [FAULT.validate_python(fault) for fault in faults])

    def _daemon(self, machine: str, role: str, boot: Boot | None) -> Daemon:
        def begin(owner: Owner) -> None:
            self.born.append((self.sim.now / SECOND, daemon.name))
            owner.on_death(lambda: self.died.append((self.sim.now / SECOND, daemon.name)))
            if boot is not None:
                boot(daemon, owner)

        daemon = Daemon(self.datacenter.machine(machine), f"{role}@{machine}", role, begin)
        return daemon

    @property
    def first(self) -> Daemon:
        return self.daemons[0]

    @property
    def neighbour(self) -> Daemon:
        """The other process of the first machine."""
        return self.daemons[-1]

    def until(self, time_s: float) -> Bench:
        self.sim.run_until(int(time_s * SECOND))
        return self

    def column(self, fact: str, name: str) -> list[Any]:
        columns = self.tables.columns(fact)
        return list(columns[name].tolist()) if columns else []


def one(role: str = ROLE, machine: str = "r0/m0") -> dict[str, Any]:
    return {"role": role, "machine": machine}
