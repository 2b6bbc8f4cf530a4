"""Discovery: servers register under a service's name, clients list them and learn of moves (N7, N8).

``nuwa://cell/service`` is the directory ``/service/<name>/``. A server registers with an ephemeral file whose value
is its address, so one that dies leaves the list with its session. A machine's processes share one :class:`Resolver`:
it reads the list once, watches it, and tells each of them when it changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.client import NuwaClient

SERVICES = "/service/"

Listener = Callable[[tuple[str, ...]], object]


def directory_of(service: str) -> str:
    """Where the servers of a service register."""
    return f"{SERVICES}{service}/"


class Registration:
    """One server's entry, as long as its session lives."""

    def __init__(self, client: NuwaClient, service: str, name: str, address: str) -> None:
        self._client = client
        self._path = directory_of(service) + name
        self._address = address

    def register(self) -> None:
        """Be found from now on; an entry of the same name from a session before is replaced."""
        self._client.create(self._path, self._address.encode(), self._registered, ephemeral=True)

    def _registered(self, answer: Answer) -> None:
        if answer.error == "exists":
            self._client.delete(self._path, lambda _: self.register())

    def withdraw(self) -> None:
        """Be found no more."""
        self._client.delete(self._path, _ignore)


@dataclass
class Followed:
    """A service that somebody on the machine uses."""

    addresses: tuple[str, ...] = ()
    known: bool = False
    listeners: list[Listener] = field(default_factory=list)


class Resolver:
    """What the processes of one machine know of services: one session and one watch for all of them.

    It outlives sessions: what was known last stays until another session (:meth:`use`) says more.
    """

    def __init__(
        self,
        client: NuwaClient | None = None,
        cell: str = "cell",
        learned: Callable[[str, tuple[str, ...]], object] | None = None,
    ) -> None:
        self._client = client
        #: Told of every change before who follows the service.
        self._learned = learned
        #: The cell whose services it knows.
        self.cell = cell
        self._services: dict[str, Followed] = {}

    def use(self, client: NuwaClient) -> None:
        """Ask by another session from now on, which is open."""
        self._client = client
        for service in self._services:
            self.look(service)

    def follow(self, service: str, told: Listener) -> None:
        """Call ``told(addresses)`` with what is known now and whenever it changes; addresses in order of their names."""
        followed = self._services.get(service)
        if followed is None:
            followed = self._services[service] = Followed()
            followed.listeners.append(told)
            self.look(service)
        else:
            followed.listeners.append(told)
        if followed.known:
            told(followed.addresses)

    def begin(self, client: NuwaClient) -> None:
        """Have a session since before time 0."""
        self._client = client

    def know(self, service: str, addresses: tuple[str, ...]) -> None:
        """What has been known, and watched, since before time 0."""
        if service not in self._services and self._client is not None:
            self._services[service] = Followed(addresses, True)
            self._client.watch_since_before(directory_of(service), "names", lambda _: self.look(service))

    def look(self, service: str) -> None:
        """Read the list, and watch it."""
        client = self._client
        if client is None or client.is_over:
            return
        client.read(
            "values",
            directory_of(service),
            lambda answer: self._read(service, answer),
            watch=lambda _: self.look(service),
        )

    def _read(self, service: str, answer: Answer) -> None:
        if not answer.ok and answer.error != "no-node":
            return
        addresses = tuple(value.decode() for _, value in answer.value) if answer.ok else ()
        followed = self._services[service]
        if followed.known and addresses == followed.addresses:
            return
        followed.addresses, followed.known = addresses, True
        if self._learned is not None:
            self._learned(service, addresses)
        for told in list(followed.listeners):
            told(addresses)


def _ignore(_: Answer) -> None:
    """An outcome on which nothing depends."""
