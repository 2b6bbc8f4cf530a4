"""What upper packages call: applications are submitted, watched and stopped.

Each call is made again until a FuxiMaster answers it, whichever serves by then; since an application is known by the name
that its client gave it, submitting it twice is submitting it once. ``done`` gets the answer, or a text for one that was
refused. :meth:`FuxiClient.wait` makes any of them an event for a SimPy process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.messages import NOT_SERVING, AskStatus, Kind, Status, Stop, Submit
from feitian_sim.kuafu import CallError, Endpoint
from feitian_sim.kuafu.client import Answer as Event
from feitian_sim.pangu.master_finder import Directory, MasterFinder

#: The answer of the FuxiMaster, or why it refused.
Done = Callable[[Any], object]
_REFUSED = ("denied", "too-large")


class Refused(str):
    """Why the FuxiMaster will not do it."""

    __slots__ = ()


class FuxiClient:
    """One process's way to the FuxiMaster, in the name of ``user``."""

    def __init__(self, endpoint: Endpoint, directory: Directory, user: str, config: FuxiConfig) -> None:
        self._endpoint = endpoint
        self._finder = MasterFinder(endpoint, directory)
        self.user = user
        self._config = config

    def submit(
        self, app: str, kind: Kind, description: Any, done: Done, *, group: str = "", size_bytes: int = 4096
    ) -> None:
        """Have an application run; ``done(Submitted)`` when that is certain."""
        self._ask(Submit(app, kind, self.user, description, size_bytes, group), self._config.call, done)

    def stop(self, app: str, done: Done) -> None:
        """Have an application ended."""
        self._ask(Stop(app), self._config.call, done)

    def status(self, app: str, done: Done) -> None:
        """``done(Status)``: how it is."""
        self._ask(AskStatus(app), self._config.call, done)

    def end_of(self, app: str, done: Done) -> None:
        """``done(Status)`` when the application has ended, or if nobody knows it."""

        def told(status: Status | Refused) -> None:
            if isinstance(status, Status) and status.state in ("waiting", "running"):
                self.end_of(app, done)
            else:
                done(status)

        self._ask(AskStatus(app, until_ended=True), self._config.watch, told)

    def wait(self, operation: Callable[..., None], *args: Any, **options: Any) -> Event:
        """An operation as an event: ``status = yield client.wait(client.end_of, app)``."""
        event = Event(self._endpoint.sim)
        operation(*args, event.arrived, **options)
        return event

    def _ask(self, message: object, deadline_ns: int, done: Done) -> None:
        def failed(error: CallError) -> None:
            if error.kind in _REFUSED or (error.kind == "remote" and error.text != NOT_SERVING):
                done(Refused(error.text))
            else:
                self._endpoint.owner.call_later(self._config.retry, self._ask, message, deadline_ns, done)

        self._finder.call(message, deadline_ns, done, failed)
