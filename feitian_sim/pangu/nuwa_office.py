"""Pangu's office, held by Nuwa: an election among the masters, and a name under which the active one is found.

Each master process has a session of its own, and stands in ``/pangu/masters/``; the elected one, once it serves,
registers as ``nuwa://cell/pangu.master``. The processes of each machine follow that name through one session of the
machine's. At time 0 all of this has been so for a while: the first master is elected and registered, and every
machine knows it.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu import Endpoint
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.discovery import Registration, Resolver, directory_of
from feitian_sim.nuwa.election import Candidate
from feitian_sim.nuwa.wiring import NuwaCell

SERVICE = "pangu.master"
ELECTION = "/pangu/masters/"


class NuwaStanding:
    """One master's session, candidacy and, when it serves, its entry under the service's name."""

    def __init__(
        self,
        sim: Simulation,
        cell: NuwaCell,
        owner: Owner,
        endpoint: Endpoint,
        session_ns: int,
        on_elected: Callable[[], object],
        on_deposed: Callable[[], object],
    ) -> None:
        self._sim = sim
        self._cell = cell
        self._owner = owner
        self._endpoint = endpoint
        self._session_ns = session_ns
        self._on_elected = on_elected
        self._on_deposed = on_deposed
        self._join()

    def _join(self) -> None:
        """Begin a session, and with it a candidacy."""
        machine = self._endpoint.machine
        name = f"pangu.master@{machine.name}"
        self.client: NuwaClient = self._cell.client(self._owner, machine, name, timeout_ns=self._session_ns)
        self.candidate = Candidate(
            self._sim, self._owner, self.client, ELECTION, lambda _: self._on_elected(), self._on_deposed
        )
        self._registration = Registration(self.client, SERVICE, _entry_of(machine), self._endpoint.address)
        self.client.on_over.append(self._again)

    def _again(self) -> None:
        """The session is over, and with it the candidacy: the process lives, so it begins anew."""
        if self._owner.alive:
            self._join()
            self.enter()

    def enter(self) -> None:
        """Open the session and stand."""
        self.client.open(self.candidate.stand)

    @property
    def holds(self) -> bool:
        """Whether it is the elected one already, as at the beginning."""
        return self.candidate.holds

    def announce(self, epoch: int) -> None:
        """Be found."""
        if self._sim.now:
            self._registration.register()

    def stand_down(self) -> None:
        """Give the office back, and stand again behind the others."""
        self._registration.withdraw()
        self.candidate.resign()
        self.candidate.stand()


class MachineDirectory:
    """What the processes of one machine are told of the active master."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def follow(self, endpoint: Endpoint, on_address: Callable[[str], object]) -> None:
        """Tell the address that is known now and each that follows; empty while there is none."""
        self._resolver.follow(SERVICE, lambda addresses: on_address(addresses[0] if addresses else ""))

    def doubt(self, address: str) -> None:
        """The name is watched: news comes as soon as there is any."""


class NuwaOffice:
    """Elections and directories by one Nuwa cell."""

    def __init__(self, sim: Simulation, cell: NuwaCell, session_ns: int) -> None:
        self._sim = sim
        self._cell = cell
        self._session_ns = session_ns
        self._standings: list[NuwaStanding] = []
        for path in ("/pangu/", ELECTION, directory_of(SERVICE)):
            cell.make(path)

    def stand(
        self, owner: Owner, endpoint: Endpoint, on_elected: Callable[[], object], on_deposed: Callable[[], object]
    ) -> NuwaStanding:
        """A master process stands."""
        standing = NuwaStanding(self._sim, self._cell, owner, endpoint, self._session_ns, on_elected, on_deposed)
        if self._sim.now:
            standing.enter()
        else:
            self._stood_before(standing, endpoint)
        return standing

    def _stood_before(self, standing: NuwaStanding, endpoint: Endpoint) -> None:
        """The first to stand was elected and registered before time 0; each of the others watches the one before."""
        cell, client = self._cell, standing.client
        cell.since_before(client)
        path = cell.make_ephemeral(client.session, f"{ELECTION}candidate-", b"", sequential=True)
        if not self._standings:
            entry = f"{directory_of(SERVICE)}{_entry_of(endpoint.machine)}"
            cell.make_ephemeral(client.session, entry, endpoint.address.encode())
            standing.candidate.stand_since_before(path, "")
            self._known = endpoint.address
        else:
            standing.candidate.stand_since_before(path, self._standings[-1].candidate.path)
        self._standings.append(standing)

    def directory(self, machine: Machine) -> MachineDirectory:
        """What the processes of a machine are told."""
        resolver = self._cell.agent(machine).resolver
        if self._sim.now == 0:
            resolver.know(SERVICE, (self._known,))
        return MachineDirectory(resolver)


def _entry_of(machine: Machine) -> str:
    return machine.name.replace("/", ".")
