"""Streams and scarce machines: who waits for input must not hold what its producers need.

Consumers along a stream hold workers while they wait for output. If producers must run again and find no machine, for
their own consumers are on all of them, nobody would ever go on. So when a producer has wanted workers in vain for a
while, as many of its consumers' workers are given up, the youngest first, and no more begin until it has got its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.fuxi.job.instance_table import NONE
from feitian_sim.fuxi.job.task_master import TaskMaster, Worker


class Streams:
    """The streams of one job."""

    def __init__(self, tasks: Sequence[TaskMaster], patience_ns: int) -> None:
        self._tasks = tasks
        self._patience_ns = patience_ns
        # Of each producer the tasks that stream from it.
        self._consumers: dict[int, list[int]] = {}
        for task in tasks:
            for edge in task.plan.edges:
                if edge.stream:
                    self._consumers.setdefault(edge.source, []).append(task.number)
        # Since when each producer wants workers in vain, and whose consumers must not begin.
        self._since: dict[int, int] = {}
        self.starving: dict[int, None] = {}

    def _is_short(self, number: int) -> bool:
        task = self._tasks[number]
        return task.ready and task.asked > 0 and any(self._tasks[other].workers for other in self._consumers[number])

    @property
    def must_be_watched(self) -> bool:
        """Whether time matters."""
        return bool(self.starving) or any(self._is_short(number) for number in self._consumers)

    def look(self, now_ns: int) -> list[Worker]:
        """Consumers' workers that must go for their producers' sake."""
        gone: list[Worker] = []
        for number, consumers in self._consumers.items():
            if not self._is_short(number):
                self._since.pop(number, None)
                if not self._tasks[number].asked:
                    self.starving.pop(number, None)
                continue
            since_ns = self._since.setdefault(number, now_ns)
            if now_ns - since_ns < self._patience_ns:
                continue
            self._since[number] = now_ns
            self.starving[number] = None
            there = [worker for other in consumers for worker in self._tasks[other].workers.values()]
            there.sort(key=lambda worker: (worker.instance != NONE, -worker.given_ns, -worker.number))
            gone += there[: self._tasks[number].asked]
        return gone
