"""How many jobs and instances wait and run, looked at from time to time (``fuxi.queue``); it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from feitian_sim.fuxi.facts import AppEnded, AppStarted, AppSubmitted
from feitian_sim.fuxi.job.job_server import JobServer
from feitian_sim.fuxi.samples import QueueSampled
from feitian_sim.kernel import Simulation


class QueueSampling:
    """Counts the jobs of a cell."""

    def __init__(self, sim: Simulation, servers: Mapping[str, JobServer]) -> None:
        self._sim = sim
        self._servers = servers
        self._waiting: dict[str, None] = {}
        self._running: dict[str, None] = {}
        sim.facts.subscribe(AppSubmitted, self._submitted)
        sim.facts.subscribe(AppStarted, self._started)
        sim.facts.subscribe(AppEnded, self._ended)
        sim.probes.append(self._sample)

    def _submitted(self, _: int, fact: AppSubmitted) -> None:
        if fact.app_kind == "job":
            self._waiting[fact.app] = None

    def _started(self, _: int, fact: AppStarted) -> None:
        if self._waiting.pop(fact.app, fact) is None:
            self._running[fact.app] = None

    def _ended(self, _: int, fact: AppEnded) -> None:
        self._waiting.pop(fact.app, None)
        self._running.pop(fact.app, None)

    def _sample(self) -> None:
        if not self._sim.facts.wants(QueueSampled):
            return
        waiting = running = 0
        for app in self._running:
            server = self._servers.get(app)
            core = server.core if server is not None else None
            for task in core.tasks if core is not None else ():
                waiting += task.table.waiting
                running += task.table.running + len(task.backups)
        self._sim.emit(QueueSampled(len(self._waiting), len(self._running), waiting, running))
