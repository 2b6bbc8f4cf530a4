"""The worker runtime of a machine: what its workers share to speak with their applications' masters.

A worker does one piece of work after another; what it was given meanwhile waits. It keeps each result until its
application's master says that it may be forgotten, and tells it until it is answered; a new master of the application
asks what is there, and gets running pieces and kept results. All that happens for one application at one instant goes in
one message.

The runtime is the workers' own code: whoever kills the process kills the machine's workers with it. It speaks for them
through one endpoint, so that a connection and a signature serve a pair of machines, however many workers there are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from feitian_sim.fuxi.check_facts import WorkBegun, WorkDone
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.messages import Heard
from feitian_sim.fuxi.needs import BE_HEARD_BY_WORKERS
from feitian_sim.fuxi.ports import WORKER_PORT, WORKER_ROLE
from feitian_sim.fuxi.process_table import RUNNING, AppHere, ProcessTable, WorkerProcess
from feitian_sim.fuxi.work import Work
from feitian_sim.fuxi.worker_context import Computing, RunningWorker
from feitian_sim.fuxi.worker_messages import (
    AskWorkers,
    Assign,
    Forget,
    Result,
    Results,
    WorkersAre,
    WorkersReady,
    WorkerState,
)
from feitian_sim.hardware import Daemon, DataCenter, Machine
from feitian_sim.kernel import Owner, SimulatedError, Simulation
from feitian_sim.kuafu import CallError, Endpoint, Identities, IncomingCall, Kuafu
from feitian_sim.pangu.client import PanguClient


class _ToTell:
    """What one application's master has to hear."""

    __slots__ = ("app", "ready", "results", "soon")

    def __init__(self, app: AppHere) -> None:
        self.app = app
        self.ready: list[WorkerProcess] = []
        self.results: list[Result] = []
        self.soon = False

    def not_ready(self, workers: list[WorkerProcess]) -> None:
        """That these are ready was not heard."""
        self.ready = workers + self.ready

    def not_told(self, results: list[Result]) -> None:
        """These were not heard."""
        self.results = results + self.results


