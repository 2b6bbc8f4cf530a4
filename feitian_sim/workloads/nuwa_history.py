"""Clients of Nuwa that keep a history: each writes values that nobody else writes, and tells what it was answered.

``put``, ``cas``, ``create``, ``delete``, ``fresh`` and ``stat`` are linearizable; ``get`` is answered by the client's own
server and never goes back; ``ephemeral`` makes a file of the client's own that goes with its session; ``watch`` reads and
asks to be told once.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from feitian_sim.kernel import Simulation
from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.historian import Ended, Historian, Wish
from feitian_sim.workloads.history_config import NuwaHistoryLoad

#: Answers that are results: they say what the state was.
_TELLING = ("no-node", "exists", "bad-version", "not-empty")


class NuwaHistory:
    """One load of such clients."""

    service = "nuwa"

    def __init__(self, config: NuwaHistoryLoad, name: str) -> None:
        self.config = config
        self.name = name

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._sim: Simulation = context.sim
        self._cell = context.needed_nuwa(self.name)
        self._machines = context.datacenter.client_machines
        self._directory = f"/{self.name}/"
        self._cell.make(self._directory)
        self._owner = self._sim.owner(f"load.{self.name}")
        self._clients: list[NuwaClient] = []
        self._made = [0] * self.config.clients
        # The version that each client saw last of each file.
        self._seen: list[dict[str, int]] = [{} for _ in range(self.config.clients)]
        self._historian = Historian(context, self.name, self.config, self.config.ratios, self)
        for number in range(self.config.clients):
            self._clients.append(self._client(number))
        if not self.config.opens_late:
            for client in self._clients:
                self._cell.since_before(client)

    def _client(self, number: int) -> NuwaClient:
        machine = self._machines[number % len(self._machines)]
        # Each session under a name of its own: what one of them saw says nothing about the next.
        self._made[number] += 1
        name = f"{self.name}-{number}" + (f".{self._made[number]}" if self._made[number] > 1 else "")
        client = self._cell.client(self._owner, machine, name, timeout_ns=self.config.session, first=number)
        client.on_over.append(partial(self._again, number))
        return client

    def _again(self, number: int) -> None:
        client = self._clients[number] = self._client(number)
        client.open(_nothing)

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        if self.config.opens_late:
            for client in self._clients:
                self._sim.call_at(self.config.start, client.open, _nothing)
        self._historian.start()

    def check(self) -> list[str]:
        """See :class:`RunningLoad`: what was begun and has not ended is for the invariants to judge."""
        return []

    @property
    def finished(self) -> bool:
        """See :class:`Finite`."""
        return self._historian.finished

    # Operations

    def draw(self, client: int, number: int, op: str, key: str) -> str:
        """See :class:`Doer`."""
        token = f"{client}.{number}"
        if op == "cas":
            return f"{self._seen[client].get(key, 0)}:{token}"
        return token if op in ("put", "create", "ephemeral") else ""

    def do(self, client: int, wish: Wish, ended: Ended) -> None:
        """See :class:`Doer`."""
        nuwa = self._clients[client]
        if not nuwa.session:
            # The session is being opened: ask when there is one, as the library parks what comes meanwhile.
            self._owner.call_later(nuwa.ping_ns, self.do, client, wish, ended)
            return
        path = self._directory + wish.key
        answered = partial(self._answered, client, wish, ended)
        match wish.op:
            case "put":
                nuwa.put(path, wish.argument.encode(), answered)
            case "cas":
                version, _, value = wish.argument.partition(":")
                nuwa.put(path, value.encode(), answered, version=int(version))
            case "create":
                nuwa.create(path, wish.argument.encode(), answered)
            case "ephemeral":
                nuwa.create(f"{self._directory}e{client}", wish.argument.encode(), answered, ephemeral=True)
            case "delete":
                nuwa.delete(path, answered)
            case "stat":
                nuwa.read("stat", path, answered, fresh=True)
            case _:
                told = _told if wish.op == "watch" else None
                nuwa.read("get", path, answered, fresh=wish.op == "fresh", watch=told)

    def _answered(self, client: int, wish: Wish, ended: Ended, answer: Answer) -> None:
        if answer.ok:
            ended("ok", self._result(client, wish, answer.value))
        elif answer.error in _TELLING:
            ended("ok", f"!{answer.error}")
        elif wish.op in ("fresh", "get", "stat", "watch"):
            ended("fail", answer.error)
        else:
            ended("unknown", answer.error)

    def _result(self, client: int, wish: Wish, value: Any) -> str:
        match wish.op:
            case "put" | "cas":
                self._seen[client][wish.key] = value
                return str(value)
            case "stat":
                self._seen[client][wish.key] = value.version
                return str(value.version)
            case "fresh" | "get" | "watch":
                return str(bytes(value).decode())
        return ""


def _nothing() -> None:
    """The session is open: the historian goes on by itself."""


def _told(_: object) -> None:
    """A notice: the client's library has told of it."""
