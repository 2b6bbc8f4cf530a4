"""The FuxiMaster's office, held by Nuwa: masters stand in ``/fuxi/masters/``, the elected is ``nuwa://cell/fuxi.master``.

The processes of a machine follow that name through one session of the machine's, and have known it from the start.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.hardware import Machine
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import Endpoint
from feitian_sim.nuwa.discovery import Resolver
from feitian_sim.nuwa.office import ElectedOffice
from feitian_sim.nuwa.wiring import NuwaCell

SERVICE = "fuxi.master"
ELECTION = "/fuxi/masters/"


class MachineDirectory:
    """What the processes of one machine are told of the elected FuxiMaster."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def follow(self, endpoint: Endpoint, on_address: Callable[[str], object]) -> None:
        """Tell the address that is known now and each that follows; empty while there is none."""
        self._resolver.follow(SERVICE, lambda addresses: on_address(addresses[0] if addresses else ""))

    def doubt(self, address: str) -> None:
        """The name is watched: news comes as soon as there is any."""


class FuxiOffice(ElectedOffice):
    """The election of FuxiMasters, and what each machine is told of it."""

    def __init__(self, sim: Simulation, cell: NuwaCell, session_ns: int) -> None:
        super().__init__(sim, cell, SERVICE, ELECTION, session_ns)

    def directory(self, machine: Machine) -> MachineDirectory:
        """What the processes of a machine are told."""
        resolver = self._cell.agent(machine).resolver
        if not self._cell.started:
            # Later, a watch of before time 0 would be known to no server, and never tell.
            resolver.know(SERVICE, (self.first_address,))
        return MachineDirectory(resolver)
