"""What the failures of a job's instances and workers lead to (F9): the blacklist's levels, and the end of the job.

An instance that failed runs again elsewhere until it has done so often enough to fail its job. Workers that do not come
up count against their machine; those that find no package count against the job alone, whose package nobody has put.
"""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.fuxi.job.blacklist import Blacklist
from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.instance_table import ENDED
from feitian_sim.fuxi.job.task_master import TaskMaster
from feitian_sim.fuxi.job.workforce import Workforce


class Failures:
    """Of one life of a JobMaster."""

    def __init__(self, tasks: Sequence[TaskMaster], force: Workforce, blacklist: Blacklist, config: JobConfig) -> None:
        self._tasks = tasks
        self._force = force
        self._blacklist = blacklist
        self._config = config
        #: Attempts that failed.
        self.attempts = 0

    def of_instance(self, task: TaskMaster, instance: int, machine: int, why: str) -> None:
        """An attempt failed on a machine."""
        self.attempts += 1
        task.table.failures[instance] += 1
        if self._blacklist.instance_failed(task.number, instance, machine):
            self._avoid(task.number, machine, "instances fail")
        times = int(task.table.failures[instance])
        if times >= self._config.attempts and task.table.state[instance] < ENDED:
            self._force.end(False, f"instance {instance} of task {task.plan.name} failed {times} times: {why}")

    def of_worker(self, task: TaskMaster, worker: int, machine: int, why: str) -> None:
        """A worker never came up on a machine."""
        if why == "no-package":
            task.without_package += 1
            times = task.without_package
            if times >= self._config.attempts:
                needs = f"task {task.plan.name} needs package {task.plan.package}"
                self._force.end(False, f"{needs}, which {times} workers did not find in Pangu")
        elif why == "launch-failed" and self._blacklist.worker_failed(task.number, worker, machine):
            self._avoid(task.number, machine, "workers do not come up")

    def _avoid(self, number: int, machine: int, why: str) -> None:
        self._force.touched[number] = None
        if self._blacklist.job_must_know(machine):
            self._force.effects.bad.append((machine, why))
            for task in self._tasks:
                self._force.touched[task.number] = None
