"""An application's master's calls to Tubos and worker runtimes: said again until answered or nobody is there to hear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.ports import tubo_at, workers_at
from feitian_sim.fuxi.worker_messages import AskWorkers, StartWorkers, StopWorkers, WorkersAre, WorkerSpec
from feitian_sim.kuafu import CallError


class MachineCalls:
    """The calls of one life of a master."""

    def __init__(self, host: ApplicationHost) -> None:
        self._host = host
        self._app = host.start.app
        self._attempt = host.start.attempt
        # Machines that are gone: how often each was.
        self._lost: dict[str, int] = {}

    def lost(self, machine: str) -> None:
        """Nothing that was to be said to the machine need be said any more."""
        self._lost[machine] = self._lost.get(machine, 0) + 1

    def start(self, machine: str, spec: WorkerSpec, workers: Sequence[int]) -> None:
        """Have workers started."""
        address = self._host.endpoint.address
        self._call(machine, tubo_at(machine), StartWorkers(self._app, self._attempt, address, spec, tuple(workers)))

    def stop(self, machine: str, workers: Sequence[int]) -> None:
        """Have workers ended."""
        self._call(machine, tubo_at(machine), StopWorkers(self._app, self._attempt, tuple(workers)))

    def ask(self, machine: str, heard: Callable[[WorkersAre], object]) -> None:
        """Ask what runs on a machine, until it says so."""
        message = AskWorkers(self._app, self._attempt, self._host.endpoint.address)
        self._call(machine, workers_at(machine), message, heard)

    def _call(self, machine: str, address: str, message: object, heard: Callable[[Any], object] | None = None) -> None:
        losses = self._lost.get(machine, 0)

        def again() -> None:
            if self._lost.get(machine, 0) == losses:
                self._call(machine, address, message, heard)

        def failed(_: CallError) -> None:
            self._host.owner.call_later(self._host.config.retry, again)

        self._host.endpoint.call(address, message, self._host.config.call, heard or nothing, failed)


def nothing(_: object) -> None:
    """The end of a call that nothing depends on."""
