"""A JobMaster's calls to Tubos and worker runtimes: what any master says, and who computes what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.job.effects import Order, Piece
from feitian_sim.fuxi.job.instance_work import InstanceWork
from feitian_sim.fuxi.job.job_master import JobMaster
from feitian_sim.fuxi.job.plan import TaskPlan
from feitian_sim.fuxi.machine_calls import MachineCalls, nothing
from feitian_sim.fuxi.ports import workers_at
from feitian_sim.fuxi.worker_messages import Assign, Forget, WorkerSpec
from feitian_sim.hardware import Machine
from feitian_sim.kuafu import CallError

#: Pieces of a machine that a message of their own is sent for, when no instance goes there that takes them along.
_FORGET_AT_ONCE = 64


class WorkerCalls(MachineCalls):
    """The calls of one life of a JobMaster. ``decision_ns``: what it spends on an instance that it schedules."""

    def __init__(self, host: ApplicationHost, decision_ns: int) -> None:
        super().__init__(host)
        self._decision_ns = decision_ns
        # Results that machines may forget, and have not been told of.
        self._forgotten: dict[str, list[Piece]] = {}
        #: Instances scheduled, and for how long it was deciding about them.
        self.scheduled = self.deciding_ns = 0
        # Decisions that are being computed, and since when there are any.
        self._deciding = self._since_ns = 0

    def start_of_task(self, machine: str, task: int, plan: TaskPlan, workers: Sequence[int]) -> None:
        """Have workers of a task started."""
        self.start(machine, WorkerSpec(task + 1, plan.vector, plan.package, plan.memory_bytes, plan.threads), workers)

    def forget(self, machine: str, pieces: Sequence[Piece]) -> None:
        """Have results forgotten, with the machine's next instance: what is kept too long is only kept."""
        waiting = self._forgotten.setdefault(machine, [])
        waiting += pieces
        if len(waiting) >= _FORGET_AT_ONCE:
            message = Forget(self._app, self._attempt, self._to_forget(machine))
            self._host.endpoint.call(workers_at(machine), message, self._host.config.call, nothing, nothing)

    def lost(self, machine: str) -> None:
        """Nothing that was to be said to the machine need be said any more."""
        super().lost(machine)
        self._forgotten.pop(machine, None)

    def _to_forget(self, machine: str) -> tuple[Piece, ...]:
        """What a message that goes to the machine now takes along."""
        return tuple(self._forgotten.pop(machine, ()))

    def assign(self, work: Sequence[tuple[Order, InstanceWork]], machines: Sequence[Machine], core: JobMaster) -> None:
        """Give workers their instances, once the JobMaster has computed who gets which."""
        by_machine: dict[int, list[tuple[Order, InstanceWork]]] = {}
        for order, made in work:
            by_machine.setdefault(order.machine, []).append((order, made))

        if not self._deciding:
            self._since_ns = self._host.sim.now
        self._deciding += 1

        def send() -> None:
            self._decided(len(work))
            for index, given in by_machine.items():
                self._assign(machines[index].name, given, core)

        if self._decision_ns:
            self._host.machine.cpu.submit(self._decision_ns * len(work), self._host.owner, send)
        else:
            send()

    def _decided(self, instances: int) -> None:
        self.scheduled += instances
        self._deciding -= 1
        if not self._deciding:
            self.deciding_ns += self._host.sim.now - self._since_ns

    def _assign(self, machine: str, work: Iterable[tuple[Order, InstanceWork]], core: JobMaster) -> None:
        given = [(order, made) for order, made in work if _stands(order, core)]
        if not given:
            return
        pairs = tuple((order.worker, made) for order, made in given)
        forgotten = self._to_forget(machine)
        message = Assign(self._app, self._attempt, self._host.endpoint.address, pairs, forgotten)

        def failed(_: CallError) -> None:
            self.forget(machine, forgotten)
            self._host.owner.call_later(self._host.config.retry, self._assign, machine, given, core)

        self._host.endpoint.call(workers_at(machine), message, self._host.config.call, nothing, failed)


def _stands(order: Order, core: JobMaster) -> bool:
    """Whether the worker is still to run this."""
    worker = core.force.workers.get(order.worker)
    return worker is not None and (worker.instance, worker.attempt) == (order.instance, order.attempt)
