"""What a life of a JobMaster tells of itself: facts, and the sums that its last fact holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from feitian_sim.fuxi.check_facts import amounts_of
from feitian_sim.fuxi.job.effects import Effects
from feitian_sim.fuxi.job.facts import (
    BadMachineFound,
    InstanceCommitted,
    InstanceDrawn,
    InstanceEnded,
    InstanceOrdered,
    InstancePhases,
    InstanceRestored,
    JobDecisions,
    JobEnded,
    JobStarted,
    OutputLost,
    TaskEnded,
    TaskPhases,
    TaskPlanned,
    TaskStarted,
)
from feitian_sim.fuxi.job.graph import critical_path
from feitian_sim.fuxi.job.instance_table import COMMITTED
from feitian_sim.fuxi.job.instance_work import InstanceOutput
from feitian_sim.fuxi.job.job_master import JobMaster
from feitian_sim.fuxi.worker_messages import Result
from feitian_sim.hardware import Machine
from feitian_sim.kernel import Simulation


class JobRecorder:
    """The facts of one life of one job's master."""

    def __init__(self, sim: Simulation, app: str, core: JobMaster, machines: Sequence[Machine]) -> None:
        self._sim = sim
        self._app = app
        self._core = core
        self._machines = machines
        self._began_ns = sim.now
        # When each worker that is not up yet was asked for.
        self._starting: dict[int, int] = {}
        self._started = 0
        self._start_ns = 0
        self._measured = 0
        self._overhead_ns = 0
        # Of each task: instances measured, and what they read, computed and wrote for.
        self._phases: dict[int, tuple[int, int, int, int]] = {}

    def started(self) -> None:
        """The JobMaster knows its job."""
        tasks = self._core.tasks
        instances = sum(task.table.count for task in tasks)
        committed = sum(task.table.committed for task in tasks)
        known = (len(tasks), instances, committed, self._core.adopted)
        self._sim.emit(JobStarted(self._app, self._core.attempt, *known))

    def planned(self) -> None:
        """The JobMaster knows its tasks, and what earlier lives have made durable."""
        if self._sim.facts.wants(TaskPlanned):
            self._tell_tasks()
        if self._sim.facts.wants(InstanceDrawn):
            self._tell_draws()
        if self._sim.facts.wants(InstanceRestored):
            self._tell_restored()

    def _tell_tasks(self) -> None:
        for task in self._core.tasks:
            edges = task.plan.edges
            after = ",".join(str(edge.source) for edge in edges if not edge.stream)
            along = ",".join(str(edge.source) for edge in edges if edge.stream and edge.pattern != "none")
            known = (task.number, task.plan.name, task.table.count, after, any(edge.stream for edge in edges), along)
            self._sim.emit(TaskPlanned(self._app, self._core.attempt, *known, amounts_of(task.plan.vector)))

    def _tell_draws(self) -> None:
        for task in self._core.tasks:
            for instance, compute_ns in enumerate(task.sizes.compute_ns.tolist()):
                self._sim.emit(InstanceDrawn(self._app, self._core.attempt, task.number, instance, compute_ns))

    def _tell_restored(self) -> None:
        for task in self._core.tasks:
            for instance in np.flatnonzero(task.table.state == COMMITTED).tolist():
                self._sim.emit(InstanceRestored(self._app, self._core.attempt, task.number, instance))

    def ready(self, workers: Iterable[int]) -> None:
        """Workers are up."""
        for worker in workers:
            asked_ns = self._starting.pop(worker, None)
            if asked_ns is not None:
                self._started += 1
                self._start_ns += self._sim.now - asked_ns

    def results(self, results: Iterable[Result]) -> None:
        """Results came, and the core has not seen them yet: what its workers had given them counts until then."""
        wanted = self._sim.facts.wants(InstancePhases)
        for result in results:
            output = result.output
            if not isinstance(output, InstanceOutput):
                continue
            number, instance, attempt = result.piece
            count, read_ns, compute_ns, write_ns = self._phases.get(number, (0, 0, 0, 0))
            self._phases[number] = (
                count + 1,
                read_ns + output.read_ns,
                compute_ns + output.compute_ns,
                write_ns + output.write_ns,
            )
            worker = self._core.force.workers.get(result.worker)
            spent_ns = output.read_ns + output.compute_ns + output.write_ns
            if worker is not None and (worker.instance, worker.attempt) == (instance, attempt):
                self._measured += 1
                self._overhead_ns += self._sim.now - worker.given_ns - spent_ns
            if wanted:
                task = self._core.tasks[number].plan.name
                phases = (output.read_ns, output.compute_ns, output.write_ns)
                self._sim.emit(InstancePhases(self._app, task, instance, *phases))

    def effects(self, effects: Effects) -> None:
        """What the core has decided."""
        for workers in effects.starts.values():
            for worker in workers:
                self._starting[worker] = self._sim.now
        for number in effects.tasks_started:
            task = self._core.tasks[number]
            after = ",".join(self._core.plan.tasks[edge.source].name for edge in task.plan.edges)
            self._sim.emit(TaskStarted(self._app, task.plan.name, task.table.count, after))
        wants, life = self._sim.facts.wants, self._core.attempt
        if effects.attempts and wants(InstanceEnded):
            self._attempts(effects)
        if effects.committed and wants(InstanceCommitted):
            for number, instance, attempt in effects.committed:
                self._sim.emit(InstanceCommitted(self._app, self._core.tasks[number].plan.name, instance, attempt, life))
        if effects.lost and wants(OutputLost):
            for number, instance, attempt in effects.lost:
                self._sim.emit(OutputLost(self._app, self._core.tasks[number].plan.name, instance, attempt, life))
        if effects.orders and wants(InstanceOrdered):
            for order in effects.orders:
                name = self._machines[order.machine].name
                what = (*order.piece, name, order.worker, order.backup)
                self._sim.emit(InstanceOrdered(self._app, life, *what))
        for number in effects.tasks_ended:
            task = self._core.tasks[number]
            begun = (task.table.count, task.attempts_begun, task.backups_begun)
            self._sim.emit(TaskEnded(self._app, task.plan.name, *begun))
            if number in self._phases:
                self._sim.emit(TaskPhases(self._app, task.plan.name, *self._phases[number]))
        for machine, why in effects.bad:
            self._sim.emit(BadMachineFound(self._app, self._machines[machine].name, why))

    def _attempts(self, effects: Effects) -> None:
        for one in effects.attempts:
            self._sim.emit(
                InstanceEnded(
                    self._app,
                    self._core.tasks[one.task].plan.name,
                    one.instance,
                    one.attempt,
                    self._machines[one.machine].name,
                    one.began_ns,
                    one.ok,
                    one.backup,
                    one.why,
                )
            )

    def ended(self, ok: bool, why: str, snapshots: int) -> None:
        """The job is over."""
        core = self._core
        longest = {task.plan.name: int(task.sizes.compute_ns.max()) for task in core.tasks}
        near = {key: sum(task.near[key] for task in core.tasks) for key in ("machine", "rack", "any")}
        self._sim.emit(
            JobEnded(
                job=self._app,
                attempt=core.attempt,
                ok=ok,
                why=why,
                ran_ns=self._sim.now - self._began_ns,
                critical_ns=critical_path(core.plan.after(), longest)[0],
                work_ns=sum(int(task.sizes.compute_ns.sum()) for task in core.tasks),
                instances=sum(task.table.count for task in core.tasks),
                attempts=sum(task.attempts_begun for task in core.tasks),
                failed=core.failures.attempts,
                backups=sum(task.backups_begun for task in core.tasks),
                workers=self._started,
                worker_start_ns=self._start_ns // max(1, self._started),
                instance_overhead_ns=self._overhead_ns // max(1, self._measured),
                on_machine=near["machine"],
                in_rack=near["rack"],
                elsewhere=near["any"],
                snapshots=snapshots,
            )
        )

    def decisions(self, scheduled: int, deciding_ns: int) -> None:
        """What was scheduled until the end, and for how long it was deciding."""
        self._sim.emit(JobDecisions(self._app, self._core.attempt, scheduled, deciding_ns))
