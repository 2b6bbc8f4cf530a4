"""What starting and ending a process takes on a machine: its package, its start, its end. The Tubo's hands.

A start that is under way when the Tubo dies begins anew with the next one; so does an end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from feitian_sim.fuxi.check_facts import PackageUsed
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.facts import ProcessEnded, ProcessStarted
from feitian_sim.fuxi.packages.cache import PackageCache, Why
from feitian_sim.fuxi.process_table import GONE, STARTING, MasterHere, Process, ProcessTable, WorkerProcess
from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kernel.distributions import Constant, Distribution


class Launcher:
    """Of one incarnation of a Tubo. ``up``, ``failed`` and ``gone`` are told of each process in its turn."""

    def __init__(
        self,
        sim: Simulation,
        owner: Owner,
        machine: Machine,
        table: ProcessTable,
        packages: PackageCache,
        config: FuxiConfig,
        up: Callable[[Process], object],
        failed: Callable[[Process, str], object],
        gone: Callable[[Process], object],
    ) -> None:
        self._sim = sim
        self._owner = owner
        self._machine = machine
        self._table = table
        self._packages = packages
        self._config = config
        self._up = up
        self._failed = failed
        self._gone = gone

    def start(self, process: Process) -> None:
        """Launch it: from now on it holds its resources."""
        if process.owner is None:
            kind = "master" if isinstance(process, MasterHere) else "worker"
            name = f"fuxi.{kind} {process.app.name}/{process.number}@{self._machine.name}"
            self._table.own(process, self._sim.owner(name))
            if self._sim.facts.wants(ProcessStarted):
                self._tell_started(process)
        if self._machine.launch_fails:
            self._owner.call_later(self._config.tubo.launch_timeout, self._fail, process)
            return
        if isinstance(process, WorkerProcess):
            self._packages.fetch(process.spec.package, partial(self._fetched, process))
        else:
            self._fetched(process, "")

    def _fetched(self, process: Process, why_not: Why) -> None:
        if process.state != STARTING:
            return
        if why_not:
            self._fail(process, why_not)
            return
        if isinstance(process, WorkerProcess):
            process.fetched_ns = self._sim.now
            if process.spec.package and self._sim.facts.wants(PackageUsed):
                self._tell_used(process)
            tubo = self._config.tubo
            takes = tubo.thread_start if process.spec.threaded else tubo.process_start
            taken_ns = self._drawn(takes, "fuxi.worker_start", process)
        else:
            taken_ns = self._drawn(self._config.application_master.start, "fuxi.master_start", process)
        self._owner.call_later(int(taken_ns * self._machine.slow_factor), self._up, process)

    def _fail(self, process: Process, why: Why = "launch-failed") -> None:
        if process.state == STARTING:
            assert process.owner is not None, process
            # Its end is told as a failed launch, not as a crash.
            process.state = GONE
            process.owner.kill()
            process.state = STARTING
            self.tell_ended(process, why)
            self._failed(process, why)

    def kill(self, process: Process) -> None:
        """End it: its resources are free when it is gone."""
        taken_ns = self._drawn(self._config.tubo.kill, "fuxi.kill", process)
        self._owner.call_later(taken_ns, self._killed, process)

    def _killed(self, process: Process) -> None:
        assert process.owner is not None, process
        process.owner.kill()
        self.tell_ended(process, process.why)
        self._gone(process)

    def _drawn(self, distribution: Distribution, what: str, process: Process) -> int:
        """One draw that belongs to this process, whoever else is started."""
        if isinstance(distribution, Constant):
            return int(distribution.value)
        uniform = self._sim.stream(what, process.app.name).at(process.number)
        return int(distribution.quantile(uniform))

    def _tell_used(self, process: WorkerProcess) -> None:
        name, unit = process.app.name, process.unit.number
        self._sim.emit(PackageUsed(self._machine.name, name, unit, process.number, process.spec.package))

    def _tell_started(self, process: Process) -> None:
        unit = process.unit
        vector = ",".join(map(str, unit.vector))
        self._sim.emit(ProcessStarted(self._machine.name, process.app.name, unit.number, process.number, vector))

    def tell_ended(self, process: Process, why: str) -> None:
        """Say so to who counts processes."""
        if self._sim.facts.wants(ProcessEnded):
            unit = process.unit
            self._sim.emit(ProcessEnded(self._machine.name, process.app.name, unit.number, process.number, why))
