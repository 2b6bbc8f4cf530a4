"""A group of replicas and their drivers, in which messages are lost, doubled and late, and any effect may be the last.

The random adversary (:mod:`adversary`) strikes here where it likes; what is checked all the time
stands in ``checks``.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

from checks import Checks, Violation
from members import CLOCK_DRIFT, Member

from feitian_sim.kernel import MILLISECOND, Simulation, Stream
from feitian_sim.paxos import (
    Apply,
    Cut,
    Deposed,
    Effect,
    Elected,
    Lost,
    PaxosConfig,
    Ready,
    Replica,
    Restore,
    Send,
    Snapshot,
    TakeSnapshot,
    Write,
    founding_record,
)


class Battlefield:
    """``size`` members. ``loss``: of a message; ``crash``: at an effect; in ``haste`` everything takes less long."""

    def __init__(
        self,
        seed: int,
        size: int,
        config: PaxosConfig,
        *,
        loss: float,
        crash: float,
        haste: int,
        drift: float = CLOCK_DRIFT,
    ) -> None:
        self.stream: Stream = Simulation(seed=seed).stream("adversary", str(size))
        self.config = config
        self.loss, self.crash_chance, self.drift = loss, crash, drift
        self._haste = haste
        self.now = 0
        self._queue: list[tuple[int, int, Any, tuple[Any, ...]]] = []
        self._count = 0
        self.founders = tuple(range(size))
        self.members: dict[int, Member] = {}
        self.checks = Checks(self)
        # Pairs (from, to) between which nothing gets through.
        self.cut_off: dict[tuple[int, int], None] = {}
        for number in self.founders:
            self._boot(self._make(number, self.founders))

    # Time

    def later(self, delay_ns: int, what: Any, *args: Any) -> None:
        """Call ``what`` after a delay."""
        self._count += 1
        heappush(self._queue, (self.now + delay_ns, self._count, what, args))

    def run(self, until_ns: int) -> None:
        """Go on until a time."""
        while self._queue and self._queue[0][0] <= until_ns:
            self.now, _, what, args = heappop(self._queue)
            what(*args)
        self.now = until_ns

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.stream.uniform() < probability

    def _sleeps(self, member: Member, what: Any, *args: Any) -> bool:
        """Whether a member is paused, so that what comes to it now waits for its awakening."""
        if self.now < member.paused_until:
            self.later(member.paused_until - self.now, what, *args)
            return True
        return False

    # Members

    def _make(self, number: int, members: tuple[int, ...]) -> Member:
        rate = 1.0 + self.drift * (2 * self.stream.uniform() - 1)
        member = self.members[number] = Member(number, self.stream.integer(10**12), rate)
        member.disk.records.append(founding_record(members))
        member.disk.durable = 1
        return member

    def _boot(self, member: Member) -> None:
        disk = member.disk
        member.incarnation += 1
        disk.before, disk.cut = len(disk.records), 0
        member.state = disk.snapshot.image if disk.snapshot is not None else ()
        member.applied = disk.snapshot.index if disk.snapshot is not None else 0
        member.held, member.syncing, member.pending, member.elected = [], False, {}, None
        clock_ns = member.clock(self.now)
        member.replica = Replica(member.number, self.config, self.founders, clock_ns, list(disk.records), disk.snapshot)
        self.checks.booted(member)
        self._do(member, member.replica.start(clock_ns, self.stream.uniform()))
        self._arm(member, member.incarnation)

    def crash(self, member: Member, how: str = "crash") -> None:
        """End a member: by a kill of its process, a crash of its machine, or the loss of its disk."""
        if member.replica is None:
            return
        self.checks.reach(how)
        member.replica = None
        disk = member.disk
        if how == "disk":
            disk.records, disk.durable, disk.snapshot = [], 0, None
            self.checks.lost_disk(member)
        elif how == "crash":
            del disk.records[disk.durable + self.stream.integer(len(disk.records) - disk.durable + 1) :]
            disk.durable = len(disk.records)
        self.later(self.stream.integer(300 * MILLISECOND // self._haste), self._restart, member)

    def _restart(self, member: Member) -> None:
        if member.replica is None:
            # What a killed process left with the operating system is synced before it is believed.
            member.disk.durable = len(member.disk.records)
            self._boot(member)

    def _arm(self, member: Member, incarnation: int) -> None:
        """Look at its timer every so often: exactness is the driver's business, not this test's."""
        if member.replica is None or member.incarnation != incarnation:
            return
        if self._sleeps(member, self._arm, member, incarnation):
            return
        due, clock_ns = member.replica.next_wake_ns, member.clock(self.now)
        if due is not None and due <= clock_ns:
            self._do(member, member.replica.woken(clock_ns, self.stream.uniform()))
        self.later(5 * MILLISECOND // self._haste, self._arm, member, incarnation)

    def _do(self, member: Member, effects: list[Effect]) -> None:
        for effect in effects:
            if self.crash_chance and self.chance(self.crash_chance):
                self.crash(member, "kill" if self.chance(0.3) else "crash")
                return
            self._do_one(member, effect)
        self.checks.leases()

    def _do_one(self, member: Member, effect: Effect) -> None:
        match effect:
            case Write():
                self.checks.wrote(member, effect.record)
                member.disk.records.append(effect.record)
                if not member.syncing:
                    self._sync(member)
            case Send():
                if effect.after <= member.disk.mine_durable:
                    self._transmit(member, effect.to, effect.message)
                else:
                    member.held.append(effect)
            case Apply():
                self.checks.applied(member, effect)
            case Elected():
                self.checks.elected(member, effect.ballot)
            case Deposed():
                self.checks.deposed(member, effect.ballot)
            case Lost():
                self.checks.lost(member, effect.ticket)
            case TakeSnapshot():
                if effect.index != member.applied:
                    raise Violation("a snapshot of another state")
                self._save(member, Snapshot(effect.index, effect.members, member.state, 10), None)
            case Restore():
                self.checks.reach("installed")
                self._save(member, effect.snapshot, effect.snapshot)
            case Cut():
                self._cut_when_durable(member, effect.record, member.incarnation)
            case Ready():
                self.checks.read_ready(member, effect.ticket)

    def _sync(self, member: Member) -> None:
        member.syncing = True
        covered = len(member.disk.records) + member.disk.cut
        self.later(self.stream.integer(8 * MILLISECOND // self._haste), self._synced, member, covered, member.incarnation)

    def _synced(self, member: Member, covered: int, incarnation: int) -> None:
        if member.replica is None or member.incarnation != incarnation:
            return
        disk = member.disk
        disk.durable = max(disk.durable, covered - disk.cut)
        if self._sleeps(member, self._synced, member, covered, incarnation):
            return
        member.syncing = False
        if len(disk.records) > disk.durable:
            self._sync(member)
        mine = disk.mine_durable
        ready = [send for send in member.held if send.after <= mine]
        member.held = [send for send in member.held if send.after > mine]
        for send in ready:
            self._transmit(member, send.to, send.message)
        self._do(member, member.replica.durable(mine, member.clock(self.now)))

    def _save(self, member: Member, snapshot: Snapshot, restored: Snapshot | None) -> None:
        self.later(
            self.stream.integer(20 * MILLISECOND // self._haste),
            self._saved,
            member,
            snapshot,
            restored,
            member.incarnation,
        )

    def _saved(self, member: Member, snapshot: Snapshot, restored: Snapshot | None, incarnation: int) -> None:
        if member.replica is None or member.incarnation != incarnation:
            return
        if self._sleeps(member, self._saved, member, snapshot, restored, incarnation):
            return
        self.checks.reach("snapshot")
        if member.disk.snapshot is None or snapshot.index > member.disk.snapshot.index:
            member.disk.snapshot = snapshot
        if restored is not None and restored.index > member.applied:
            member.state, member.applied = restored.image, restored.index
        self._do(member, member.replica.snapshot_saved(snapshot, member.clock(self.now)))

    def _cut_when_durable(self, member: Member, record: int, incarnation: int) -> None:
        disk = member.disk
        if member.replica is None or member.incarnation != incarnation:
            return
        if disk.mine_durable < record:
            self.later(MILLISECOND, self._cut_when_durable, member, record, incarnation)
            return
        # How many records lie before it now; none, where a later cut came first.
        dropped = max(0, disk.before + record - 1 - disk.cut)
        del disk.records[:dropped]
        disk.durable -= dropped
        disk.cut += dropped

    # The network

    def _transmit(self, sender: Member, to: int, message: Any) -> None:
        self.checks.said(sender, message)
        if (sender.number, to) in self.cut_off or self.chance(self.loss):
            return
        for _ in range(2 if self.loss and self.chance(0.1) else 1):
            slow = self.loss and self.chance(0.05)
            delay_ns = self.stream.integer((400 if slow else 8) * MILLISECOND // self._haste)
            self.later(delay_ns, self._deliver, sender.number, to, message)

    def _deliver(self, sender: int, to: int, message: Any) -> None:
        member = self.members[to]
        if member.replica is None or self._sleeps(member, self._deliver, sender, to, message):
            return
        self._do(member, member.replica.received(sender, message, member.clock(self.now)))
