"""A ServiceMaster's calls to Tubos, worker runtimes and workers: what any master says, and who serves what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from feitian_sim.fuxi.machine_calls import MachineCalls
from feitian_sim.fuxi.ports import workers_at
from feitian_sim.fuxi.service.messages import Hold, Holds
from feitian_sim.fuxi.service.workforce import HoldOrder
from feitian_sim.fuxi.worker_messages import Assign
from feitian_sim.kuafu import CallError


class ServiceCalls(MachineCalls):
    """The calls of one life of a ServiceMaster."""

    def assign(self, machine: str, work: Sequence[tuple[int, Any]]) -> None:
        """Have workers begin to serve."""
        message = Assign(self._app, self._attempt, self._host.endpoint.address, tuple(work))
        self._call(machine, workers_at(machine), message)

    def hold(self, order: HoldOrder, heard: Callable[[Holds], object], failed: Callable[[], object]) -> None:
        """Tell a worker what it is to hold. Said once: by the time of another try it may be something else."""
        host = self._host
        message = Hold(self._app, order.worker, self._attempt, order.number, host.endpoint.address, order.rows)

        def not_heard(_: CallError) -> None:
            host.owner.call_later(host.config.retry, failed)

        host.endpoint.call(workers_at(order.machine), message, host.config.call, heard, not_heard)
