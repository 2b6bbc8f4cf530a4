"""A Nuwa cell on a data centre: its servers on machines of different racks, and clients.

At time 0 the cell has been running: server 0 leads, and the sessions, files and watches that were prepared are known
to every server, without a message.
"""

from __future__ import annotations

from typing import Any

from feitian_sim.hardware import Daemon, DataCenter, Machine
from feitian_sim.hardware.spread import spread_over_racks
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu import Identities, Kuafu
from feitian_sim.nuwa.agent import Agent
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.commands import Command, Create, OpenSession
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.discovery import SERVICES
from feitian_sim.nuwa.replica import NUWA_PORT, NUWA_ROLE
from feitian_sim.nuwa.server import NuwaServer
from feitian_sim.nuwa.signs_of_life import SignsOfLife
from feitian_sim.nuwa.state import NuwaState
from feitian_sim.nuwa.witness import tell_founded
from feitian_sim.replog import Group

#: The servers' place in their racks: beside the masters of other services, which begin at the first.
PLACE = 1
_FIRST_CLIENT_PORT = 30_000


class NuwaCell:
    """One Nuwa."""

    def __init__(
        self, sim: Simulation, datacenter: DataCenter, kuafu: Kuafu, identities: Identities, config: NuwaConfig
    ) -> None:
        self._sim = sim
        self._kuafu = kuafu
        self._identities = identities
        self._config = config
        racks = [[one for one in datacenter.machines if one.rack == rack] for rack in range(datacenter.config.racks)]
        machines = spread_over_racks(racks, config.servers, PLACE)
        addresses = {number: f"tcp://{machine.name}:{NUWA_PORT}" for number, machine in enumerate(machines)}
        self.group = Group("nuwa", addresses, first_leader=0)
        self.servers = [
            NuwaServer(sim, datacenter, kuafu, identities, machine, number, self.group, config)
            for number, machine in enumerate(machines)
        ]
        self.signs = SignsOfLife(sim, datacenter.network, self.servers, elide=config.elide)
        for server in self.servers:
            server.on_turn = self.signs.review
        datacenter.on_change(self.signs.review)
        kuafu.on_loss.append(self.signs.doubt)
        self.daemons = [
            Daemon(server.machine, f"{NUWA_ROLE}-{server.number}", NUWA_ROLE, server.boot) for server in self.servers
        ]
        # The state at time 0, which `prepare` fills.
        self._origin = NuwaState(config.value_limit)
        self._prepared = 0
        self.make(SERVICES)
        self._clients = 0
        self._old_clients: list[NuwaClient] = []
        self._agents: dict[int, Agent] = {}
        self.started = False

    @property
    def leader(self) -> NuwaServer | None:
        """The server that leads."""
        return next((server for server in self.servers if server.leads), None)

    # Before time 0

    def _slot(self) -> int:
        # Slots before the first leader's own: the log begins with them done.
        self._prepared += 1
        return self._prepared

    def _apply(self, command: Any) -> Any:
        answer = self._origin.apply(1, command)
        assert answer.ok, f"{command} cannot have happened: {answer.text}"
        self._origin.take_changes()
        return answer.value

    def make(self, path: str, value: bytes = b"") -> None:
        """A file or directory that has been there since before time 0."""
        session = self._session("the beginning", self._config.session)
        self._apply(Command(session, self._slot(), 0, Create(path, value), 0))
        del self._origin.sessions[session]

    def _session(self, owner: str, timeout_ns: int, subject: str = "") -> int:
        # Sessions of before have negative numbers, which no slot gives.
        number = -self._slot()
        self._origin.zxid = number
        self._origin.open_as(number, OpenSession(owner, f"before {number}", timeout_ns, subject))
        return number

    def since_before(self, client: NuwaClient) -> None:
        """A client has had a session since before time 0; it is connected to its server when the cell starts."""
        client.session = self._session(client.name, client.timeout_ns, client.subject)
        self._old_clients.append(client)

    def make_ephemeral(self, session: int, path: str, value: bytes, *, sequential: bool = False) -> str:
        """A file that has belonged to such a session since before time 0; its path."""
        return str(self._apply(Command(session, self._slot(), 0, Create(path, value, True, sequential), 0)))

    def start(self) -> None:
        """Start the servers with what was prepared."""
        self.started = True
        self._origin.zxid = 1
        self._origin.forget_answers()
        image, _ = self._origin.image()
        tell_founded(self._sim, self._origin)
        for server in self.servers:
            server.origin = image
        for daemon in self.daemons:
            daemon.start()
        for client in self._old_clients:
            self.servers[client.server].attach(client.session, client.address, client.watches)
            client.begin(client.session, 1)

    # Clients

    def agent(self, machine: Machine) -> Agent:
        """The agent of a machine, started on first use."""
        agent = self._agents.get(machine.index)
        if agent is None:
            agent = self._agents[machine.index] = Agent(machine, self.client, lambda: self.started)
            agent.daemon.start()
            if not self.started and agent.client is not None:
                self.since_before(agent.client)
                agent.resolver.begin(agent.client)
        return agent

    def client(
        self, owner: Owner, machine: Machine, name: str, *, timeout_ns: int | None = None, first: int | None = None
    ) -> NuwaClient:
        """A client for a process of ``machine``; it has no session until it opens one."""
        number = self._clients
        self._clients += 1
        endpoint = self._kuafu.endpoint(
            owner, machine, _FIRST_CLIENT_PORT + number, self._identities.user(f"nuwa/{name}")
        )
        return NuwaClient(
            self._sim,
            owner,
            endpoint,
            tuple(self.group.addresses.values()),
            self._config,
            self.signs,
            name,
            first=number if first is None else first,
            timeout_ns=timeout_ns,
        )
