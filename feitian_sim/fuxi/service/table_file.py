"""A service's lock and table in Nuwa: who holds the lock reads the table and writes it, under the version last known.

A ServiceMaster whose session is over, or whose write finds another version, has been replaced or must take itself to be:
its process ends, and a new one begins. So what was asked of Nuwa and never answered need not be looked for.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.fuxi.service.table import Table, decoded
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.lock import Lock

FOLDER = "/fuxi/services/"


def table_path(app: str) -> str:
    """Where a service's table is."""
    return f"{FOLDER}{app}/table"


class TableFile:
    """The lock and the table of one service, for one life of its master. ``replaced()``: this life is over.

    What Nuwa did not read is asked again after ``retry_ns``.
    """

    def __init__(
        self,
        sim: Simulation,
        owner: Owner,
        app: str,
        client: NuwaClient,
        replaced: Callable[[], object],
        retry_ns: int,
    ) -> None:
        self._owner = owner
        self._app = app
        self._client = client
        self._clock = client.machine.clock
        self._replaced = replaced
        self._retry_ns = retry_ns
        self._folders = ("/fuxi/", FOLDER, f"{FOLDER}{app}/", f"{FOLDER}{app}/master/")
        self._lock = Lock(sim, owner, client, self._folders[-1], self._held, replaced)
        self._then: Callable[[], object] = replaced
        #: Under which the next write goes; None while there is no file.
        self._version: int | None = None
        client.on_over.append(replaced)

    @property
    def is_certain(self) -> bool:
        """Whether nobody else can hold the lock now."""
        return self._lock.token > 0 and self._clock.monotonic_ns < self._client.lease_until_ns

    def acquire(self, then: Callable[[], object]) -> None:
        """Wait for the lock, then go on."""
        self._then = then
        self._client.open(lambda: self._make_folder(0))

    def _make_folder(self, number: int) -> None:
        if number == len(self._folders):
            self._lock.acquire()
        else:
            self._client.create(self._folders[number], b"", lambda _: self._make_folder(number + 1))

    def _held(self, _: int) -> None:
        self._then()

    def read(self, then: Callable[[Table | None], object]) -> None:
        """What is there; None: nothing yet."""

        def known(answer: Answer) -> None:
            if answer.error == "no-node":
                then(None)
            elif not answer.ok:
                self._owner.call_later(self._retry_ns, self.read, then)
            else:
                # The version first: what is written in between is then found by the put that fails.
                self._version = answer.value.version
                self._client.read("get", table_path(self._app), got, fresh=True)

        def got(answer: Answer) -> None:
            if answer.ok:
                then(decoded(answer.value))
            else:
                self._owner.call_later(self._retry_ns, self.read, then)

        self._client.read("stat", table_path(self._app), known, fresh=True)

    def write(self, table: Table, then: Callable[[], object]) -> None:
        """Make a table durable, then go on. Who finds that another has written is replaced."""

        def done(answer: Answer) -> None:
            if answer.ok:
                self._version = 0 if self._version is None else answer.value
                then()
            else:
                self._replaced()

        if self._version is None:
            self._client.create(table_path(self._app), table.encoded(), done)
        else:
            self._client.put(table_path(self._app), table.encoded(), done, version=self._version)
