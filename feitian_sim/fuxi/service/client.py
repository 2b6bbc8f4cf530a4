"""What upper packages call: keys of a service are read and written, whoever has them at the moment.

The client reads the partition table from Nuwa once and keeps it. An answer that the worker does not have the key, or
none at all, makes it read the table again and ask anew, with growing pauses; all that wait at one time read it once. It
is callbacks from end to end: a request costs its messages and a few calls.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.fuxi.ports import workers_at
from feitian_sim.fuxi.service.config import ServiceClientConfig
from feitian_sim.fuxi.service.messages import Answered, Request
from feitian_sim.fuxi.service.table import NOBODY, Routes, decoded
from feitian_sim.fuxi.service.table_file import table_path
from feitian_sim.kernel import SECOND
from feitian_sim.kuafu import CallError, Endpoint
from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.client import NuwaClient

#: ``done(ok, tries)``: how a request has ended.
Done = Callable[[bool, int], object]
#: Pauses are doubled so often at most: more than any longest pause needs.
_DOUBLINGS = 62


class _Asked:
    """One request that has not ended."""

    __slots__ = ("done", "key", "size_bytes", "tries", "until_ns", "write")

    def __init__(self, key: int, write: bool, size_bytes: int, until_ns: int, done: Done) -> None:
        self.key = key
        self.write = write
        self.size_bytes = size_bytes
        self.until_ns = until_ns
        self.done = done
        self.tries = 0


class ServiceClient:
    """One process's way to the workers of a service. ``nuwa(number)``: the n-th client of Nuwa that it needs."""

    def __init__(
        self, endpoint: Endpoint, nuwa: Callable[[int], NuwaClient], app: str, config: ServiceClientConfig
    ) -> None:
        self._endpoint = endpoint
        self._owner = endpoint.owner
        self._make = nuwa
        self._sessions = 0
        self._nuwa: NuwaClient | None = None
        self._app = app
        self._config = config
        self._routes: Routes | None = None
        self._is_reading = False
        self._waiting: list[_Asked] = []
        #: How often the table was read, and requests were asked again.
        self.reads = 0
        self.retries = 0

    def ask(
        self, key: int, done: Done, *, write: bool = False, size_bytes: int = 256, within_ns: int = 30 * SECOND
    ) -> None:
        """Read or write a key; ``done(ok, tries)`` within that time."""
        self._ask(_Asked(key, write, size_bytes, self._endpoint.now_ns + within_ns, done))

    def _ask(self, asked: _Asked) -> None:
        routes = self._routes
        if routes is None:
            self._waiting.append(asked)
            self._read()
            return
        row = routes.of(asked.key)
        asked.tries += 1
        if row.worker == NOBODY:
            self._again(asked)
            return
        message = Request(self._app, row.worker, asked.key, asked.write, asked.size_bytes)

        def answered(reply: Answered) -> None:
            if reply.ok:
                asked.done(True, asked.tries)
            else:
                self._again(asked)

        def failed(_: CallError) -> None:
            self._again(asked)

        left_ns = asked.until_ns - self._endpoint.now_ns
        deadline_ns = max(1, min(self._config.call, left_ns))
        self._endpoint.call(workers_at(row.machine), message, deadline_ns, answered, failed)

    def _again(self, asked: _Asked) -> None:
        """Not there, or no answer: the table may be another by now."""
        pause_ns = min(self._config.backoff << min(asked.tries - 1, _DOUBLINGS), self._config.backoff_max)
        if self._endpoint.now_ns + pause_ns >= asked.until_ns:
            asked.done(False, asked.tries)
            return
        self.retries += 1
        self._owner.call_later(pause_ns, self._look_again, asked)

    def _look_again(self, asked: _Asked) -> None:
        self._waiting.append(asked)
        self._read()

    def _read(self) -> None:
        if self._is_reading:
            return
        self._is_reading = True
        self._get()

    def _get(self) -> None:
        if self._nuwa is None:
            self._sessions += 1
            self._nuwa = self._make(self._sessions)
            self._nuwa.open(self._get)
            return
        self.reads += 1
        self._nuwa.read("get", table_path(self._app), self._got)

    def _got(self, answer: Answer) -> None:
        if not answer.ok:
            # There is no table yet, or the session is over: what waits too long has failed.
            if answer.error == "session-expired":
                self._nuwa = None
            self._owner.call_later(self._config.backoff_max, self._not_got)
            return
        self._is_reading = False
        self._routes = Routes(decoded(answer.value).partitions)
        waiting, self._waiting = self._waiting, []
        for asked in waiting:
            self._ask(asked)

    def _not_got(self) -> None:
        now_ns = self._endpoint.now_ns
        late = [asked for asked in self._waiting if asked.until_ns <= now_ns]
        self._waiting = [asked for asked in self._waiting if asked.until_ns > now_ns]
        self._get()
        for asked in late:
            asked.done(False, asked.tries)
