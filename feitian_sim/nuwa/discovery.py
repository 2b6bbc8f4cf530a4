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
from feitian_sim.nuwa.messages import Fired

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
    """What the processes of one machine know of services: one session and one watch for all of them."""

    def __init__(self, client: NuwaClient) -> None:
        self._client = client
        self._services: dict[str, Followed] = {}
        client.on_over.append(self._lost)

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

    def know(self, service: str, addresses: tuple[str, ...]) -> None:
        """What has been known since before time 0."""
        followed = self._services.setdefault(service, Followed())
        followed.addresses, followed.known = addresses, True

    def look(self, service: str) -> None:
        """Read the list, and watch it."""
        self._client.read(
            "values",
            directory_of(service),
            lambda answer: self._read(service, answer),
            watch=lambda fired: self.changed(service, fired),
        )

    def changed(self, service: str, _: Fired) -> None:
        """The list has changed."""
        self.look(service)

    def _read(self, service: str, answer: Answer) -> None:
        if not answer.ok and answer.error != "no-node":
            return
        addresses = tuple(value.decode() for _, value in answer.value) if answer.ok else ()
        followed = self._services[service]
        if followed.known and addresses == followed.addresses:
            return
        followed.addresses, followed.known = addresses, True
        for told in list(followed.listeners):
            told(addresses)

    def _lost(self) -> None:
        """Without a session nothing here is certain; what was known last stays, until another session says more."""


def _ignore(_: Answer) -> None:
    """An outcome on which nothing depends."""
