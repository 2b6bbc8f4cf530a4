"""Fuxi's processes on one machine: its process table, its Tubo, its worker runtime, its applications' masters.

The table is the system's: it is there while the machine is up. Applications' masters come and go, so for faults there is
one daemon that stands for those of the machine: whoever kills it kills them.
"""

from __future__ import annotations

from feitian_sim.fuxi.ports import APPLICATION_ROLE
from feitian_sim.fuxi.process_table import ProcessTable
from feitian_sim.fuxi.tubo_parts import TuboParts
from feitian_sim.fuxi.tubo_server import TuboServer
from feitian_sim.fuxi.worker_runtime import WorkerRuntime
from feitian_sim.hardware import Daemon, Machine
from feitian_sim.kernel import Owner, Simulation

_TABLE_ROLE = "fuxi.processes"


class MachineHost:
    """One machine's part of Fuxi."""

    def __init__(self, sim: Simulation, machine: Machine, parts: TuboParts) -> None:
        self.machine = machine
        self.table = ProcessTable()
        self._table_daemon = Daemon(machine, f"{_TABLE_ROLE}@{machine.name}", _TABLE_ROLE, self._boot_table)
        pangu = parts.pangu
        self.runtime = WorkerRuntime(
            sim,
            parts.datacenter,
            parts.kuafu,
            machine,
            self.table,
            parts.identities,
            parts.config,
            (lambda owner: pangu(owner, machine, f"fuxi.worker@{machine.name}")) if pangu is not None else None,
        )
        self._applications = Daemon(
            machine, f"{APPLICATION_ROLE}@{machine.name}", APPLICATION_ROLE, self._boot_applications
        )
        self.tubo = TuboServer(sim, machine, self.table, self.runtime, parts)

    @property
    def daemons(self) -> tuple[Daemon, ...]:
        """What faults can reach."""
        return (self.tubo.daemon, self.runtime.daemon, self._applications)

    def start(self) -> None:
        """Start everything, in the order in which a machine does."""
        for daemon in (self._table_daemon, self.runtime.daemon, self._applications, self.tubo.daemon):
            daemon.start()

    def _boot_table(self, owner: Owner) -> None:
        owner.on_death(self.table.clear)

    def _boot_applications(self, owner: Owner) -> None:
        owner.on_death(self._kill_masters)

    def _kill_masters(self) -> None:
        for app in list(self.table.apps.values()):
            if app.master is not None and app.master.owner is not None:
                app.master.owner.kill()
