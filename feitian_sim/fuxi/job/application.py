"""Jobs as a kind of application: what a Tubo starts when it is told to start a job's master."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.job.cell import JobCell
from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.description import JobDescription
from feitian_sim.fuxi.job.job_server import JobServer
from feitian_sim.fuxi.job.plan import JobPlan, plan_of
from feitian_sim.fuxi.job.sampling import QueueSampling
from feitian_sim.fuxi.job.snapshot import too_large
from feitian_sim.fuxi.resources import Vector, fits
from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import ScenarioError


class JobApplication:
    """The kind ``job``. ``programs``: tasks of users' own, by their references."""

    def __init__(
        self,
        datacenter: DataCenter,
        config: JobConfig,
        machines: Sequence[Vector],
        programs: Mapping[str, object] | None = None,
    ) -> None:
        self.cell = JobCell(datacenter, config)
        self._machines = tuple(dict.fromkeys(machines))
        self._programs = programs if programs is not None else {}
        #: Masters that run or ran last, by job.
        self.servers: dict[str, JobServer] = {}
        QueueSampling(datacenter.sim, self.servers)

    def begin(self, host: ApplicationHost) -> None:
        """A job's master has come up."""
        plan = self._plan(host.start.description, host.config)
        server = self.servers[host.start.app] = JobServer(host, self.cell, plan)
        server.start()

    def refusal(self, description: Any, config: FuxiConfig) -> str:
        """Why a job cannot be run in this cell."""
        try:
            plan = self._plan(description, config)
        except ScenarioError as error:
            return str(error)
        for task in plan.tasks:
            if not any(fits(task.vector, machine) for machine in self._machines):
                return f"task {task.name}: no machine has what a worker needs"
        return too_large([(task.instances, noted) for task, noted in zip(plan.tasks, plan.noted(), strict=True)])

    def _plan(self, description: Any, config: FuxiConfig) -> JobPlan:
        if isinstance(description, JobPlan):
            return description
        if not isinstance(description, JobDescription):
            raise ScenarioError(f"a job is a JobDescription or a JobPlan, not a {type(description).__name__}")
        return plan_of(description, config.resources.dimensions, self._machines, programs=self._programs)
