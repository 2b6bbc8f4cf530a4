"""A random adversary against a group of replicas: it delays, loses, doubles and reorders messages and crashes members.

A member may be crashed between any two of its effects. Its disk keeps what was synced, and of the rest a random
beginning. Checked all the time: agreement, validity, one leader to a ballot, contiguous application, equal states, at
most one lease at an instant. When the adversary stops, a new command must be applied by everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from feitian_sim.kernel import MILLISECOND, Simulation, Stream
from feitian_sim.paxos import (
    Apply,
    Cut,
    Deposed,
    Effect,
    Elected,
    Lost,
    Members,
    Noop,
    PaxosConfig,
    Ready,
    Replica,
    Restore,
    Send,
    Snapshot,
    TakeSnapshot,
    Write,
)

CONFIG = PaxosConfig(snapshot_every=12, batch_commands=3, window=3, catch_up_bytes="1KiB")


class Violation(AssertionError):
    """A promise of consensus was broken."""


@dataclass
class Disk:
    """What a member's disk holds; the first ``durable`` records survive anything."""

    records: list[Any] = field(default_factory=list)
    durable: int = 0
    snapshot: Snapshot | None = None
    # Records before the incarnation that runs now, and how many of all were cut off since.
    before: int = 0
    cut: int = 0


@dataclass
class Member:
    """One member: its disk, its process and its state machine (the list of commands applied)."""

    number: int
    disk: Disk = field(default_factory=Disk)
    replica: Replica | None = None
    state: tuple[Any, ...] = ()
    applied: int = 0
    incarnation: int = 0
    held: list[Send] = field(default_factory=list)
    syncing: bool = False
    saving: list[Any] = field(default_factory=list)
    pending: dict[Any, None] = field(default_factory=dict)


