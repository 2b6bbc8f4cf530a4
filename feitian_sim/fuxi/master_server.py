"""One of a cell's FuxiMasters on its machine: a candidate, and when elected the one that serves.

Elected through Nuwa, it raises the epoch there, reads the hard state, registers its name, and begins its reign
(:mod:`.reign`) by rebuilding what the one before knew. The others wait, with nothing in memory but their session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from feitian_sim.fuxi import messages
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.facts import MasterStopped
from feitian_sim.fuxi.hard_records import Recovered
from feitian_sim.fuxi.hard_state import Accession, Shelf, Writer
from feitian_sim.fuxi.master import Master
from feitian_sim.fuxi.needs import ASK, BE_HEARD_BY_MASTER, STOP, SUBMIT
from feitian_sim.fuxi.ports import MASTER_PORT, MASTER_ROLE
from feitian_sim.fuxi.reign import Reign
from feitian_sim.hardware import Daemon, Machine
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu import Endpoint, Identities, IncomingCall, Kuafu, Need
from feitian_sim.nuwa.office import ElectedOffice, OfficeStanding

#: The elected one is ``nuwa://cell/fuxi.master``; those who stand do so here.
SERVICE = "fuxi.master"
ELECTION = "/fuxi/masters/"

REQUESTS: dict[type, Need] = {
    messages.Submit: SUBMIT,
    messages.Stop: STOP,
    messages.AskStatus: ASK,
    messages.Hello: BE_HEARD_BY_MASTER,
    messages.Beat: BE_HEARD_BY_MASTER,
    messages.News: BE_HEARD_BY_MASTER,
    messages.Register: BE_HEARD_BY_MASTER,
    messages.Demand: BE_HEARD_BY_MASTER,
    messages.BadMachine: BE_HEARD_BY_MASTER,
    messages.Ended: BE_HEARD_BY_MASTER,
}


@dataclass(frozen=True, slots=True)
class FuxiMasterParts:
    """What the FuxiMasters of a cell have in common.

    ``core_of(recovered, epoch, now)`` makes a deciding core; ``on_turn()`` hears that a reign has begun or ended.
    """

    kuafu: Kuafu
    identities: Identities
    config: FuxiConfig
    office: ElectedOffice
    shelf: Shelf
    core_of: Callable[[Recovered, int, int], Master]
    on_turn: Callable[[], object]


class FuxiMasterServer:
    """A FuxiMaster process through all its incarnations; ``reign`` is there while it serves."""

    def __init__(self, sim: Simulation, machine: Machine, number: int, parts: FuxiMasterParts) -> None:
        self._sim = sim
        self.machine = machine
        self._parts = parts
        self.reign: Reign | None = None
        self._elected_ns = -1
        self._accession: Accession | None = None
        self.daemon = Daemon(machine, f"{MASTER_ROLE}-{number}", MASTER_ROLE, self._boot)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"tcp://{self.machine.name}:{MASTER_PORT}"

    def _boot(self, owner: Owner) -> None:
        """Begin an incarnation: listen and stand."""
        parts = self._parts
        self._owner = owner
        self.reign = None
        self._accession = None
        self._elected_ns = -1
        owner.on_death(self._end_reign)
        credential = parts.identities.module(MASTER_ROLE, self.machine.name)
        self._endpoint: Endpoint = parts.kuafu.endpoint(owner, self.machine, MASTER_PORT, credential)
        for request, need in REQUESTS.items():
            self._endpoint.serve(request, self._serve, need)
        self._standing: OfficeStanding = parts.office.stand(owner, self._endpoint, self._elected, self._deposed)
        if self._standing.holds:
            # It has reigned since before time 0, as the first.
            self._elected_ns = self._sim.now
            self._reign(1, Recovered())

    # The election

    def _elected(self) -> None:
        self._elected_ns = self._sim.now
        self._accession = None
        accession = Accession(
            self._standing.client,
            self._parts.shelf,
            lambda epoch, recovered: self._comes_to_power(accession, epoch, recovered),
            lambda: self._fails(accession),
        )
        self._accession = accession

    def _comes_to_power(self, accession: Accession, epoch: int, recovered: Recovered) -> None:
        if accession is self._accession and self._standing.holds:
            self._accession = None
            self._reign(epoch, recovered)
            self._standing.announce(epoch)

    def _fails(self, accession: Accession) -> None:
        if accession is self._accession:
            self._deposed()
            self._standing.stand_down()

    def _reign(self, epoch: int, recovered: Recovered) -> None:
        parts = self._parts
        core = parts.core_of(recovered, epoch, self._sim.now)
        writer = Writer(self._standing.client, parts.shelf)
        self.reign = Reign(
            self._sim,
            self.machine,
            self._owner,
            self._endpoint,
            core,
            writer,
            parts.config,
            self._elected_ns,
            self._stand_down,
        )
        self.reign.begin()
        parts.on_turn()

    def _stand_down(self) -> None:
        self._deposed()
        self._standing.stand_down()

    def _deposed(self) -> None:
        """Nuwa may have chosen another: stop at once."""
        self._accession = None
        self._end_reign()

    def _end_reign(self) -> None:
        reign, self.reign = self.reign, None
        if reign is not None:
            reign.end()
            self._sim.emit(MasterStopped(self.machine.name, reign.epoch))
            self._parts.on_turn()

    # Requests

    def _serve(self, call: IncomingCall) -> None:
        if self.reign is None:
            call.fail(messages.NOT_SERVING)
        else:
            self.reign.serve(call)