class WorkerRuntime:
    """The runtime of one machine through all its incarnations."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        kuafu: Kuafu,
        machine: Machine,
        table: ProcessTable,
        identities: Identities,
        config: FuxiConfig,
        pangu: Callable[[Owner], PanguClient] | None,
    ) -> None:
        self.sim = sim
        self.datacenter = datacenter
        self._kuafu = kuafu
        self.machine = machine
        self._table = table
        self._identities = identities
        self._config = config
        self._pangu_for = pangu
        self._pangu: PanguClient | None = None
        self._telling: dict[str, _ToTell] = {}
        self.owner = sim.owner(f"{WORKER_ROLE}@{machine.name}")
        self.computing = Computing(sim, self.pace)
        machine.cpu.on_pace(self.computing.pace_changed)
        self.daemon = Daemon(machine, f"{WORKER_ROLE}@{machine.name}", WORKER_ROLE, self._boot)

    def _boot(self, owner: Owner) -> None:
        self.owner = owner
        self._telling = {}
        self._pangu = None
        self.computing.clear()
        self.endpoint: Endpoint = self._kuafu.endpoint(
            owner, self.machine, WORKER_PORT, self._identities.module(WORKER_ROLE, self.machine.name)
        )
        for message, handler in ((Assign, self._assign), (Forget, self._forget), (AskWorkers, self._ask)):
            self.endpoint.serve(message, handler, BE_HEARD_BY_WORKERS)
        owner.on_death(self._died)

    def _died(self) -> None:
        for process in self._table.processes():
            if isinstance(process, WorkerProcess) and process.owner is not None:
                process.owner.kill()

    def pace(self) -> float:
        """How many times longer than on a healthy machine the workers' computing takes."""
        return self.machine.cpu.pace_of(self.owner)

    def pangu(self) -> PanguClient:
        """The workers' client of Pangu. Raises SimulatedError in a cell without Pangu."""
        if self._pangu is None:
            if self._pangu_for is None:
                raise SimulatedError("this cell has no Pangu")
            self._pangu = self._pangu_for(self.owner)
        return self._pangu

    # From the Tubo

    def ready(self, worker: WorkerProcess) -> None:
        """A worker is up: its application's master is to know."""
        if self.daemon.alive and worker.queue:
            # It knows what to do: its result will tell that it is there.
            worker.announced = True
            self._begin(worker, worker.queue.pop(0))
        elif self.daemon.alive:
            telling = self._to_tell(worker.app)
            telling.ready.append(worker)
            self._soon(telling)
        elif worker.owner is not None:
            # Its code cannot run.
            worker.owner.kill()

    # From applications' masters

    def _app_of(self, call: IncomingCall) -> AppHere | None:
        """The application, unless its master has a successor that has spoken here."""
        message: Assign | Forget | AskWorkers = call.message
        app = self._table.apps.get(message.app)
        if app is None or app.ended:
            call.fail(f"there is nothing of {message.app} here")
            return None
        if message.attempt < app.attempt:
            call.fail(f"attempt {app.attempt} of {app.name} has spoken here")
            return None
        app.attempt = message.attempt
        return app

    def _assign(self, call: IncomingCall) -> None:
        app = self._app_of(call)
        if app is None:
            return
        message: Assign = call.message
        app.address = message.address
        call.reply(Heard(self._table.epoch))
        if message.forget:
            self._drop_results(app, message.forget)
        for number, work in message.work:
            worker = app.workers.get(number)
            if worker is not None and worker.state == RUNNING:
                self._give(worker, work)

    def _give(self, worker: WorkerProcess, work: Work) -> None:
        piece = work.piece
        kept = worker.kept.get(piece)
        if kept is not None:
            # It was done; perhaps the result was lost with a master.
            self._tell_result(worker.app, kept)
        elif worker.piece is None:
            self._begin(worker, work)
        elif worker.piece != piece and all(waiting.piece != piece for waiting in worker.queue):
            worker.queue.append(work)

    def _begin(self, worker: WorkerProcess, work: Work) -> None:
        worker.piece = work.piece
        worker.began_ns = self.sim.now
        if self.sim.facts.wants(WorkBegun):
            self.sim.emit(WorkBegun(*self._names(worker), _named(work.piece)))
        work.start(RunningWorker(self, worker), partial(self._done, worker, work.piece))

    def _done(self, worker: WorkerProcess, piece: Any, ok: bool, why: str, output: Any) -> None:
        if worker.piece != piece or worker.owner is None or not worker.owner.alive:
            return
        if self.sim.facts.wants(WorkDone):
            self.sim.emit(WorkDone(*self._names(worker), _named(piece), ok))
        result = Result(worker.number, piece, ok, why, worker.began_ns, output)
        worker.kept[piece] = result
        worker.piece = None
        self._tell_result(worker.app, result)
        if worker.queue:
            self._begin(worker, worker.queue.pop(0))

    def _names(self, worker: WorkerProcess) -> tuple[str, str, int, int]:
        return self.machine.name, worker.app.name, worker.unit.number, worker.number

    def _forget(self, call: IncomingCall) -> None:
        app = self._app_of(call)
        if app is None:
            return
        call.reply(Heard(self._table.epoch))
        self._drop_results(app, call.message.pieces)

    def _drop_results(self, app: AppHere, pieces: tuple[Any, ...]) -> None:
        for worker in app.workers.values():
            kept = worker.kept
            if kept:
                for piece in pieces:
                    kept.pop(piece, None)

    def _ask(self, call: IncomingCall) -> None:
        message: AskWorkers = call.message
        app = self._table.apps.get(message.app)
        if app is not None and message.attempt < app.attempt:
            call.fail(f"attempt {app.attempt} of {app.name} has spoken here")
            return
        if app is None or app.ended:
            call.reply(WorkersAre(message.app, self.machine.name, ()))
            return
        app.attempt, app.address = message.attempt, message.address
        for worker in app.workers.values():
            # What the master before had given it for later, its successor gives anew.
            worker.queue.clear()
        running = [worker for worker in app.workers.values() if worker.state == RUNNING]
        for worker in running:
            worker.announced = True
        states = tuple(WorkerState(one.number, one.unit.number, one.piece, one.began_ns) for one in running)
        kept = tuple(result for worker in running for result in worker.kept.values())
        # All that was to be told is in the answer.
        self._telling.pop(app.name, None)
        call.reply(WorkersAre(app.name, self.machine.name, states, kept))

    # To applications' masters

    def _to_tell(self, app: AppHere) -> _ToTell:
        telling = self._telling.get(app.name)
        if telling is None or telling.app is not app:
            telling = self._telling[app.name] = _ToTell(app)
        return telling

    def _tell_result(self, app: AppHere, result: Result) -> None:
        telling = self._to_tell(app)
        telling.results.append(result)
        self._soon(telling)

    def _soon(self, telling: _ToTell) -> None:
        if not telling.soon:
            telling.soon = True
            self.owner.call_later(0, self._tell, telling)

    def _tell(self, telling: _ToTell) -> None:
        telling.soon = False
        app = telling.app
        if app.ended or self._telling.get(app.name) is not telling:
            return
        ready, telling.ready = telling.ready, []
        units: dict[int, list[WorkerProcess]] = {}
        for worker in ready:
            if worker.state == RUNNING and not worker.announced:
                units.setdefault(worker.unit.number, []).append(worker)
        for unit, workers in units.items():
            numbers = tuple(worker.number for worker in workers)
            message = WorkersReady(app.name, self.machine.name, unit, numbers)
            self._call(telling, message, partial(_announced, workers), partial(telling.not_ready, workers))
        results, telling.results = telling.results, []
        if results:
            told = Results(app.name, self.machine.name, tuple(results))
            self._call(telling, told, _nothing, partial(telling.not_told, results))

    def _call(self, telling: _ToTell, message: object, heard: Callable[[], object], again: Callable[[], object]) -> None:
        def failed(_: CallError) -> None:
            again()
            self.owner.call_later(self._config.retry, self._tell, telling)

        self.endpoint.call(telling.app.address, message, self._config.call, lambda _: heard(), failed)


def _named(piece: Any) -> str:
    """A piece of work as facts have it."""
    return "/".join(map(str, piece)) if isinstance(piece, tuple) else str(piece)


def _announced(workers: list[WorkerProcess]) -> None:
    for worker in workers:
        worker.announced = True


def _nothing() -> None:
    """Nothing depends on it."""
