"""An office: an election among the processes of a service, and a name under which the elected one is found.

Each process has a session of its own and stands in the office's directory; the elected one, once it serves, registers
as ``nuwa://cell/service``. The processes of a machine follow that name through one session of the machine's. At time 0
all of this has been so for a while: the first to stand is elected and registered, and who asked before knows it.
Pangu's masters, FuxiMasters and Zhongkui's authority are made available so.
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


class OfficeStanding:
    """One process's session, candidacy and, when it serves, its entry under the service's name."""

    def __init__(
        self,
        sim: Simulation,
        cell: NuwaCell,
        office: ElectedOffice,
        owner: Owner,
        endpoint: Endpoint,
        on_elected: Callable[[], object],
        on_deposed: Callable[[], object],
    ) -> None:
        self._sim = sim
        self._cell = cell
        self._owner = owner
        self._endpoint = endpoint
        self._office = office
        self._on_elected = on_elected
        self._on_deposed = on_deposed
        self._join()

    def _join(self) -> None:
        """Begin a session, and with it a candidacy."""
        machine = self._endpoint.machine
        office = self._office
        name = f"{office.service}@{machine.name}"
        self.client: NuwaClient = self._cell.client(self._owner, machine, name, timeout_ns=office.session_ns)
        self.candidate = Candidate(
            self._sim, self._owner, self.client, office.election, lambda _: self._on_elected(), self._on_deposed
        )
        self._registration = Registration(self.client, office.service, _entry_of(machine), self._endpoint.address)
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
    """What the processes of one machine are told of who holds an office."""

    def __init__(self, resolver: Resolver, service: str) -> None:
        self._resolver = resolver
        self._service = service

    def follow(self, endpoint: Endpoint, on_address: Callable[[str], object]) -> None:
        """Tell the address that is known now and each that follows; empty while there is none."""
        self._resolver.follow(self._service, lambda addresses: on_address(addresses[0] if addresses else ""))

    def doubt(self, address: str) -> None:
        """The name is watched: news comes as soon as there is any."""


class ElectedOffice:
    """The office of ``service``, whose candidates stand in the directory ``election`` with sessions of ``session_ns``."""

    def __init__(self, sim: Simulation, cell: NuwaCell, service: str, election: str, session_ns: int) -> None:
        self._sim = sim
        self._cell = cell
        self.service = service
        self.election = election
        self.session_ns = session_ns
        self._standings: list[OfficeStanding] = []
        #: Where the first to stand was elected before time 0; empty if none was.
        self.first_address = ""
        above = ""
        for name in election.strip("/").split("/"):
            above += f"/{name}"
            cell.make(f"{above}/")
        cell.make(directory_of(service))

    def stand(
        self, owner: Owner, endpoint: Endpoint, on_elected: Callable[[], object], on_deposed: Callable[[], object]
    ) -> OfficeStanding:
        """A process stands."""
        standing = OfficeStanding(self._sim, self._cell, self, owner, endpoint, on_elected, on_deposed)
        if self._sim.now:
            standing.enter()
        else:
            self._stood_before(standing, endpoint)
        return standing

    def directory(self, machine: Machine) -> MachineDirectory:
        """What the processes of a machine are told."""
        resolver = self._cell.agent(machine).resolver
        if not self._cell.started:
            # Later, a watch of before time 0 would be known to no server, and never tell.
            resolver.know(self.service, (self.first_address,))
        return MachineDirectory(resolver, self.service)

    def _stood_before(self, standing: OfficeStanding, endpoint: Endpoint) -> None:
        """The first to stand was elected and registered before time 0; each of the others watches the one before."""
        cell, client = self._cell, standing.client
        cell.since_before(client)
        path = cell.make_ephemeral(client.session, f"{self.election}candidate-", b"", sequential=True)
        if not self._standings:
            entry = f"{directory_of(self.service)}{_entry_of(endpoint.machine)}"
            cell.make_ephemeral(client.session, entry, endpoint.address.encode())
            standing.candidate.stand_since_before(path, "")
            self.first_address = endpoint.address
        else:
            standing.candidate.stand_since_before(path, self._standings[-1].candidate.path)
        self._standings.append(standing)


def _entry_of(machine: Machine) -> str:
    return machine.name.replace("/", ".")
