"""JobMaster: what a job's master decides. Pure: it is told what happens and when, and fills :class:`Effects`.

One decision follows each event: who is given which instance, how many workers each task wants, who is stopped. An
instance goes waiting -> running -> ended -> committed (:mod:`.instance_table`), and only what is committed is relied
upon: consumers start on it, workers forget it, a task and the job end with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from feitian_sim.fuxi.job.blacklist import Blacklist
from feitian_sim.fuxi.job.commits import Commits
from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.effects import Attempt, Effects
from feitian_sim.fuxi.job.failures import Failures
from feitian_sim.fuxi.job.instance_table import COMMITTED, ENDED, NONE, RUNNING, WAITING
from feitian_sim.fuxi.job.output_needs import OutputNeeds
from feitian_sim.fuxi.job.plan import JobPlan
from feitian_sim.fuxi.job.sizes import TaskSizes
from feitian_sim.fuxi.job.snapshot import Snapshot
from feitian_sim.fuxi.job.streams import Streams
from feitian_sim.fuxi.job.task_master import TaskMaster, Worker
from feitian_sim.fuxi.job.workforce import Workforce
from feitian_sim.fuxi.worker_messages import Result, WorkerState

#: Numbers of attempts of one life of a JobMaster.
ATTEMPTS_OF_A_LIFE = 100
#: Why an attempt failed through no fault of its machine: its input is not there any more.
INPUT_LOST = "input-lost"


class JobMaster:
    """One life (``attempt``) of one job's master. ``racks``: of each machine of the cell."""

    def __init__(
        self,
        plan: JobPlan,
        sizes: Sequence[TaskSizes],
        config: JobConfig,
        racks: Sequence[int],
        attempt: int = 1,
    ) -> None:
        self.plan = plan
        self.attempt = attempt
        self._config = config
        blacklist = Blacklist(config.blacklist, len(racks))
        first = (attempt - 1) * ATTEMPTS_OF_A_LIFE
        self.tasks = [
            TaskMaster(number, task, size, config, blacklist, racks, first)
            for number, (task, size) in enumerate(zip(plan.tasks, sizes, strict=True))
        ]
        self._needs = OutputNeeds(self.tasks)
        self.commits = Commits(self.tasks, attempt, self._needs)
        self.force = Workforce(self.tasks, config, attempt)
        self.failures = Failures(self.tasks, self.force, blacklist, config)
        self.streams = Streams(self.tasks, config.stream_patience)
        self._holdings: dict[tuple[int, int], int] = {}
        self._look_ns: int | None = None
        #: Attempts of an earlier life that run on.
        self.adopted = 0

    @property
    def effects(self) -> Effects:
        """What is to be done."""
        return self.force.effects

    def take_effects(self) -> Effects:
        """What is to be done; from now on nothing is."""
        effects, self.force.effects = self.force.effects, Effects()
        return effects

    @property
    def is_over(self) -> bool:
        """Whether the job has ended."""
        return self.force.is_over

    # Beginning

    def begin(self, now_ns: int) -> None:
        """A job that nobody has run before."""
        for task in self.tasks:
            task.fill()
        self._open(now_ns)
        self.force.settle(now_ns)

    def restore(self, snapshot: Snapshot | None, holdings: Mapping[tuple[int, int], int]) -> None:
        """A later life: what is done, and how many units of each (task, machine) the FuxiMaster says it holds."""
        self._holdings = dict(holdings)
        self.force.is_held = True
        if snapshot is not None:
            self.commits.restore(snapshot)

    def adopt(self, machine: int, states: Iterable[WorkerState], kept: Iterable[Result], now_ns: int) -> None:
        """What a machine says of the workers that an earlier life had started, and of results that nobody has noted."""
        for state in states:
            self._adopt(machine, state, now_ns)
        self.results(machine, kept, now_ns)

    def _adopt(self, machine: int, state: WorkerState, now_ns: int) -> None:
        if state.worker in self.force.workers:
            return
        worker = self.force.add(state.unit - 1, machine, state.worker)
        worker.ready, worker.given_ns = True, now_ns
        task = self.tasks[worker.task]
        if state.piece is None:
            task.idle[worker.number] = None
            return
        _, instance, attempt = state.piece
        worker.instance, worker.attempt, worker.given_ns = instance, attempt, state.began_ns
        table = task.table
        if table.state[instance] == WAITING:
            task.waiting.discard(instance)
            table.move(instance, RUNNING)
            table.worker[instance], table.machine[instance] = worker.number, machine
            table.began_ns[instance] = state.began_ns
            self.adopted += 1
        elif table.state[instance] == RUNNING and instance not in task.backups:
            task.backups[instance] = worker.number
            self.adopted += 1
        else:
            worker.instance = NONE
            self.force.stop(worker)

    def open_up(self, now_ns: int) -> None:
        """Every machine has been heard, or is given up: go on. What was granted and has no worker gets one."""
        self.force.is_held = False
        for task in self.tasks:
            task.fill()
            self.force.touched[task.number] = None
        self._open(now_ns)
        for (number, machine), count in self._holdings.items():
            there = sum(1 for worker in self.force.on(machine) if worker.task == number)
            self.force.start(self.tasks[number], machine, count - there)
        self._holdings.clear()
        # All may have been done, and the life before had no time to say so.
        self._end_if_done()
        self.force.settle(now_ns)

    # What the FuxiMaster says

    def granted(self, number: int, machine: int, count: int, now_ns: int) -> None:
        """So many units of a task are granted on a machine."""
        task = self.tasks[number]
        task.granted(machine, count)
        room = 0 if self.is_over else max(0, task.needed() - len(task.workers))
        used = min(count, room)
        self.force.start(task, machine, used)
        if count > used:
            key = machine, number
            self.effects.unused[key] = self.effects.unused.get(key, 0) + count - used
        self.force.touched[number] = None
        self.force.settle(now_ns)

    def taken_back(self, number: int, machine: int, count: int, now_ns: int) -> None:
        """So many units of a task are taken back on a machine: who has done least for it ends."""
        there = [worker for worker in self.force.on(machine) if worker.task == number]
        there.sort(key=lambda worker: (worker.instance != NONE, worker.ready, -worker.given_ns, -worker.number))
        for worker in there[:count]:
            self.effects.revoked.setdefault(machine, []).append(worker.number)
            self._remove(worker, "taken back", now_ns)
        self.force.touched[number] = None
        self.force.settle(now_ns)

    def lost(self, machine: int, now_ns: int) -> None:
        """A machine is gone, with its workers and all output on its disks."""
        for worker in self.force.on(machine):
            self._remove(worker, "machine lost", now_ns)
        for key in [key for key in self._holdings if key[1] == machine]:
            del self._holdings[key]
        for task in self.tasks:
            if task.leaves_local and self._needs.now(task.number):
                self.output_lost(task.number, machine, now_ns)
            self.force.touched[task.number] = None
        self.force.settle(now_ns)

    def output_lost(self, number: int, machine: int, now_ns: int) -> None:
        """What a task left on a machine's disks is gone: those instances must run again."""
        task = self.tasks[number]
        for instance in task.table.on(machine).tolist():
            if task.table.state[instance] == COMMITTED:
                self.effects.lost.append((number, instance, int(task.table.attempt[instance])))
            task.again(instance)
            self.commits.lost()
        self.force.touched[number] = None
        self._open(now_ns)

    def disabled(self, machine: int, now_ns: int) -> None:
        """Nothing new is to run on a machine."""
        self.force.closed[machine] = None
        for worker in self.force.on(machine):
            if worker.instance == NONE:
                self.force.stop(worker)
                self.force.touched[worker.task] = None
        self.force.settle(now_ns)

    def enabled(self, machine: int, now_ns: int) -> None:
        """A machine that was disabled may be used again."""
        self.force.closed.pop(machine, None)
        for task in self.tasks:
            self.force.touched[task.number] = None
        self.force.settle(now_ns)

    # What workers and Tubos say

    def workers_ready(self, machine: int, number: int, workers: Iterable[int], now_ns: int) -> None:
        """Workers of a task are up and idle."""
        for name in workers:
            worker = self.force.workers.get(name)
            if worker is None:
                if self.force.of_this_life(name):
                    # It was told to stop meanwhile.
                    continue
                worker = self.force.add(number, machine, name)
            if not worker.ready:
                worker.ready, worker.given_ns = True, now_ns
                self.force.feed(worker, now_ns)
        self.force.settle(now_ns)

    def workers_gone(self, machine: int, workers: Iterable[int], why: str, now_ns: int) -> None:
        """Workers ended that were not told to, or never came up."""
        for name in workers:
            worker = self.force.workers.get(name)
            if worker is None:
                continue
            if why != "revoked":
                key = machine, worker.task
                self.effects.gone[key] = self.effects.gone.get(key, 0) + 1
            self.failures.of_worker(self.tasks[worker.task], name, machine, why)
            self._remove(worker, why, now_ns, failed=why in ("crashed", "memory"))
        self.force.settle(now_ns)

    def results(self, machine: int, results: Iterable[Result], now_ns: int) -> None:
        """Work has ended."""
        for result in results:
            number, instance, attempt = result.piece
            task = self.tasks[number]
            worker = self.force.workers.get(result.worker)
            has_it = worker is not None and worker.instance == instance and worker.attempt == attempt
            backup = has_it and task.backups.get(instance) == result.worker
            began_ns = result.began_ns
            if result.ok:
                self._ended_well(task, machine, result, worker if has_it else None, now_ns)
            else:
                self._ended_badly(task, machine, result, worker if has_it else None, now_ns)
            self.effects.attempts.append(
                Attempt(number, instance, attempt, machine, began_ns, result.ok, backup, result.why)
            )
            if worker is not None and has_it and worker.number in self.force.workers:
                worker.given_ns = now_ns
                self.force.feed(worker, now_ns)
            self.force.touched[number] = None
        self.force.settle(now_ns)

    def _ended_well(self, task: TaskMaster, machine: int, result: Result, worker: Worker | None, now_ns: int) -> None:
        _, instance, attempt = result.piece
        table = task.table
        given_ns = worker.given_ns if worker is not None else None
        if table.state[instance] >= ENDED:
            # The other attempt was first.
            if worker is not None:
                task.leave(worker)
            self.effects.forget.setdefault(machine, []).append(result.piece)
            return
        if worker is not None:
            worker.instance = NONE
        others = [other for other in task.others_at(instance) if other is not worker]
        backup = task.backups.get(instance)
        task.waiting.discard(instance)
        task.late.pop(instance, None)
        task.backups.pop(instance, None)
        table.move(instance, ENDED)
        table.worker[instance], table.machine[instance], table.attempt[instance] = NONE, machine, attempt
        if given_ns is not None:
            table.finish(now_ns - given_ns)
        self.commits.ended(task.number, instance, result.worker)
        for other in others:
            # It has lost the race, and stops where it is.
            other.instance = NONE
            was_backup = other.number == backup
            gone = (other.attempt, other.machine, other.given_ns, False, was_backup, "raced")
            self.effects.attempts.append(Attempt(task.number, instance, *gone))
            self.force.stop(other)

    def _ended_badly(self, task: TaskMaster, machine: int, result: Result, worker: Worker | None, now_ns: int) -> None:
        self.effects.forget.setdefault(machine, []).append(result.piece)
        if worker is None:
            return
        instance = worker.instance
        task.leave(worker)
        if result.why.startswith(INPUT_LOST):
            for source, where in result.output or ():
                self.output_lost(source, where, now_ns)
        else:
            self.failures.of_instance(task, instance, machine, result.why)

    # Time and the snapshot

    def wake(self, now_ns: int) -> None:
        """Look for stragglers, for workers that were idle long enough, and for producers that starve."""
        self._look_ns = None
        for worker in self.streams.look(now_ns):
            self.force.stop(worker)
        self._open(now_ns)
        for task in self.tasks:
            if task.may_have_stragglers and task.look_for_stragglers(now_ns):
                self.force.touched[task.number] = None
            if task.idle:
                self.force.touched[task.number] = None
        self.force.settle(now_ns)

    def next_look_ns(self, now_ns: int) -> int | None:
        """When to call :meth:`wake`; None while nothing depends on the time."""
        if self._look_ns is None and not self.is_over and not self.force.is_held:
            if any(task.may_have_stragglers for task in self.tasks) or self.streams.must_be_watched:
                self._look_ns = now_ns + self._config.backup.check_every
            if self._config.worker_idle and any(task.idle for task in self.tasks):
                idle_ns = now_ns + self._config.worker_idle
                self._look_ns = idle_ns if self._look_ns is None else min(self._look_ns, idle_ns)
        return self._look_ns

    def saved(self, now_ns: int) -> None:
        """The snapshot that was made last is durable: what is in it is committed."""
        for number, instance, machine, attempt, worker in self.commits.saved():
            self.effects.committed.append((number, instance, attempt))
            if worker in self.force.workers:
                # What a worker had kept goes with it.
                self.effects.forget.setdefault(machine, []).append((number, instance, attempt))
            self.force.touched[number] = None
        for number in list(self.force.touched):
            task = self.tasks[number]
            if task.is_done and not task.was_ended:
                task.was_ended = True
                self.effects.tasks_ended.append(number)
        self._open(now_ns)
        self._end_if_done()
        self.force.settle(now_ns)

    def _end_if_done(self) -> None:
        if all(task.is_done for task in self.tasks) and not self.commits.dirty:
            self.force.end(True, "")

    # Inside

    def _open(self, now_ns: int) -> None:
        """See which tasks may begin."""
        for task in self.tasks:
            ready = all(self._is_open(task, number) for number in range(len(task.plan.edges)))
            if ready != task.ready:
                task.ready = ready
                self.force.touched[task.number] = None
                if ready and not task.was_started:
                    task.was_started = True
                    self.effects.tasks_started.append(task.number)

    def _is_open(self, task: TaskMaster, number: int) -> bool:
        edge = task.plan.edges[number]
        source = self.tasks[edge.source]
        if not edge.stream:
            return source.is_done
        enough = self._config.stream_after * source.table.count
        if source.number in self.streams.starving:
            return False
        return source.ready and (task.was_started or source.table.committed >= min(enough, source.table.count))

    def _remove(self, worker: Worker, why: str, now_ns: int, *, failed: bool = False) -> None:
        """A worker is gone, and what it ran with it."""
        task = self.tasks[worker.task]
        backup = task.backups.get(worker.instance) == worker.number
        given_ns = worker.given_ns
        self.force.forget(worker)
        had = task.drop(worker)
        if had is not None:
            instance, attempt = had
            self.effects.attempts.append(
                Attempt(task.number, instance, attempt, worker.machine, given_ns, False, backup, why)
            )
            if failed:
                self.failures.of_instance(task, instance, worker.machine, why)
        self.force.touched[task.number] = None
