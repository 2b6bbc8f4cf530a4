"""The desk of a machine: all its services' workers are spoken to at the worker runtime's one endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feitian_sim.fuxi.needs import BE_HEARD_BY_WORKERS, USE
from feitian_sim.fuxi.service.messages import Answered, Hold, Request
from feitian_sim.kuafu import Endpoint, IncomingCall

if TYPE_CHECKING:
    from feitian_sim.fuxi.service.serving import Serving

_NOT_HERE = Answered(False, 64)


class Desk:
    """Of one life of a machine's worker runtime: knows the worker that a message is for."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._serving: dict[tuple[str, int], Serving] = {}
        endpoint.serve(Hold, self._hold, BE_HEARD_BY_WORKERS)
        endpoint.serve(Request, self._request, USE)

    def open(self, app: str, worker: int, serving: Serving) -> None:
        """A worker serves here from now on, until it is dead."""
        self._serving[app, worker] = serving

    def close(self, app: str, worker: int) -> None:
        """A worker is gone."""
        self._serving.pop((app, worker), None)

    def _hold(self, call: IncomingCall) -> None:
        message: Hold = call.message
        serving = self._serving.get((message.app, message.worker))
        if serving is None:
            call.fail(f"worker {message.worker} of {message.app} is not here")
        else:
            serving.owner.run(serving.hold, call)

    def _request(self, call: IncomingCall) -> None:
        message: Request = call.message
        serving = self._serving.get((message.app, message.worker))
        if serving is None:
            call.reply(_NOT_HERE)
        else:
            serving.owner.run(serving.request, call)
