"""What becomes of the processes of one machine: started when they are allowed, ended, gone, given up. Pure.

The lower half of Tubo's core (:mod:`.tubo`), which orders decide over. A process is started when it is both asked for and
allowed; its resources are free when it is really gone, and not before; what is taken back is killed when the grace is
over, and what nobody used for too long, allowance or wish, is given up.
"""

from __future__ import annotations

from feitian_sim.fuxi.config import TuboConfig
from feitian_sim.fuxi.health import Launches
from feitian_sim.fuxi.process_table import (
    ENDING,
    GONE,
    RUNNING,
    STARTING,
    WAITING,
    MasterHere,
    Process,
    ProcessTable,
    UnitHere,
    WorkerProcess,
)
from feitian_sim.fuxi.tubo_due import Due
from feitian_sim.fuxi.tubo_effects import Effect, Kill, Start, TellApp
from feitian_sim.fuxi.tubo_news import Outgoing

#: Ends of workers that their application did not ask for, and what became of their processes.
_FREED = {
    "crashed": "exited",
    "memory": "killed",
    "revoked": "killed",
    "launch-failed": "not-started",
    "no-package": "not-started",
}


class Processes:
    """Those of one incarnation of a Tubo. ``table`` is what it found on its machine."""

    def __init__(self, machine: str, incarnation: int, table: ProcessTable, config: TuboConfig) -> None:
        self.table = table
        self._config = config
        self._effects: list[Effect] = []
        #: News to the FuxiMaster.
        self.news = Outgoing(machine, incarnation, table.epoch)
        self._launches = Launches()
        self.due = Due(config)

    def _take(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    # Starting and ending

    def _serve(self, unit: UnitHere, now_ns: int) -> None:
        """Start what waits, as far as it is allowed."""
        while unit.waiting and unit.held < unit.allowed + unit.returning:
            process = unit.waiting.popleft()
            unit.held += 1
            process.state = STARTING
            process.allowed_ns = now_ns
            self._effects.append(Start(process))
        if unit.unused and not unit.waiting:
            if unit.unused_ns < 0:
                unit.unused_ns = now_ns
        else:
            unit.unused_ns = -1
        self.due.of_unit(unit)

    def up(self, process: Process, now_ns: int) -> list[Effect]:
        """A process runs."""
        if process.state != STARTING:
            return []
        process.state = RUNNING
        process.ready_ns = now_ns
        self._launches.ended(True)
        if isinstance(process, MasterHere):
            self.news.master_started(process)
        else:
            assert isinstance(process, WorkerProcess), process
            self.due.watch(process, now_ns)
        return self._take()

    def failed(self, process: Process, why: str = "launch-failed") -> list[Effect]:
        """A process could not be launched. A package that nobody has is not the machine's fault."""
        if process.state == STARTING:
            if why == "launch-failed":
                self._launches.ended(False)
            self._release(process, why)
        return self._take()

    def died(self, process: Process) -> list[Effect]:
        """A process has ended by itself."""
        self._release(process, "crashed")
        return self._take()

    def gone(self, process: Process) -> list[Effect]:
        """A process that was to end is gone."""
        if process.state == ENDING:
            self._release(process, process.why)
        return self._take()

    def _end_process(self, process: Process, why: str) -> None:
        if process.state == WAITING:
            process.unit.waiting.remove(process)
            self._drop(process)
            if process.unit.number == 0:
                self.news.master_ended(process, why)
        elif process.state in (STARTING, RUNNING):
            process.state = ENDING
            process.unit.ending += 1
            process.why = why
            self._effects.append(Kill(process))
        elif process.state == ENDING and why == "ended":
            process.why = why

    def _not_allowed(self, process: Process) -> None:
        """An allowance does not come: whoever asked for the process is told."""
        self._drop(process)
        if process.unit.number == 0:
            self.news.master_ended(process, "not-allowed")
        else:
            self._tell(process, "not-allowed")

    def _drop(self, process: Process) -> None:
        """The process is no more, or never was."""
        if process.state == ENDING:
            process.unit.ending -= 1
        process.state = GONE
        app = process.app
        if process is app.master:
            app.master = None
        elif isinstance(process, WorkerProcess):
            app.workers.pop(process.number, None)
            app.past[process.number] = None

    def _release(self, process: Process, why: str) -> None:
        """Its resources are free."""
        unit = process.unit
        self._drop(process)
        unit.release()
        self.news.freed(unit, 1, _FREED.get(why, "stopped"))
        if unit.number == 0:
            self.news.master_ended(process, why)
        elif why in _FREED:
            self._tell(process, why)
        self.table.forget_if_done(process.app)
        self.table.rest(process.app)

    def _give_back(self, unit: UnitHere, count: int) -> None:
        """So much of what is allowed and unused is the FuxiMaster's again."""
        if count:
            unit.allowed -= count
            self.news.freed(unit, count, "not-started")
            if not unit.unused:
                unit.unused_ns = -1

    def _tell(self, process: Process, why: str) -> None:
        app = process.app
        if not app.ended:
            app.gone.append((process.unit.number, process.number, why, 0))
            self._effects.append(TellApp(app))

    # What takes time

    def wake(self, now_ns: int) -> list[Effect]:
        """Kill what was taken back and what overuses its memory; give up what waited for too long."""
        for worker in self.due.found(now_ns):
            if worker.state == RUNNING:
                self._end_process(worker, "memory")
        for app in self.table.live:
            for unit in app.units.values():
                self._enforce(unit, now_ns)
                self._lose_patience(unit, now_ns)
        self.due.looked(self.table, now_ns)
        return self._take()

    def _enforce(self, unit: UnitHere, now_ns: int) -> None:
        due = sum(count for due_ns, count in unit.revoked if due_ns <= now_ns)
        if not due:
            return
        there = [process for process in self._processes_of(unit) if process.owner is not None]
        due -= sum(process.state == ENDING for process in there)
        # What began last has least to lose.
        for process in reversed(there):
            if due <= 0:
                return
            if process.state in (STARTING, RUNNING):
                self._end_process(process, "revoked")
                due -= 1

    def _processes_of(self, unit: UnitHere) -> list[Process]:
        app = unit.app
        if unit.number == 0:
            return [app.master] if app.master is not None else []
        return [worker for worker in app.workers.values() if worker.unit is unit]

    def _lose_patience(self, unit: UnitHere, now_ns: int) -> None:
        before_ns = now_ns - self._config.patience
        while unit.waiting and unit.waiting[0].asked_ns <= before_ns:
            self._not_allowed(unit.waiting.popleft())
        if 0 <= unit.unused_ns <= before_ns:
            count = unit.unused
            self._give_back(unit, count)
            if unit.number and count:
                unit.app.gone.append((unit.number, -1, "not-allowed", count))
                self._effects.append(TellApp(unit.app))
