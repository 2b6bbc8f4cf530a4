"""Tubo's core: what runs on one machine, and what follows from each order of who may order. Pure.

It keeps the accounts of the machine's :class:`~feitian_sim.fuxi.process_table.ProcessTable`: what the FuxiMaster allows
and takes back, and which workers an application asks for. What then becomes of each process is the lower half's
(:mod:`.tubo_processes`). Orders of a FuxiMaster or an application's master that has a successor are refused.
"""

from __future__ import annotations

from feitian_sim.fuxi.config import TuboConfig
from feitian_sim.fuxi.health import health
from feitian_sim.fuxi.messages import Allow, Allowance, EndApp, EndMaster, Heard, Hello, StartMaster, Welcome
from feitian_sim.fuxi.process_table import WAITING, AppHere, MasterHere, ProcessTable, UnitHere, WorkerProcess
from feitian_sim.fuxi.resources import Vector
from feitian_sim.fuxi.tubo_effects import Effect, TakenIn
from feitian_sim.fuxi.tubo_processes import Processes
from feitian_sim.fuxi.worker_messages import StartWorkers, StopWorkers


class Tubo(Processes):
    """One incarnation of the core. ``table`` is what it found on its machine."""

    def __init__(self, machine: str, incarnation: int, capacity: Vector, table: ProcessTable, config: TuboConfig) -> None:
        super().__init__(machine, incarnation, table, config)
        self._machine = machine
        self._incarnation = incarnation
        self._capacity = capacity
        self._said: tuple[str, ...] = ()

    # The FuxiMaster

    def hello(self, working_disks: int, disks: int) -> Hello:
        """Everything about the machine; what was to be told one by one is in it."""
        table = self.table
        self.news.included()
        self._said = tuple(table.apps)
        running, masters = table.running(), table.masters()
        told = dict.fromkeys([one.app for one in running] + [one.app for one in masters])
        return Hello(
            self._machine,
            self._incarnation,
            self._capacity,
            running,
            masters,
            self.health(working_disks, disks),
            epoch=table.epoch,
            heard=table.heard,
            seq=self.news.seq,
            boot=table.boot,
            others=tuple(name for name in self._said if name not in told),
        )

    def health(self, working_disks: int, disks: int) -> int:
        """The machine's score."""
        return health(self._launches.score, working_disks, disks)

    def welcome(self, message: Welcome, now_ns: int) -> list[Effect]:
        """The FuxiMaster has it in its books: what it does not know is to go."""
        table = self.table
        if message.epoch < table.epoch:
            return []
        if message.epoch > table.epoch:
            table.epoch, table.heard = message.epoch, 0
            self.news.begin(message.epoch)
            # What the FuxiMaster before allowed and this machine did not hear of will never come.
            for app in list(table.apps.values()):
                for unit in app.units.values():
                    while unit.waiting:
                        self._not_allowed(unit.waiting.popleft())
        # One that was sent to this machine before it was lost may still be on its way.
        table.heard = max(table.heard, message.settled)
        known = dict.fromkeys(message.known)
        for name in self._said:
            here = table.apps.get(name)
            if here is not None and name not in known:
                self._end(here, now_ns)
        return self._take()

    def allow(self, message: Allow, now_ns: int) -> tuple[Heard, list[Effect]]:
        """Allowances have changed. ``resync`` in the answer: it does not know that master, or has missed something."""
        table = self.table
        if message.epoch < table.epoch or (message.epoch == table.epoch and message.seq <= table.heard):
            return Heard(table.epoch), []
        if message.epoch > table.epoch or message.seq > table.heard + 1:
            return Heard(table.epoch, resync=True), []
        table.heard = message.seq
        for change in message.changes:
            self._changed(change, now_ns, message.grace_ns)
        return Heard(table.epoch), self._take()

    def _changed(self, change: Allowance, now_ns: int, grace_ns: int) -> None:
        app = self.table.app(change.app)
        unit = app.unit(change.unit, change.vector)
        unit.vector = change.vector
        self._effects.append(TakenIn(change.app, change.unit, change.delta))
        if change.delta > 0:
            unit.allowed += change.delta
            if app.ended:
                self._give_back(unit, unit.unused)
                return
            if unit.forgone:
                given = min(unit.forgone, change.delta) if now_ns <= unit.forgone_until_ns else 0
                unit.forgone = unit.forgone - given if given else 0
                self._give_back(unit, given)
            self._serve(unit, now_ns)
            return
        self._give_back(unit, unit.revoke(-change.delta, now_ns + grace_ns))
        self.due.of_unit(unit)

    def start_master(self, message: StartMaster, now_ns: int) -> tuple[Heard | str, list[Effect]]:
        """Start an application's master, when its allowance is here."""
        if message.epoch < self.table.epoch:
            return Heard(self.table.epoch), []
        app = self.table.app(message.app)
        present = app.master
        if app.ended or (present is not None and present.number >= message.attempt):
            return Heard(self.table.epoch), []
        if present is not None:
            self._end_process(present, "replaced")
            return f"attempt {present.number} of {app.name} is being ended", self._take()
        unit = app.unit(0, message.vector)
        app.master = MasterHere(app, unit, message, now_ns)
        unit.waiting.append(app.master)
        self._serve(unit, now_ns)
        return Heard(self.table.epoch), self._take()

    def end_master(self, message: EndMaster) -> tuple[Heard, list[Effect]]:
        """A master whose successor runs elsewhere is to go; the workers stay."""
        app = self.table.apps.get(message.app)
        if message.epoch >= self.table.epoch and app is not None:
            master = app.master
            if master is not None and master.number <= message.attempt:
                self._end_process(master, "replaced")
        return Heard(self.table.epoch), self._take()

    def end_app(self, message: EndApp, now_ns: int) -> tuple[Heard, list[Effect]]:
        """An application has ended: everything of it goes."""
        app = self.table.apps.get(message.app)
        if message.epoch >= self.table.epoch and app is not None:
            self._end(app, now_ns)
        return Heard(self.table.epoch), self._take()

    def _end(self, app: AppHere, now_ns: int) -> None:
        app.ended = True
        app.gone.clear()
        if app.master is not None:
            self._end_process(app.master, "ended")
        for worker in list(app.workers.values()):
            self._end_process(worker, "ended")
        for unit in app.units.values():
            self._give_back(unit, unit.unused)
        self.table.forget_if_done(app)

    # Applications' masters

    def start_workers(self, message: StartWorkers, now_ns: int) -> tuple[Heard | str, list[Effect]]:
        """Start workers as soon as they are allowed. A text is why not."""
        app = self.table.app(message.app)
        refused = self._refused(app, message.attempt)
        if refused:
            return refused, []
        app.address = message.address
        spec = message.spec
        unit = app.unit(spec.unit, spec.vector)
        for number in message.workers:
            if number not in app.workers and number not in app.past:
                worker = app.workers[number] = WorkerProcess(app, unit, number, spec, now_ns)
                unit.waiting.append(worker)
        for number, work in message.work:
            first = app.workers.get(number)
            if first is not None and first.state == WAITING and not first.queue:
                first.queue.append(work)
        self._serve(unit, now_ns)
        return Heard(self.table.epoch), self._take()

    def stop_workers(self, message: StopWorkers, now_ns: int) -> tuple[Heard | str, list[Effect]]:
        """End workers, and give back what is allowed and not used."""
        app = self.table.app(message.app)
        refused = self._refused(app, message.attempt)
        if refused:
            return refused, []
        for number in message.workers:
            worker = app.workers.get(number)
            if worker is None:
                # Should the order to start it be on its way still, it comes too late.
                app.past[number] = None
            elif worker.state == WAITING:
                self._end_process(worker, "stopped")
                self._forgo(worker.unit, 1, now_ns)
            else:
                self._end_process(worker, "stopped")
        for number, count in message.unused:
            unit = app.units.get(number)
            if unit is not None:
                given = min(count, unit.unused)
                self._give_back(unit, given)
                self._forgo(unit, count - given, now_ns)
        return Heard(self.table.epoch), self._take()

    def _refused(self, app: AppHere, attempt: int) -> str:
        if app.ended:
            return f"{app.name} has ended"
        if attempt < app.attempt:
            return f"attempt {app.attempt} of {app.name} has spoken here"
        app.attempt = attempt
        return ""

    def _forgo(self, unit: UnitHere, count: int, now_ns: int) -> None:
        """An allowance that is to come is given back as soon as it is here."""
        if count:
            unit.forgone += count
            unit.forgone_until_ns = now_ns + self._config.patience
