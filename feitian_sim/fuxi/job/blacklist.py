"""Machines that are avoided, from the bottom up (F9; Fuxi, VLDB 2014, sec. 4.3.2).

An instance that failed on a machine avoids it. A task avoids a machine on which enough of its instances have failed, or
its workers did not come up. The job avoids what enough of its tasks avoid, and tells the FuxiMaster, which disables a
machine that different jobs report. The list is bounded, so that a job whose own program is broken does not go through
the whole cell.
"""

from __future__ import annotations

from feitian_sim.fuxi.job.config import BlacklistConfig


class Blacklist:
    """What a job avoids, in all three levels. ``machines``: how many the cell has."""

    def __init__(self, config: BlacklistConfig, machines: int) -> None:
        self._config = config
        self._most = max(1, int(config.most * machines))
        self._machines = machines
        # Of each instance, by task and number, the machines that it avoids.
        self._by_instance: dict[tuple[int, int], dict[int, None]] = {}
        # What failed of a task on a machine: instances by number, workers below 0.
        self._failed: dict[tuple[int, int], dict[int, None]] = {}
        self._by_task: dict[int, dict[int, None]] = {}
        #: Machines that the whole job avoids.
        self.job: dict[int, None] = {}

    def instance_failed(self, task: int, instance: int, machine: int) -> bool:
        """An instance failed on a machine; whether the task avoids it from now on, and did not before."""
        if not self._config.enabled:
            return False
        self._by_instance.setdefault((task, instance), {})[machine] = None
        return self._count(task, machine, instance)

    def worker_failed(self, task: int, worker: int, machine: int) -> bool:
        """A worker did not come up on a machine; whether the task avoids it from now on, and did not before."""
        return self._config.enabled and self._count(task, machine, ~worker)

    def _count(self, task: int, machine: int, what: int) -> bool:
        failed = self._failed.setdefault((task, machine), {})
        failed[what] = None
        avoided = self._by_task.setdefault(task, {})
        if machine in avoided or len(failed) < self._config.task_after or len(avoided) >= self._most:
            return False
        avoided[machine] = None
        return True

    def job_must_know(self, machine: int) -> bool:
        """Whether enough tasks avoid a machine for the whole job to; it does from now on."""
        marked = sum(machine in avoided for avoided in self._by_task.values())
        if machine in self.job or marked < self._config.job_after or len(self.job) >= self._most:
            return False
        self.job[machine] = None
        return True

    def may_run(self, task: int, instance: int, machine: int) -> bool:
        """Whether an instance may run on a machine.

        Where it, or its whole task, avoids half of them all, it may run on those again on which it failed itself.
        """
        avoided = self._by_instance.get((task, instance), {})
        return machine not in avoided or 2 * len({*avoided, *self.of(task)}) >= self._machines

    def avoids(self, task: int, machine: int) -> bool:
        """Whether no instance of the task should run on a machine."""
        return machine in self.job or machine in self._by_task.get(task, ())

    def of(self, task: int) -> tuple[int, ...]:
        """All machines that a task avoids, ascending."""
        return tuple(sorted({**self.job, **self._by_task.get(task, {})}))
