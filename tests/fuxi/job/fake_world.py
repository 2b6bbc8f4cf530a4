"""A small world around a JobMaster's pure core: machines with slots, workers that start and run, a snapshot store.

It does what the FuxiMaster, Tubos, workers and Nuwa do, without messages: grants at once what fits, first come first
served; a worker takes ``start_ns`` to come up; an instance takes its computing time, times its machine's slowness.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.effects import Order, Piece
from feitian_sim.fuxi.job.job_master import JobMaster
from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan, TaskPlan
from feitian_sim.fuxi.job.sizes import sizes_of
from feitian_sim.fuxi.job.snapshot import decoded
from feitian_sim.fuxi.job.split import Split
from feitian_sim.fuxi.worker_messages import Result, WorkerState
from feitian_sim.kernel import MILLISECOND, SECOND, Stream

START_NS = 5 * MILLISECOND
SAVE_NS = 2 * MILLISECOND
ONE = (1000, 1, 0)


class FakeWorker:
    """A process on a machine."""

    def __init__(self, machine: int, task: int) -> None:
        self.machine = machine
        self.task = task
        self.order: Order | None = None
        self.began_ns = 0


class FakeWorld:
    """One job on a few machines."""

    def __init__(
        self,
        plan: JobPlan,
        machines: int = 4,
        slots: int = 2,
        *,
        config: JobConfig | None = None,
        splits: list[list[Split]] | None = None,
        slow: dict[int, float] | None = None,
        fails: Callable[[Order], str] = lambda order: "",
        racks: list[int] | None = None,
    ) -> None:
        self.plan = plan
        self.config = config or JobConfig()
        self.racks = racks or [machine // 2 for machine in range(machines)]
        self.splits = splits or [[] for _ in plan.tasks]
        self.slow = slow or {}
        self.fails = fails
        self.now_ns = 0
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._ties = count()
        self.free = dict.fromkeys(range(machines), slots)
        self.held: dict[tuple[int, int], int] = {}
        self.wanted: dict[int, int] = {}
        self.preferred: dict[int, dict[int, int]] = {}
        self.avoid: dict[int, tuple[int, ...]] = {}
        self.workers: dict[int, FakeWorker] = {}
        self.kept: dict[Piece, tuple[int, Result]] = {}
        #: The durable snapshot, and how many times it was written.
        self.stored = b""
        self.writes = 0
        self._saving = False
        self._looking: int | None = None
        self.begun: list[Order] = []
        self.ran: list[tuple[Order, int, int]] = []
        self.committed: list[Piece] = []
        self.lost: list[Piece] = []
        self.bad: list[int] = []
        self.ended: tuple[bool, str] | None = None
        #: Whether what workers need is where they look for it.
        self.finds_packages = True
        self.life = 0
        self.core: JobMaster | None = None
        self.on_commit: Callable[[int], None] = lambda number: None

    # The clock

    def later(self, delay_ns: int, callback: Callable[..., None], *args: Any) -> None:
        """Call after a while."""
        heappush(self._queue, (self.now_ns + delay_ns, next(self._ties), callback, args))

    def run(self, until: Callable[[], bool] | None = None) -> None:
        """Until the job has ended, or nothing is left."""
        while self._queue and self.ended is None and not (until is not None and until()):
            self.now_ns, _, callback, args = heappop(self._queue)
            callback(*args)

    def run_to(self, time_ns: int) -> None:
        """Until a time."""
        self.run(until=lambda: self.now_ns >= time_ns)

    # The master's lives

    def start(self) -> None:
        """A JobMaster comes up: from nothing, or from what one before it left."""
        self.life += 1
        sizes = sizes_of(self.plan, self.splits, Stream(7))
        core = self.core = JobMaster(self.plan, sizes, self.config, self.racks, self.life)
        self._saving = False
        if self.life == 1:
            core.begin(self.now_ns)
        else:
            self.wanted.clear()
            core.restore(decoded(self.stored) if self.stored else None, self.held)
            for machine in sorted({machine for _, machine in self.held}):
                states = [
                    WorkerState(number, worker.task + 1, worker.order.piece if worker.order else None, worker.began_ns)
                    for number, worker in self.workers.items()
                    if worker.machine == machine
                ]
                kept = [result for where, result in self.kept.values() if where == machine]
                core.adopt(machine, states, kept, self.now_ns)
            core.open_up(self.now_ns)
        self.after()

    def kill(self) -> None:
        """The JobMaster's process dies; workers run on."""
        self.core = None

    def tell(self, life: int, method: str, *args: Any) -> None:
        """Say something to the JobMaster, if that life of it still lives."""
        if self.core is not None and self.life == life:
            getattr(self.core, method)(*args, self.now_ns)
            self.after()

    # What it wants done

    def after(self) -> None:
        """Do what the core has decided."""
        core = self.core
        assert core is not None
        effects = core.take_effects()
        for (machine, task), numbers in effects.stops.items():
            self._end(numbers)
            self._free(machine, task, len(numbers))
        for machine, numbers in effects.revoked.items():
            self._end(numbers)
            assert machine in self.free
        for (machine, task), number in (*effects.gone.items(), *effects.unused.items()):
            self._free(machine, task, number)
        for (machine, task), numbers in effects.starts.items():
            for number in numbers:
                self.workers[number] = FakeWorker(machine, task)
                self.later(START_NS, self._up, number)
        for order in effects.orders:
            self._begin(order)
        for machine, pieces in effects.forget.items():
            for piece in pieces:
                self.kept.pop(piece, None)
            assert machine in self.free
        for want in effects.wants:
            self.wanted[want.task] = self.wanted.get(want.task, 0) + want.delta
            assert self.wanted[want.task] >= 0, want
            preferred = self.preferred.setdefault(want.task, {})
            for machine, change in want.preferences.items():
                preferred[machine] = preferred.get(machine, 0) + change
            if want.avoid is not None:
                self.avoid[want.task] = want.avoid
        self.bad += [machine for machine, _ in effects.bad]
        self.lost += effects.lost
        for piece in effects.committed:
            self.committed.append(piece)
        if effects.ended is not None:
            self.ended = effects.ended
            return
        if effects.committed:
            self.on_commit(len(self.committed))
        if self.core is None:
            return
        self.later(0, self._grant)
        self._save_soon()
        look_ns = core.next_look_ns(self.now_ns)
        if look_ns is not None and look_ns != self._looking:
            self._looking = look_ns
            self.later(look_ns - self.now_ns, self.tell, self.life, "wake")

    def _free(self, machine: int, task: int, number: int) -> None:
        self.held[task, machine] -= number
        if not self.held[task, machine]:
            del self.held[task, machine]
        if machine in self.free:
            self.free[machine] += number
        self.later(0, self._grant)

    def _end(self, numbers: list[int]) -> None:
        for number in numbers:
            self.workers.pop(number, None)
        # What they had kept goes with them.
        self.kept = {piece: kept for piece, kept in self.kept.items() if kept[1].worker not in numbers}

    def _grant(self) -> None:
        for task in list(self.wanted):
            preferred = self.preferred.setdefault(task, {})
            machines = sorted(self.free, key=lambda machine: -preferred.get(machine, 0))
            for machine in machines:
                number = min(self.wanted[task], self.free[machine])
                if number and machine not in self.avoid.get(task, ()) and self.core is not None:
                    self.wanted[task] -= number
                    self.free[machine] -= number
                    self.held[task, machine] = self.held.get((task, machine), 0) + number
                    preferred[machine] = max(0, preferred.get(machine, 0) - number)
                    self.tell(self.life, "granted", task, machine, number)

    def _save_soon(self) -> None:
        core = self.core
        if core is not None and core.commits.dirty and not self._saving:
            self._saving = True
            data = core.commits.begin().encoded()
            self.later(SAVE_NS, self._saved, self.life, data)

    def _saved(self, life: int, data: bytes) -> None:
        # The version that was read fences who has been replaced.
        if life == self.life and self.core is not None:
            self.stored = data
            self.writes += 1
            self._saving = False
            self.tell(life, "saved")

    # Workers

    def _up(self, number: int) -> None:
        worker = self.workers.get(number)
        if worker is not None and self.finds_packages:
            self.tell(self.life, "workers_ready", worker.machine, worker.task, [number])
        elif worker is not None:
            self._end([number])
            self.tell(self.life, "workers_gone", worker.machine, [number], "no-package")

    def _begin(self, order: Order) -> None:
        self.begun.append(order)
        worker = self.workers[order.worker]
        assert worker.order is None, f"{order} on a worker that runs {worker.order}"
        worker.order, worker.began_ns = order, self.now_ns
        assert self.core is not None
        compute_ns = int(self.core.tasks[order.task].sizes.compute_ns[order.instance])
        self.later(int(compute_ns * self.slow.get(order.machine, 1.0)), self._finished, order)

    def _finished(self, order: Order) -> None:
        worker = self.workers.get(order.worker)
        if worker is None or worker.order is not order:
            return
        worker.order = None
        why = self.fails(order)
        self.ran.append((order, worker.began_ns, self.now_ns))
        result = Result(order.worker, order.piece, not why, why, worker.began_ns)
        self.kept[order.piece] = (order.machine, result)
        self.tell(self.life, "results", order.machine, [result])

    def lose(self, machine: int) -> None:
        """A machine dies."""
        self.free.pop(machine)
        for number in [number for number, worker in self.workers.items() if worker.machine == machine]:
            del self.workers[number]
        self.kept = {piece: kept for piece, kept in self.kept.items() if kept[0] != machine}
        for key in [key for key in self.held if key[1] == machine]:
            del self.held[key]
        self.tell(self.life, "lost", machine)


def task_plan(name: str, instances: int, *, after: tuple[EdgePlan, ...] = (), **options: object) -> TaskPlan:
    options.setdefault("time_ns", SECOND)
    return TaskPlan(name, instances, ONE, after, **options)  # type: ignore[arg-type]


def mapreduce(maps: int = 20, reduces: int = 6, *, stream: bool = False) -> JobPlan:
    times = tuple((3 + i % 5) * 200 * MILLISECOND for i in range(maps))
    edge = EdgePlan(0, stream)
    return JobPlan(
        "job",
        (task_plan("map", maps, time_ns=times, output_bytes=1000), task_plan("reduce", reduces, after=(edge,))),
    )


def assert_done(world: FakeWorld) -> None:
    assert world.ended == (True, "")
    assert sorted({piece[:2] for piece in world.committed}) == [
        (task, i) for task, plan in enumerate(world.plan.tasks) for i in range(plan.instances)
    ]
    assert not world.workers
    assert not world.held
    assert not world.kept
