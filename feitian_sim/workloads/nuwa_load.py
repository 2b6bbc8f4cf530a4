"""Clients of Nuwa: each has a session, reads and writes files of the load's directory, and keeps account of answers.

The account is what makes the claim checkable that nothing acknowledged is lost: for each file the newest version that
any client was told it had written, and every file that a client was told it had made. At the end of the run they are
looked for in the state of the servers.
"""

from __future__ import annotations

from functools import partial

from feitian_sim.kernel import Simulation
from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.server import NuwaServer
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import NuwaAccount
from feitian_sim.workloads.nuwa_config import NuwaLoad
from feitian_sim.workloads.pace import Ended, Pace


class NuwaClients:
    """One load of Nuwa clients."""

    def __init__(self, config: NuwaLoad, name: str) -> None:
        self.config = config
        self.name = name
        self._written: dict[str, int] = {}
        self._made: dict[str, None] = {}

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._context = context
        self._sim: Simulation = context.sim
        self._cell = context.needed_nuwa(self.name)
        self._machines = context.datacenter.client_machines
        config = self.config
        self._directory = f"/{self.name}/"
        self._cell.make(self._directory)
        self._value = bytes(config.value_size)
        self._paths = [f"{self._directory}f{number}" for number in range(config.files)]
        for path in self._paths:
            self._cell.make(path, self._value)
        self._owner = self._sim.owner(f"load.{self.name}")
        closed = config.client_count(len(context.datacenter.machines))
        self._count = closed or config.sessions
        self._clients: list[NuwaClient] = []
        self._choices = [context.stream(self.name, f"client-{number}", "choice") for number in range(self._count)]
        self._ops, self._bounds = _bounds(config)
        self._pace = Pace(
            context,
            self.name,
            self._begin,
            workers=closed * config.outstanding if closed else None,
            arrival=config.arrival,
            think=config.think,
            ramp_ns=config.ramp,
            stop_ns=config.stop,
            limit=config.limit,
            max_in_flight=config.max_in_flight,
        )
        # Sessions are there from the beginning, as those of a service that has long been used.
        for number in range(self._count):
            self._clients.append(self._client(number))
        for client in self._clients:
            self._cell.since_before(client)
        self._sim.final_probes.append(self._tell_account)

    def _client(self, number: int) -> NuwaClient:
        machine = self._machines[number % len(self._machines)]
        client = self._cell.client(
            self._owner, machine, f"{self.name}-{number}", timeout_ns=self.config.session, first=number
        )
        client.on_over.append(partial(self._again, number))
        return client

    def _again(self, number: int) -> None:
        """A session is over: begin another."""
        client = self._clients[number] = self._client(number)
        client.open(_nothing)

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        self._sim.call_at(self.config.start, self._pace.start)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        return self._pace.check()

    # One operation

    def _begin(self, worker: int, ended: Ended) -> None:
        number = worker % self._count
        client, choice = self._clients[number], self._choices[number]
        draw = choice.uniform()
        op = next(op for op, bound in zip(self._ops, self._bounds, strict=True) if draw < bound)
        if op == "create":
            client.create(f"{self._directory}n-", self._value, partial(self._made_one, ended), sequential=True)
            return
        path = self._paths[int(choice.uniform() * len(self._paths))]
        if op == "put":
            client.put(path, self._value, partial(self._put, path, ended))
        else:
            client.read("get", path, partial(_read, ended), fresh=op == "fresh")

    def _made_one(self, ended: Ended, answer: Answer) -> None:
        if answer.ok:
            self._made[answer.value] = None
        ended(answer.ok)

    def _put(self, path: str, ended: Ended, answer: Answer) -> None:
        if answer.ok and answer.value > self._written.get(path, -1):
            self._written[path] = answer.value
        ended(answer.ok)

    # The account

    def _tell_account(self) -> None:
        best = self._best_server()
        nodes = best.state.tree.nodes
        lost = sum(1 for path in self._made if path not in nodes)
        lost += sum(1 for path, version in self._written.items() if path not in nodes or nodes[path].version < version)
        self._sim.emit(
            NuwaAccount(self.name, self._pace.begun, self._pace.succeeded, self._pace.failed, len(self._made), lost)
        )

    def _best_server(self) -> NuwaServer:
        """The leader; without one, whoever had applied most, since what was applied by anybody was chosen for good.

        The living may have it in their logs alone, and learn that it was chosen when there is a leader again.
        """
        return self._cell.leader or max(self._cell.servers, key=_known)


def _known(server: NuwaServer) -> int:
    return server.state.zxid


def _bounds(config: NuwaLoad) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The operations, and up to which uniform draw each is meant."""
    weights = config.ratios.model_dump()
    total, sums, running = sum(weights.values()), [], 0.0
    for weight in weights.values():
        running += weight
        sums.append(running / total)
    sums[-1] = 1.0
    return tuple(weights), tuple(sums)


def _read(ended: Ended, answer: Answer) -> None:
    ended(answer.ok)


def _nothing() -> None:
    """The session is open: the pace goes on by itself."""
