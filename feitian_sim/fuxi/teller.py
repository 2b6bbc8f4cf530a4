"""How a Tubo tells applications' masters of workers that are gone: in groups, and again until it is answered."""

from __future__ import annotations

from typing import Any

from feitian_sim.fuxi.process_table import AppHere
from feitian_sim.fuxi.worker_messages import WorkersGone
from feitian_sim.kuafu import CallError, Endpoint

#: (unit, worker or -1, why, unused), as the process table keeps it.
_End = tuple[int, int, str, int]


class Teller:
    """Of one incarnation of a Tubo."""

    def __init__(self, endpoint: Endpoint, machine: str, call_ns: int, retry_ns: int) -> None:
        self._endpoint = endpoint
        self._machine = machine
        self._call_ns = call_ns
        self._retry_ns = retry_ns

    def tell(self, app: AppHere) -> None:
        """Tell the application's master, wherever it is now, what it has not been told."""
        if app.ended or not app.gone:
            return
        gone, app.gone = app.gone, []
        grouped: dict[tuple[int, str, bool], list[_End]] = {}
        for one in gone:
            grouped.setdefault((one[0], one[2], bool(one[3])), []).append(one)
        for (unit, why, _), ends in grouped.items():
            workers = tuple(number for _, number, _, unused in ends if not unused)
            unused = sum(one[3] for one in ends)
            reason: Any = why
            self._call(app, WorkersGone(app.name, self._machine, unit, workers, reason, unused), ends)

    def _call(self, app: AppHere, message: WorkersGone, ends: list[_End]) -> None:
        def failed(_: CallError) -> None:
            app.gone += ends
            self._endpoint.owner.call_later(self._retry_ns, self.tell, app)

        if app.address:
            self._endpoint.call(app.address, message, self._call_ns, _nothing, failed)


def _nothing(_: object) -> None:
    """It knows."""
