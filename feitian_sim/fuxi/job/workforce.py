"""A job's workers: who is where and at what, who is started, fed, stopped, and how many more are wanted."""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.effects import Effects, Order, Want
from feitian_sim.fuxi.job.task_master import TaskMaster, Worker

#: Numbers of workers of one life of a JobMaster.
WORKERS_OF_A_LIFE = 10_000_000
#: A wish is taken back when it is too large by more than such a part of it: at its end exactly, before that seldom.
_SLACK = 8


class Workforce:
    """The workers of one life (``attempt``) of a JobMaster, and what it wants done."""

    def __init__(self, tasks: Sequence[TaskMaster], config: JobConfig, attempt: int) -> None:
        self._tasks = tasks
        self._config = config
        self._attempt = attempt
        self._last = attempt * WORKERS_OF_A_LIFE
        self.effects = Effects()
        self.workers: dict[int, Worker] = {}
        self._on_machine: dict[int, dict[int, None]] = {}
        #: Machines on which nothing new is to run.
        self.closed: dict[int, None] = {}
        #: Tasks of which something has changed since the last settling.
        self.touched: dict[int, None] = {}
        #: While an earlier life's remains are looked for, nothing is given out.
        self.is_held = False
        #: When the job is over, nothing is either.
        self.is_over = False

    def end(self, ok: bool, why: str) -> None:
        """The job is over; what is said later counts for nothing."""
        if not self.is_over:
            self.is_over = True
            self.effects.ended = ok, why

    def of_this_life(self, number: int) -> bool:
        """Whether a worker was started by this life of the JobMaster."""
        return number >= self._attempt * WORKERS_OF_A_LIFE

    def on(self, machine: int) -> list[Worker]:
        """The workers on a machine."""
        return [self.workers[number] for number in self._on_machine.get(machine, ())]

    def machines(self) -> list[int]:
        """Where there are workers."""
        return list(self._on_machine)

    def add(self, task: int, machine: int, number: int) -> Worker:
        """A worker of a task is, or will be, on a machine."""
        worker = Worker(number, task, machine)
        self.workers[number] = self._tasks[task].workers[number] = worker
        self._on_machine.setdefault(machine, {})[number] = None
        return worker

    def start(self, task: TaskMaster, machine: int, count: int) -> None:
        """Have so many new workers started."""
        for _ in range(count):
            self._last += 1
            self.add(task.number, machine, self._last)
            self.effects.starts.setdefault((machine, task.number), []).append(self._last)

    def feed(self, worker: Worker, now_ns: int) -> None:
        """Give an idle worker something to do, or note that it has nothing."""
        task = self._tasks[worker.task]
        found = None
        if not self.is_held and not self.is_over and worker.machine not in self.closed:
            found = task.next_for(worker.machine)
        if found is None:
            task.idle[worker.number] = None
            self.touched[task.number] = None
            return
        instance, backup = found
        attempt = task.begin(worker, instance, backup=backup, now_ns=now_ns)
        self.effects.orders.append(Order(worker.number, worker.machine, task.number, instance, attempt, backup))

    def stop(self, worker: Worker) -> None:
        """Have a worker ended, and give its unit back."""
        self.forget(worker)
        self._tasks[worker.task].drop(worker)
        self.effects.stops.setdefault((worker.machine, worker.task), []).append(worker.number)
        self.touched[worker.task] = None

    def forget(self, worker: Worker) -> None:
        """A worker is gone."""
        del self.workers[worker.number]
        there = self._on_machine[worker.machine]
        del there[worker.number]
        if not there:
            del self._on_machine[worker.machine]

    def settle(self, now_ns: int) -> None:
        """Bring what is wanted and held of each task that has changed into line with what it needs."""
        if self.is_held or self.is_over:
            return
        touched, self.touched = self.touched, {}
        for number in touched:
            self._balance(self._tasks[number], now_ns)
        self.touched.clear()

    def _balance(self, task: TaskMaster, now_ns: int) -> None:
        if task.idle and task.ready and (len(task.waiting) or task.late):
            for name in list(task.idle):
                self.feed(self.workers[name], now_ns)
        for name in task.turn_away():
            self.stop(self.workers[name])
        surplus = len(task.workers) - task.needed()
        for name in list(task.idle)[: max(0, surplus)]:
            worker = self.workers[name]
            if now_ns - worker.given_ns >= self._config.worker_idle:
                self.stop(worker)
        delta = max(0, task.needed() - len(task.workers)) - task.asked
        if -task.asked < delta * _SLACK < 0:
            delta = 0
        avoid = task.avoid_changed()
        if delta or avoid is not None:
            self._want(task, delta, avoid)

    @staticmethod
    def _changed(task: TaskMaster, delta: int) -> dict[int, int]:
        """How the preferences change with the number wanted."""
        if delta > 0:
            return task.waiting.preferences(delta)
        surplus = sum(task.preferred.values()) - (task.asked + delta)
        changes: dict[int, int] = {}
        for machine, count in task.preferred.items():
            if surplus <= 0:
                break
            changes[machine] = -min(count, surplus)
            surplus -= count
        return changes

    def _want(self, task: TaskMaster, delta: int, avoid: tuple[int, ...] | None) -> None:
        changes = self._changed(task, delta)
        for machine, change in changes.items():
            left = task.preferred.get(machine, 0) + change
            if left:
                task.preferred[machine] = left
            else:
                task.preferred.pop(machine, None)
        task.asked += delta
        self.effects.wants.append(Want(task.number, delta, changes, avoid))
