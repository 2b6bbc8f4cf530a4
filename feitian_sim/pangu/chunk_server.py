"""A chunk server: the process that serves the replicas on its machine's disks.

It boots with nothing in memory, registers with the master by telling all that its disks hold, and drops what the
master calls stale, surplus or nobody's. From then on it lives by its heartbeats; when one is answered by another
incarnation of the master, or by one that does not know it, it registers again. It tells at once when a disk has
failed or a replica was found damaged, and everything once more in its periodic report, unless nothing has changed.

The lease that makes it a chunk's primary lives in memory only: a restart loses it, and the master gives it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from feitian_sim.hardware import DataCenter, Disk
from feitian_sim.kernel import Owner, SimulatedError, Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint, Identities, IncomingCall, Kuafu
from feitian_sim.pangu.check_facts import DamageNoticed, LeaseTaken, ScrubBegun
from feitian_sim.pangu.cloning import Cloning
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.disk_balance import DiskBalancer
from feitian_sim.pangu.fencing import Fence
from feitian_sim.pangu.heartbeat import Heartbeats
from feitian_sim.pangu.hot_copies import HotCopies
from feitian_sim.pangu.master_finder import MasterFinder
from feitian_sim.pangu.masters import Masters
from feitian_sim.pangu.messages import (
    NO_REPLICA,
    BadReplica,
    Done,
    DropReplicas,
    Failed,
    Heartbeat,
    HeartbeatSeen,
    Holdings,
    HoldingsRead,
    NewVersion,
    ReplicasGone,
    VersionTaken,
)
from feitian_sim.pangu.needs import BE_SERVER
from feitian_sim.pangu.primary import Primary
from feitian_sim.pangu.rebalance.rebalancer import DiskBalance
from feitian_sim.pangu.replica_keeper import ReplicaKeeper
from feitian_sim.pangu.replica_reads import ReadableReplicas, ReplicaReads
from feitian_sim.pangu.replica_writes import ReplicaWrites
from feitian_sim.pangu.scrub import Scrubber

CHUNK_SERVER_PORT = 7001
CHUNK_SERVER_ROLE = "pangu.chunkserver"
_DEPOSED = "another master has been elected since"
#: Makes a process's finder of the active master: (endpoint, on_move).
FinderFactory = Callable[[Endpoint, Callable[[str], object]], MasterFinder]
Ints = npt.NDArray[np.int64]


class ChunkServer:
    """The chunk-server process of one machine, through all its incarnations."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        kuafu: Kuafu,
        config: PanguConfig,
        keeper: ReplicaKeeper,
        identities: Identities,
        masters: Masters,
        finder_of: FinderFactory,
        hearts: Heartbeats,
        address_of: Callable[[int], str],
        disks: DiskBalance | None = None,
    ) -> None:
        self._sim = sim
        self._datacenter = datacenter
        self._kuafu = kuafu
        self._config = config
        self.keeper = keeper
        self._machine = keeper.machine
        self._identities = identities
        self._masters = masters
        self._finder_of = finder_of
        self._hearts = hearts
        self._address_of = address_of
        self._disks = disks
        self._disk_balancer: DiskBalancer | None = None
        self._owner: Owner | None = None
        #: Epoch of the master that knows this process; 0 when none does.
        self.known_to = 0
        self._registering = False
        self._leases: dict[int, tuple[int, int]] = {}
        self._report: Timer | None = None
        self._hot: HotCopies | None = None

    @property
    def index(self) -> int:
        """Index of its machine, by which the master calls it."""
        return self._machine.index

    def boot(self, owner: Owner) -> None:
        """Begin an incarnation."""
        self._owner = owner
        self.known_to = 0
        self._registering = False
        self._leases = {}
        self._report = None
        self._endpoint: Endpoint = self._kuafu.endpoint(
            owner, self._machine, CHUNK_SERVER_PORT, self._identities.module(CHUNK_SERVER_ROLE, self.name)
        )
        self._fence = Fence()
        self._wire_services(owner)
        for chunk in self.keeper.set_aside_chunks():
            self.later(self._config.report_every, self._tell_damaged, chunk)
        owner.on_death(self._died)
        self._hearts.start(self)
        self._finder = self._finder_of(self._endpoint, self._master_moved)
        active = self._masters.reign
        if self._sim.now == 0 and active is not None:
            # At the beginning everybody knows everybody: the dataset is placed in one step, by no message.
            self.known_to = active.epoch
            self._hearts.answered(self)
        elif self._finder.address:
            self._register()

    def _master_moved(self, _: str) -> None:
        """There is another master: it knows nothing of what is here."""
        if self._sim.now:
            self.known_to = 0
            self._hearts.review()
            self._register()

    def _wire_services(self, owner: Owner) -> None:
        config, endpoint, keeper = self._config, self._endpoint, self.keeper
        self._writes = ReplicaWrites(endpoint, keeper, config.lease)
        Primary(
            endpoint,
            self._writes,
            chunk_size_bytes=config.chunk_size,
            turn_ns=config.lease,
            call_ns=config.client.call_deadline,
            may_lead=self._may_lead,
            request_ns=config.request.write_cost,
        )
        self._cloning = Cloning(endpoint, keeper, config, self._address_of, self._fence)
        self._hot = None
        readable: ReadableReplicas = keeper
        if config.hot is not None and config.hot.copies:
            data_ns = config.client.data_deadline
            self._hot = HotCopies(endpoint, keeper, config.hot, data_ns, self._address_of, self._fence, self._tell)
            readable = self._hot
        ReplicaReads(endpoint, readable, self._datacenter, self._found_damaged, config.request.read_cost, self._hot)
        endpoint.serve(NewVersion, self._take_version, BE_SERVER)
        endpoint.serve(DropReplicas, self._drop, BE_SERVER)
        keeper.on_disk_lost = self._disk_lost
        keeper.on_change = self._changed
        self._disk_balancer = None
        if self._disks is not None:
            self._disk_balancer = DiskBalancer(self._sim, self._datacenter, owner, keeper, self._writes, self._disks)
        if config.scrub is not None:
            scrubber = Scrubber(self._sim, owner, self.name, config.scrub.every, self._check)
            if self._sim.facts.wants(ScrubBegun):
                self._sim.emit(ScrubBegun(self.name, config.scrub.every))
            keeper.on_damage = scrubber.damaged
            for chunk in keeper.damaged_chunks():
                scrubber.damaged(chunk)

    def _died(self) -> None:
        self._hearts.stop(self)
        self.keeper.forget_process()

    # Leases and drops

    def _may_lead(self, chunk: int, version: int) -> bool:
        held_version, until_ns = self._leases.get(chunk, (0, 0))
        return held_version == version and self._machine.clock.monotonic_ns < until_ns

    def _end_on_own_clock(self, until_ns: int) -> int:
        """When to stop, on this machine's clock, which may be slow: it measures what is left, and takes less of it."""
        left_ns = until_ns - self._sim.now
        return self._machine.clock.monotonic_ns + left_ns - left_ns * self._config.log.drift_ppm // 1_000_000

    def _take_version(self, call: IncomingCall) -> None:
        order: NewVersion = call.message
        if not self._fence.admits(order.epoch):
            call.reply(Failed(_DEPOSED))
            return
        # What is known of the chunk from now on must survive a crash before anybody builds on it.
        try:
            disk = self.keeper.disk_for_write(order.chunk, 0)
            disk.admit(0)
        except SimulatedError as error:
            call.reply(Failed(str(error)))
            return
        assert self._owner is not None
        disk.sync(self._owner, self._version_synced, call)

    def _version_synced(self, call: IncomingCall) -> None:
        order: NewVersion = call.message
        try:
            length_bytes = self.keeper.take_version(order.chunk, order.version, order.floor)
        except SimulatedError as error:
            call.reply(Failed(str(error)))
            return
        if length_bytes is None:
            call.reply(Failed("there is no good replica of the version before", code=NO_REPLICA))
            return
        if order.lease_until_ns:
            self._leases[order.chunk] = (order.version, self._end_on_own_clock(order.lease_until_ns))
            if self._sim.facts.wants(LeaseTaken):
                self._sim.emit(LeaseTaken(self.name, order.chunk, order.version, order.lease_until_ns))
        else:
            self._leases.pop(order.chunk, None)
        call.reply(VersionTaken(order.chunk, order.version, length_bytes))

    def _drop(self, call: IncomingCall) -> None:
        if self._fence.admits(call.message.epoch):
            self._give_up(np.array(call.message.chunks, dtype=np.int64))
            call.reply(Done())
        else:
            call.reply(Failed(_DEPOSED))

    def _give_up(self, chunks: Ints) -> None:
        """Remove replicas, and with them the right to write them."""
        for chunk in chunks.tolist():
            self._leases.pop(chunk, None)
            self._writes.dropped(chunk)
        self.keeper.drop(chunks)

    # Damage and loss

    def _found_damaged(self, chunk: int) -> None:
        if self.keeper.set_aside(chunk):
            if self._sim.facts.wants(DamageNoticed):
                self._sim.emit(DamageNoticed(self.name, chunk))
            self._tell_damaged(chunk)

    def _tell_damaged(self, chunk: int) -> None:
        """Say so until the master has it dropped: no report tells of a replica that is served no more."""
        if self.keeper.is_set_aside(chunk):
            # A clone may take its place before anybody has heard of the damage.
            self._tell(BadReplica(chunk, self.index, self.name), partial(self.keeper.is_set_aside, chunk))
            self.later(self._config.report_every, self._tell_damaged, chunk)

    def _check(self, chunk: int) -> None:
        stored = self.keeper.stored(chunk)
        if stored is not None and not stored.sound:
            self._found_damaged(chunk)

    def _disk_lost(self, disk: Disk, chunks: Ints) -> None:
        self._writes.disk_lost(disk)
        self._cloning.disk_lost(disk)
        if self._hot is not None:
            self._hot.disk_lost(disk)
        if self._disk_balancer is not None:
            self._disk_balancer.disk_lost(disk)
        for chunk in chunks.tolist() if self._leases else ():
            self._leases.pop(chunk, None)
        if len(chunks):
            self._tell(ReplicasGone(self.index, f"{disk.name} has failed", chunks))

    def _tell(self, message: Any, is_true_still: Callable[[], bool] = lambda: True) -> None:
        """Tell the master something that it must come to know; said again until it answers, as long as it is true."""
        if self._owner is None or not self._owner.alive or not is_true_still():
            return

        def again(_: CallError) -> None:
            self.later(self._config.heartbeat.every, self._tell, message, is_true_still)

        self._finder.call(message, self._config.client.call_deadline, _nothing, again)

    # Registering and reports

    def _register(self) -> None:
        if not self._registering:
            self._registering = True
            self._send_holdings(first=True)

    def _send_holdings(self, *, first: bool) -> None:
        keeper = self.keeper
        chunks, versions, lengths = keeper.holdings()
        report = Holdings(self.index, first, keeper.capacity_bytes, keeper.used_bytes, chunks, versions, lengths)
        call_ns = self._config.client.call_deadline
        self._finder.call(report, call_ns, self._holdings_read, self._not_heard)

    def _holdings_read(self, reply: HoldingsRead) -> None:
        self._registering = False
        if not self._fence.admits(reply.incarnation):
            return
        self.known_to = reply.incarnation
        if len(reply.drop):
            self._give_up(reply.drop)
        self._hearts.answered(self)

    def _not_heard(self, _: CallError) -> None:
        # The next beat finds out whether to register; a report that was lost is made again.
        if not self._registering:
            self._changed()
        self._registering = False

    def _changed(self) -> None:
        """Something here is not as last reported: report at the next time for it."""
        if self._report is None or not self._report.active:
            every_ns = self._config.report_every
            phase_ns = int(self._sim.stream("pangu.report", self.name).at(0) * every_ns)
            self._report = self.later((phase_ns - self._sim.now) % every_ns or every_ns, self._periodic_report)

    def _periodic_report(self) -> None:
        if self.known_to:
            self._send_holdings(first=False)

    # Heartbeats

    @property
    def name(self) -> str:
        """Name of its machine."""
        return self._machine.name

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return self._owner is not None and self._owner.alive

    def later(self, delay_ns: int, callback: Callable[..., object], *args: Any) -> Timer:
        """A timer that dies with the process."""
        assert self._owner is not None
        return self._owner.timer(delay_ns, callback, *args)

    def beat(self) -> None:
        """One explicit heartbeat; a process that no master knows registers instead."""
        if not self.known_to:
            self._register()
            return
        message = Heartbeat(self.index, self.keeper.used_bytes)
        call_ns = self._config.client.call_deadline
        self._finder.call(message, call_ns, self._beat_seen, _nothing)

    def _beat_seen(self, seen: HeartbeatSeen) -> None:
        if not seen.known or seen.incarnation != self.known_to:
            self.known_to = 0
            self._register()
        else:
            self._hearts.answered(self)

    @property
    def is_paused(self) -> bool:
        """Whether its process is stopped for a while."""
        return self._owner is not None and self._owner.paused

    def heard_by_master(self) -> bool:
        """Whether the running master knows this process and a beat would certainly reach it."""
        master = self._masters.active
        if self.is_paused or (master is not None and master.is_paused):
            return False
        if master is None or master.reign is None or self.known_to != master.reign.epoch:
            return False
        if self._finder.address != master.address:
            return False
        network = self._datacenter.network
        here, there = self._machine, master.machine
        return network.reachable(here, there) and not network.impaired(here, there)


def _nothing(_: object) -> None:
    """The end of a call that nothing depends on."""
