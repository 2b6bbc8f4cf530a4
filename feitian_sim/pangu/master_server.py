"""One of a cell's masters on its machine: a replica of the log, a candidate, and when elected the one that serves.

All masters hold the same log (:mod:`feitian_sim.replog`). Nuwa says which of them is to be the active one, so that
everybody can find it and no two are asked; the elected one then makes itself the leader of the log, which fences the
one before: from then on nothing that the old one logs can be chosen. Its state is that of the chosen records, its reign
(:mod:`.reign`) begins, and it registers. Where the replicas are is in no log: the chunk servers tell it when they find
that they talk to a new master. A candidate that is elected but cannot lead the log, because it cannot reach a quorum of
the masters, gives the office back, so that another may try.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from feitian_sim.hardware import DataCenter, Disk, Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import Endpoint, Identities, IncomingCall, Kuafu, Need
from feitian_sim.pangu import messages
from feitian_sim.pangu.bundle_runner import BundleRunner
from feitian_sim.pangu.check_facts import RecordChosen, TreeTold
from feitian_sim.pangu.commit_log import CommitLog
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.facts import MasterReady, MasterStopped
from feitian_sim.pangu.master import Master
from feitian_sim.pangu.master_log import MasterLog
from feitian_sim.pangu.master_state import MasterState
from feitian_sim.pangu.master_told import record_chosen, tree_told
from feitian_sim.pangu.needs import (
    BE_SERVER,
    CREATE_FILE,
    DELETE_FILE,
    LIST_DIRECTORY,
    READ_CHUNK,
    READ_FILE,
    RENAME_FILE,
    WRITE_FILE,
)
from feitian_sim.pangu.office import Office, Standing
from feitian_sim.pangu.records import Record
from feitian_sim.pangu.reign import NOT_ACTIVE, Reign
from feitian_sim.replog import Group, ReplicatedLog

MASTER_PORT = 7000
MASTER_ROLE = "pangu.master"
REQUESTS: dict[type, Need] = {
    messages.Locate: READ_FILE,
    messages.AddChunk: WRITE_FILE,
    messages.SealChunk: WRITE_FILE,
    messages.LeaseLast: WRITE_FILE,
    messages.CreateFile: CREATE_FILE,
    messages.AbandonChunk: WRITE_FILE,
    messages.DeleteFile: DELETE_FILE,
    messages.RenameFile: RENAME_FILE,
    messages.ListDirectory: LIST_DIRECTORY,
    messages.MakeDirectory: CREATE_FILE,
    messages.Heartbeat: BE_SERVER,
    messages.Holdings: BE_SERVER,
    messages.ReplicasGone: BE_SERVER,
    messages.BadReplica: READ_CHUNK,
    messages.HeatReport: BE_SERVER,
}


@dataclass(frozen=True, slots=True)
class MasterParts:
    """What the masters of a cell have in common.

    ``origin``: the state before the first record. ``core_of(state, epoch, now)`` makes a deciding core.
    """

    config: PanguConfig
    group: Group
    origin: Callable[[], MasterState]
    preloaded_chunks: Callable[[], int]
    core_of: Callable[[MasterState, int, int], Master]
    address_of: Callable[[int], str]
    bundles: BundleRunner
    office: Office
    identities: Identities
    on_turn: Callable[[], object]
    before_decision: Callable[[], object]
    on_release: Callable[[int], object]


class MasterServer:
    """A master process through all its incarnations; ``reign`` is there while it is the active one."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        kuafu: Kuafu,
        machine: Machine,
        member: int,
        parts: MasterParts,
    ) -> None:
        self._sim = sim
        self._datacenter = datacenter
        self._kuafu = kuafu
        self.machine = machine
        self.member = member
        self._parts = parts
        self.reign: Reign | None = None
        self.log: ReplicatedLog | None = None
        #: What its replica of the log holds; None before the first start.
        self.records: MasterLog | None = None
        self._elected_ns = -1
        self._campaign: Timer | None = None

    @property
    def is_paused(self) -> bool:
        """Whether its process is stopped for a while."""
        return self._owner is not None and self._owner.paused

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"tcp://{self.machine.name}:{MASTER_PORT}"

    @property
    def disk(self) -> Disk:
        """The disk of its log."""
        return self.machine.disks[0]

    def boot(self, owner: Owner) -> None:
        """Begin an incarnation: listen, read the log, stand for election."""
        parts = self._parts
        self._owner = owner
        self.reign = None
        self._elected_ns = -1
        self._campaign = None
        owner.on_death(self._died)
        self._endpoint: Endpoint = self._kuafu.endpoint(
            owner, self.machine, MASTER_PORT, parts.identities.module(MASTER_ROLE, self.machine.name)
        )
        for request, needs in REQUESTS.items():
            self._endpoint.serve(request, self._serve, needs)
        config = parts.config
        told = self._tell_record if self._sim.facts.wants(RecordChosen) else None
        self.records = MasterLog(parts.origin, config.snapshot_bytes_per_chunk, parts.preloaded_chunks(), told)
        self.log = ReplicatedLog(
            self._sim,
            self._datacenter,
            owner,
            self._endpoint,
            self.disk,
            parts.group,
            self.member,
            self.records,
            config.log,
        )
        self.log.on_lead.append(self._leads)
        self.log.on_follow.append(self._follows)
        self._standing: Standing = parts.office.stand(owner, self._endpoint, self.elected, self.deposed)
        if self._standing.holds:
            self.elected()

    def _died(self) -> None:
        self._end_reign()
        self.log = None

    # The election

    def elected(self) -> None:
        """Nuwa's choice: lead the log, then serve."""
        self._elected_ns = self._sim.now
        assert self.log is not None
        if self.log.is_leader:
            self._leads(self.log.epoch)
        else:
            self._try_to_lead(self._sim.now + self._parts.config.election.give_up)

    def deposed(self) -> None:
        """Nuwa may have chosen another: stop at once."""
        self._elected_ns = -1
        self._stop_campaign()
        self._end_reign()
        if self.log is not None:
            self.log.resign()

    def _try_to_lead(self, until_ns: int) -> None:
        if self.log is None or self.log.is_leader or self._elected_ns < 0:
            return
        if self._sim.now >= until_ns:
            self.deposed()
            self._standing.stand_down()
            return
        self.log.campaign()
        self._campaign = self._owner.timer(self._parts.config.election.retry, self._try_to_lead, until_ns)

    def _stop_campaign(self) -> None:
        if self._campaign is not None:
            self._campaign.cancel()
            self._campaign = None

    def _leads(self, epoch: int) -> None:
        if self._elected_ns < 0 or self.reign is not None:
            return
        self._stop_campaign()
        parts = self._parts
        assert self.log is not None
        assert self.records is not None
        records = self.records.count
        state = self.records.fresh_state()
        if self._sim.facts.wants(TreeTold):
            self._sim.emit(tree_told(self.machine.name, state, "begins to reign"))
        core = parts.core_of(state, epoch, self._sim.now)
        log = CommitLog(self.log, self._follows)
        self.reign = Reign(self._sim, core, log, self._endpoint, parts.address_of, parts.bundles, parts.on_release)
        self._sim.emit(MasterReady(self.machine.name, records, self._sim.now - self._elected_ns, epoch))
        self.reign.run(core.wake(self._sim.now))
        self._standing.announce(epoch)
        parts.on_turn()

    def _tell_record(self, index: int, record: Record) -> None:
        self._sim.emit(record_chosen(self.machine.name, index, record))

    def _follows(self) -> None:
        """The log has another leader, or may have: this reign is over; if Nuwa still wants this one, it tries again."""
        self._end_reign()
        if self._elected_ns >= 0 and self._campaign is None and self._owner.alive:
            self._elected_ns = self._sim.now
            self._try_to_lead(self._sim.now + self._parts.config.election.give_up)

    def _end_reign(self) -> None:
        reign, self.reign = self.reign, None
        if reign is not None:
            reign.end()
            self._sim.emit(MasterStopped(self.machine.name, reign.epoch))
            self._parts.on_turn()

    # Requests

    def _serve(self, call: IncomingCall) -> None:
        if self.reign is None:
            call.fail(NOT_ACTIVE)
            return
        self._parts.before_decision()
        self.reign.serve(call)
