"""The agent of a machine: a daemon that holds the machine's session with Nuwa and knows services for its processes.

It is what stands behind ``nuwa://`` names. Its session ends with it or when Nuwa has not heard of it for too long;
it then begins another, and whoever follows a service is told what has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.hardware import Daemon, Machine
from feitian_sim.kernel import Owner
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.discovery import Resolver
from feitian_sim.nuwa.facts import ServiceResolved

AGENT_ROLE = "nuwa.agent"

#: Makes a client of the cell: (owner, machine, name).
ClientMaker = Callable[[Owner, Machine, str], NuwaClient]


class Agent:
    """The agent of one machine through all its incarnations; ``resolver`` is what its processes use.

    Where the cell does not run yet, it has had a session since before.
    """

    def __init__(self, machine: Machine, client_of: ClientMaker, cell_runs: Callable[[], bool]) -> None:
        self.machine = machine
        self._cell_runs = cell_runs
        self._client_of = client_of
        self.resolver = Resolver(learned=self._learned)
        self.daemon = Daemon(machine, f"{AGENT_ROLE}@{machine.name}", AGENT_ROLE, self._boot)
        self._incarnation = 0
        #: Its present session's client.
        self.client: NuwaClient | None = None

    def _learned(self, service: str, addresses: tuple[str, ...]) -> None:
        sim = self.machine.sim
        if sim.facts.wants(ServiceResolved):
            sim.emit(ServiceResolved(self.machine.name, service, ",".join(addresses)))

    def _boot(self, owner: Owner) -> None:
        self._begin(owner, open_now=self._cell_runs())

    def _begin(self, owner: Owner, *, open_now: bool) -> None:
        self._incarnation += 1
        client = self._client_of(owner, self.machine, f"agent@{self.machine.name}#{self._incarnation}")
        self.client = client
        client.on_over.append(lambda: self._again(owner))
        if open_now:
            client.open(lambda: self.resolver.use(client))

    def _again(self, owner: Owner) -> None:
        if owner.alive:
            self._begin(owner, open_now=True)
