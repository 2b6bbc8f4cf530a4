"""What a Tubo has to tell the FuxiMaster: gathered, numbered, one message at a time. Pure."""

from __future__ import annotations

from typing import Any

from feitian_sim.fuxi.messages import Freed, MasterProcess, News
from feitian_sim.fuxi.process_table import MasterHere, Process, UnitHere


class Outgoing:
    """The stream of one incarnation of a Tubo to one FuxiMaster."""

    def __init__(self, machine: str, incarnation: int, epoch: int) -> None:
        self._machine = machine
        self._incarnation = incarnation
        self._epoch = epoch
        #: The number of the last message that was made.
        self.seq = 0
        self._freed: dict[tuple[str, int, str], int] = {}
        self._ended: list[tuple[str, int, str]] = []
        self._started: list[MasterProcess] = []
        #: What is sent and not answered.
        self.under_way: News | None = None

    def begin(self, epoch: int) -> None:
        """Another FuxiMaster: numbers begin anew."""
        self._epoch, self.seq = epoch, 0
        self.under_way = None

    def included(self) -> None:
        """A Hello says it all."""
        self._freed.clear()
        self._ended.clear()
        self._started.clear()
        self.under_way = None

    def freed(self, unit: UnitHere, count: int, why: str) -> None:
        """Resources are free."""
        key = (unit.app.name, unit.number, why)
        self._freed[key] = self._freed.get(key, 0) + count

    def master_started(self, process: MasterHere) -> None:
        """An application's master runs."""
        self._started.append(MasterProcess(process.app.name, process.number, process.address))

    def master_ended(self, process: Process, why: str) -> None:
        """An application's master is gone, or never came up."""
        self._ended.append((process.app.name, process.number, why))

    def untold(self) -> list[tuple[str, int, int]]:
        """Of which unit of which application how many are free and in no message yet."""
        return [(app, unit, count) for (app, unit, _), count in self._freed.items()]

    @property
    def pending(self) -> bool:
        """Whether there is something to tell that is not under way."""
        return bool(self._freed or self._ended or self._started)

    def next(self) -> News | None:
        """The message to send now, the same until it is answered; None when there is nothing to tell."""
        if self.under_way is None and self.pending:
            self.seq += 1
            freed: Any = tuple(Freed(app, unit, count, _why(why)) for (app, unit, why), count in self._freed.items())
            ended, started = tuple(self._ended), tuple(self._started)
            self._freed, self._ended, self._started = {}, [], []
            self.under_way = News(
                self._machine,
                self._incarnation,
                self._epoch,
                self.seq,
                freed,
                masters_ended=ended,
                masters_started=started,
            )
        return self.under_way

    def heard(self, message: News) -> None:
        """It was answered."""
        if message is self.under_way:
            self.under_way = None


def _why(why: str) -> Any:
    return why
