"""When something is due on a machine: processes to be killed, allowances and wishes to be given up. Pure."""

from __future__ import annotations

from feitian_sim.fuxi.config import TuboConfig
from feitian_sim.fuxi.process_table import ProcessTable, UnitHere, WorkerProcess
from feitian_sim.fuxi.resources import MEMORY, PHYSICAL

_MEMORY = PHYSICAL.index(MEMORY)


class Due:
    """Of one incarnation of a Tubo. ``time_ns``: when to look next, perhaps for nothing; None while nothing is due."""

    def __init__(self, config: TuboConfig) -> None:
        self._config = config
        self.time_ns: int | None = None
        self._looked_ns = -1
        # Processes that use too much memory, and when that is seen.
        self._over: list[tuple[int, WorkerProcess]] = []

    def at(self, time_ns: int) -> None:
        """Something is due then."""
        if self.time_ns is None or time_ns < self.time_ns:
            self.time_ns = time_ns

    def watch(self, worker: WorkerProcess, now_ns: int) -> None:
        """A worker that uses more memory than it may is found at the next look."""
        if self.overuses(worker):
            due_ns = self.next_look_ns(now_ns)
            self._over.append((due_ns, worker))
            self.at(due_ns)

    def overuses(self, worker: WorkerProcess) -> bool:
        """Whether a worker uses more memory than it may."""
        return worker.spec.memory_bytes > worker.unit.vector[_MEMORY] * self._config.memory_slack

    def next_look_ns(self, now_ns: int) -> int:
        """When memory is looked at next."""
        every_ns = self._config.watch_every
        return (now_ns // every_ns + 1) * every_ns

    def found(self, now_ns: int) -> list[WorkerProcess]:
        """Those that a look finds now."""
        found = [worker for due_ns, worker in self._over if due_ns <= now_ns]
        self._over = [one for one in self._over if one[0] > now_ns]
        return found

    def of_unit(self, unit: UnitHere) -> None:
        """When something of a unit is due, unless that was seen to."""
        patience_ns = self._config.patience
        for due_ns, _ in unit.revoked:
            if due_ns > self._looked_ns:
                self.at(due_ns)
                break
        if unit.waiting:
            self.at(unit.waiting[0].asked_ns + patience_ns)
        if unit.unused_ns >= 0:
            self.at(unit.unused_ns + patience_ns)

    def looked(self, table: ProcessTable, now_ns: int) -> None:
        """All that was due by now has been done."""
        self._looked_ns = now_ns
        self.time_ns = None
        for due_ns, _ in self._over:
            self.at(due_ns)
        for app in table.live:
            table.rest(app)
            for unit in app.units.values():
                self.of_unit(unit)