class Group:
    """``size`` members under an adversary whose strength lies in the numbers given."""

    def __init__(
        self, seed: int, size: int = 3, *, loss: float = 0.1, crash: float = 0.004, config: PaxosConfig = CONFIG
    ) -> None:
        self.stream: Stream = Simulation(seed=seed).stream("adversary", str(size))
        self.config = config
        self.loss, self.crash_chance = loss, crash
        self.now = 0
        self._queue: list[tuple[int, int, Any, tuple[Any, ...]]] = []
        self._count = 0
        self.names = tuple(range(size))
        self.members = {name: Member(name) for name in self.names}
        self.chosen: dict[int, Any] = {}
        self.proposed: dict[Any, None] = {}
        self.leaders: dict[Any, int] = {}
        self.acknowledged: dict[Any, None] = {}
        self.reached: dict[str, int] = {}
        self._next_value = 0
        self.cut_off: dict[int, None] = {}
        for member in self.members.values():
            self._boot(member)

    # Time

    def later(self, delay_ns: int, what: Any, *args: Any) -> None:
        self._count += 1
        heappush(self._queue, (self.now + delay_ns, self._count, what, args))

    def run(self, until_ns: int) -> None:
        while self._queue and self._queue[0][0] <= until_ns:
            self.now, _, what, args = heappop(self._queue)
            what(*args)
        self.now = until_ns

    def chance(self, probability: float) -> bool:
        return self.stream.uniform() < probability

    # Members

    def _boot(self, member: Member) -> None:
        disk = member.disk
        member.incarnation += 1
        disk.before, disk.cut = len(disk.records), 0
        member.state = disk.snapshot.image if disk.snapshot is not None else ()
        member.applied = disk.snapshot.index if disk.snapshot is not None else 0
        member.held, member.saving, member.syncing, member.pending = [], [], False, {}
        member.replica = Replica(member.number, self.config, self.names, self.now, list(disk.records), disk.snapshot)
        self._do(member, member.replica.start(self.now))
        self._arm(member, member.incarnation)

    def crash(self, member: Member) -> None:
        if member.replica is None:
            return
        self._reach("crash")
        member.replica = None
        disk = member.disk
        keep = disk.durable + self.stream.integer(len(disk.records) - disk.durable + 1)
        del disk.records[keep:]
        disk.durable = len(disk.records)
        self.later(self.stream.integer(300 * MILLISECOND), self._restart, member)

    def _restart(self, member: Member) -> None:
        if member.replica is None:
            self._boot(member)

    def _arm(self, member: Member, incarnation: int) -> None:
        """Look at its timer every so often: exactness is the driver's business, not this test's."""
        if member.replica is None or member.incarnation != incarnation:
            return
        due = member.replica.next_wake_ns
        if due is not None and due <= self.now:
            self._do(member, member.replica.woken(self.now, self.stream.uniform()))
        self.later(5 * MILLISECOND, self._arm, member, incarnation)

    def _do(self, member: Member, effects: list[Effect]) -> None:
        for effect in effects:
            if self.crash_chance and self.chance(self.crash_chance):
                self.crash(member)
                return
            self._do_one(member, effect)
        self._check_leases()

    def _do_one(self, member: Member, effect: Effect) -> None:
        match effect:
            case Write():
                member.disk.records.append(effect.record)
                if not member.syncing:
                    self._sync(member)
            case Send():
                if effect.after <= member.disk.durable - (member.disk.before - member.disk.cut):
                    self._transmit(member.number, effect.to, effect.message)
                else:
                    member.held.append(effect)
            case Apply():
                self._applied(member, effect)
            case Elected():
                self._reach("elected")
                if self.leaders.setdefault(effect.ballot, member.number) != member.number:
                    raise Violation(f"two leaders of {effect.ballot}")
            case Deposed():
                self._reach("deposed")
            case Lost():
                if effect.ticket not in member.pending:
                    raise Violation("a proposal was reported twice")
                del member.pending[effect.ticket]
                self._reach("lost")
            case TakeSnapshot():
                if effect.index != member.applied:
                    raise Violation("a snapshot of another state")
                self._save(member, Snapshot(effect.index, effect.members, member.state, 10), None)
            case Restore():
                self._reach("installed")
                self._save(member, effect.snapshot, effect.snapshot)
            case Cut():
                self._cut_when_durable(member, effect.record, member.incarnation)
            case Ready():
                pass

    def _sync(self, member: Member) -> None:
        member.syncing = True
        covered, incarnation = len(member.disk.records) + member.disk.cut, member.incarnation
        self.later(self.stream.integer(4 * MILLISECOND), self._synced, member, covered, incarnation)

    def _synced(self, member: Member, covered: int, incarnation: int) -> None:
        if member.replica is None or member.incarnation != incarnation:
            return
        disk = member.disk
        disk.durable = max(disk.durable, covered - disk.cut)
        member.syncing = False
        if len(disk.records) > disk.durable:
            self._sync(member)
        mine = disk.durable + disk.cut - disk.before
        ready = [send for send in member.held if send.after <= mine]
        member.held = [send for send in member.held if send.after > mine]
        for send in ready:
            self._transmit(member.number, send.to, send.message)
        self._do(member, member.replica.durable(mine, self.now))

    def _save(self, member: Member, snapshot: Snapshot, restored: Snapshot | None) -> None:
        self.later(self.stream.integer(20 * MILLISECOND), self._saved, member, snapshot, restored, member.incarnation)

    def _saved(self, member: Member, snapshot: Snapshot, restored: Snapshot | None, incarnation: int) -> None:
        if member.replica is None or member.incarnation != incarnation:
            return
        self._reach("snapshot")
        if member.disk.snapshot is None or snapshot.index > member.disk.snapshot.index:
            member.disk.snapshot = snapshot
        if restored is not None and restored.index > member.applied:
            member.state, member.applied = restored.image, restored.index
        self._do(member, member.replica.snapshot_saved(snapshot, self.now))

    def _cut_when_durable(self, member: Member, record: int, incarnation: int) -> None:
        disk = member.disk
        if member.replica is None or member.incarnation != incarnation:
            return
        if disk.durable + disk.cut - disk.before < record:
            self.later(MILLISECOND, self._cut_when_durable, member, record, incarnation)
            return
        # How many records lie before it now.
        dropped = disk.before + record - 1 - disk.cut
        del disk.records[:dropped]
        disk.durable -= dropped
        disk.cut += dropped

    # The network

    def _transmit(self, sender: int, to: int, message: Any) -> None:
        if sender in self.cut_off or to in self.cut_off or self.chance(self.loss):
            return
        for _ in range(2 if self.loss and self.chance(0.1) else 1):
            slow = self.loss and self.chance(0.05)
            delay_ns = self.stream.integer((400 if slow else 8) * MILLISECOND)
            self.later(delay_ns, self._deliver, sender, to, message)

    def _deliver(self, sender: int, to: int, message: Any) -> None:
        member = self.members[to]
        if member.replica is not None:
            self._do(member, member.replica.received(sender, message, self.now))

    # Load

    def propose(self, to: int) -> Any:
        """Propose a new value at a member."""
        self._next_value += 1
        value = f"v{self._next_value}"
        self.proposed[value] = None
        member = self.members[to]
        if member.replica is not None:
            member.pending[value] = None
            self._do(member, member.replica.propose(value, value, 100, self.now))
        return value

    def load(self, until_ns: int) -> None:
        if self.now < until_ns:
            self.propose(self.names[self.stream.integer(len(self.names))])
            self.later(self.stream.integer(6 * MILLISECOND), self.load, until_ns)

    # Checks

    def _applied(self, member: Member, effect: Apply) -> None:
        if effect.slot != member.applied + 1:
            raise Violation(f"slot {effect.slot} applied after {member.applied}")
        member.applied = effect.slot
        value = effect.value
        if self.chosen.setdefault(effect.slot, value) != value:
            raise Violation(f"slot {effect.slot}: {self.chosen[effect.slot]} and {value}")
        if not isinstance(value, Noop | Members):
            if value not in self.proposed:
                raise Violation(f"{value} was never proposed")
            member.state = (*member.state, value)
        if effect.ticket is not None:
            if effect.ticket != value or effect.ticket not in member.pending:
                raise Violation("an answer to another proposal, or a second one")
            del member.pending[effect.ticket]
            self.acknowledged[value] = None

    def _check_leases(self) -> None:
        holders = [
            member.number
            for member in self.members.values()
            if member.replica is not None and member.replica.lease_until_ns(self.now) > self.now
        ]
        if len(holders) > 1:
            raise Violation(f"members {holders} hold a lease at once")
        if holders:
            self._reach("lease")
            newest = max(self.chosen, default=0)
            holder = self.members[holders[0]]
            if any(slot > holder.applied for slot in (newest,)):
                raise Violation("a member with a lease lacks what was chosen")

    def _reach(self, what: str) -> None:
        self.reached[what] = self.reached.get(what, 0) + 1

    def finish(self, within_ns: int) -> None:
        """The adversary stops: a command proposed now must be applied everywhere within the time."""
        self.loss = self.crash_chance = 0.0
        self.cut_off.clear()
        end_ns = self.now + within_ns
        while self.now < end_ns:
            self.run(self.now + 100 * MILLISECOND)
            leader = next((m for m in self.members.values() if m.replica is not None and m.replica.is_leader), None)
            if leader is None:
                continue
            value = self.propose(leader.number)
            self.run(self.now + 200 * MILLISECOND)
            states = [member.state for member in self.members.values()]
            if all(value in state for state in states):
                if any(state != states[0] for state in states):
                    raise Violation("states differ")
                lost = [one for one in self.acknowledged if one not in states[0]]
                if lost:
                    raise Violation(f"acknowledged and gone: {lost}")
                return
        raise Violation("no progress")


def trial(seed: int, size: int = 3, seconds: int = 3, **strength: Any) -> Group:
    """One run under the adversary, checked to its end. Raises :class:`Violation`."""
    group = Group(seed, size, **strength)
    group.load(seconds * 1000 * MILLISECOND)
    group.run(seconds * 1000 * MILLISECOND)
    group.finish(20_000 * MILLISECOND)
    return group
