"""One member of a replicated log on its machine: makes the replica's effects happen (:mod:`feitian_sim.paxos`).

Messages go by Kuafu, records to a journal on a disk. What rests on a record leaves when the record is durable. Each
command costs the leader's processor before it is proposed and the others' before it is accepted; a restart reads the
snapshot and the journal from the disk and pays for each command before it takes part again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from feitian_sim.hardware import DataCenter, Disk
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu import Endpoint, Need
from feitian_sim.paxos import (
    MESSAGES,
    Apply,
    Cut,
    Deposed,
    Effect,
    Elected,
    Lost,
    Members,
    Noop,
    Ready,
    Replica,
    Restore,
    Send,
    Snapshot,
    TakeSnapshot,
    Write,
    founding_record,
)
from feitian_sim.replog.config import ReplogConfig
from feitian_sim.replog.facts import (
    Applied,
    BatchDurable,
    GroupFounded,
    LeaderDeposed,
    LeaderElected,
    MemberBlank,
    MemberRecovered,
    MembersChanged,
    SnapshotSaved,
)
from feitian_sim.replog.group import Group
from feitian_sim.replog.member_time import TimedMember
from feitian_sim.replog.stable_store import StableStore
from feitian_sim.replog.witness import WITNESSED, Witness

#: Who may take part: which group it is, and that the sender is a member, the group itself sees to.
_MEMBERS = Need("call", "replog://cell/members")
#: What a member says that reads its log.
RECOVERING = "this member reads its log"


class StateMachine(Protocol):
    """What is replicated. Deterministic: the same commands give the same state and results everywhere."""

    def apply(self, index: int, command: Any) -> Any:
        """Take the next command in; the result goes to its proposer."""
        ...

    def image(self) -> tuple[Any, int]:
        """A copy of the state that later commands do not change, and its size in bytes."""
        ...

    def restore(self, image: Any) -> None:
        """Become what an image says."""
        ...


class ReplicatedLog(TimedMember):
    """One incarnation of one member. ``on_lead(epoch)`` and ``on_follow()`` are lists of callbacks.

    Leases and patience are measured by the monotonic reading of the machine's own clock.
    """

    __slots__ = (
        "_cpu",
        "_doing",
        "_endpoint",
        "_held",
        "_proposals",
        "_sim",
        "_store",
        "_witness",
        "on_follow",
        "on_lead",
        "state",
    )

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        owner: Owner,
        endpoint: Endpoint,
        disk: Disk,
        group: Group,
        me: int,
        state: StateMachine,
        config: ReplogConfig,
        *,
        newcomer: bool = False,
    ) -> None:
        super().__init__(sim, datacenter, owner, endpoint.machine, group, me, config)
        self._sim = sim
        self._endpoint = endpoint
        self._cpu = self.machine.cpu
        self._proposals: deque[tuple[Any, Any, int]] = deque()
        self.state = state
        self.on_lead: list[Callable[[int], object]] = []
        self.on_follow: list[Callable[[], object]] = []
        self._held: list[Send] = []
        # The effects that are happening just now.
        self._doing: list[Effect] | None = None
        self._store = StableStore(sim, owner, disk, f"{group.name}/{me}", self._durable, self._synced)
        self._witness: Witness | None = None
        if any(map(sim.facts.wants, WITNESSED)):
            self._witness = Witness(sim, group.name, me, group.texts)
            sim.emit(GroupFounded(group.name, len(group.members)))
        for message in MESSAGES:
            endpoint.hear(message, self._hear, _MEMBERS)
        owner.on_death(self._died)
        datacenter.on_change(self._review)
        self._clock.on_change(owner, self._clock_changed)
        self._begin(newcomer)

    # The beginning

    def _begin(self, newcomer: bool) -> None:
        group = self._group
        founding = self._sim.now == 0 and not newcomer and self._store.is_empty
        blank = self._store.was_damaged or (self._store.is_empty and not newcomer and not founding)
        if founding:
            self._store.found((founding_record(group.members, group.first_leader),))
        elif newcomer and self._store.is_empty and not blank:
            self._store.found((founding_record(()),))
        if blank:
            self._sim.emit(MemberBlank(group.name, self.me))
        records, snapshot = self._store.kept()
        self.replica = Replica(
            self.me,
            self.config,
            group.members,
            self._clock.monotonic_ns,
            records,
            snapshot,
            first_leader=group.first_leader if founding else None,
        )
        if founding or newcomer or blank:
            self._start(0, self._sim.now, fresh=True)
            return
        size_bytes = sum(record.size_bytes for record in records) + (snapshot.size_bytes if snapshot is not None else 0)
        self._store.disk.read(size_bytes, self._owner, self._read_back, self._sim.now)

    def _read_back(self, since_ns: int) -> None:
        # What the process before had written and not synced may be there; it counts once it is durable.
        self._store.sync_kept(self._replay, since_ns)

    def _replay(self, since_ns: int) -> None:
        if self._witness is not None:
            self._witness.found_again(self.replica.acceptor)
        commands = self.replica.chosen - self.replica.base
        self._cpu.submit(commands * self.config.replay_cpu, self._owner, self._start, commands, since_ns)

    def _start(self, commands: int, since_ns: int, fresh: bool = False) -> None:
        self.ready = True
        self._group.running[self.me] = self
        snapshot = self._store.snapshot
        if snapshot is not None:
            self.state.restore(snapshot.image)
        if not fresh:
            index = self.replica.base
            self._sim.emit(MemberRecovered(self._group.name, self.me, index, commands, self._sim.now - since_ns))
        self._do(self.replica.start(self._clock.monotonic_ns, self._elections.uniform()))
        self._review_group()

    def _died(self) -> None:
        if self._group.running.get(self.me) is self:
            del self._group.running[self.me]
            self._wake_up()
            self._review_group()

    # What is asked here

    @property
    def is_leader(self) -> bool:
        """Whether it leads and has applied everything chosen before its reign."""
        return self.ready and self.replica.is_leader

    @property
    def leader(self) -> int | None:
        """Whom it believes to lead."""
        return self.replica.leader

    @property
    def epoch(self) -> int:
        """Grows with every leader: a fencing token."""
        return self.replica.ballot.number

    @property
    def applied(self) -> int:
        """Slots applied."""
        return self.replica.chosen

    @property
    def lease_until_ns(self) -> int:
        """Until when, by its machine's clock, it may answer from its own state; at most the present when it may not."""
        self._renew_quietly()
        return self.replica.lease_until_ns(self._clock.monotonic_ns)

    def propose(
        self, command: Any, size_bytes: int, on_result: Callable[[Any], object], on_lost: Callable[[str], object]
    ) -> None:
        """Have a command chosen and applied; one of the callbacks is called, once."""
        if not self.is_leader:
            on_lost(RECOVERING if not self.ready else "this member does not lead")
            return
        cost_ns = self.config.propose_cpu + (len(self.replica.members) - 1) * self.config.send_cpu
        # Of two that are worked on by two cores, the first must stay the first: the second may rest on it.
        self._proposals.append(((on_result, on_lost), command, size_bytes))
        self._cpu.submit(cost_ns, self._owner, self._propose)

    def _propose(self) -> None:
        ticket, command, size_bytes = self._proposals.popleft()
        self._do(self.replica.propose(ticket, command, size_bytes, self._clock.monotonic_ns))

    def read(self, on_ready: Callable[[], object], on_lost: Callable[[str], object]) -> None:
        """Call ``on_ready`` when the state here is the newest: at once under the lease, else after a round."""
        if not self.ready:
            on_lost(RECOVERING)
            return
        self._renew_quietly()
        if self._witness is not None:
            on_ready = self._witness.read(on_ready)
        self._do(self.replica.read((on_ready, on_lost), self._clock.monotonic_ns))

    def change_members(
        self, members: tuple[int, ...], on_result: Callable[[Any], object], on_lost: Callable[[str], object]
    ) -> None:
        """Have the members changed, by one; a newcomer's address must be known to the group."""
        self._renew_quietly()
        self._do(self.replica.change_members((on_result, on_lost), members, self._clock.monotonic_ns))
        self._wake_up()

    def campaign(self) -> None:
        """Stand for election now."""
        if self.ready:
            self._stir()
            self._do(self.replica.campaign(self._clock.monotonic_ns))

    def resign(self) -> None:
        """Lead no longer."""
        if self.ready:
            self._wake_up()
            self._do(self.replica.resign(self._clock.monotonic_ns))

    # What comes in

    def _hear(self, sender: str, message: Any) -> None:
        number = self._group.number_of(sender)
        if number is None or not self.ready:
            return
        commands = len(getattr(message, "values", ()))
        # The first is part of taking the message in.
        if commands > 1 and self.config.accept_cpu:
            cost_ns = (commands - 1) * self.config.accept_cpu
            self._cpu.submit(cost_ns, self._owner, self._take_in, number, message)
        else:
            self._take_in(number, message)

    def _take_in(self, sender: int, message: Any) -> None:
        self._stir(sender)
        self._do(self.replica.received(sender, message, self._clock.monotonic_ns))

    def _durable(self, count: int) -> None:
        held, self._held = self._held, []
        for send in held:
            if send.after <= count:
                self._endpoint.tell(self._group.addresses[send.to], send.message)
            else:
                self._held.append(send)
        self._do(self.replica.durable(count, self._clock.monotonic_ns))

    def _synced(self, records: int, since_ns: int) -> None:
        if self._witness is not None:
            self._witness.durable(records)
        if self._sim.facts.wants(BatchDurable):
            self._sim.emit(BatchDurable(self._group.name, self.me, records, self._sim.now - since_ns))

    # What is to be done

    def _do(self, effects: list[Effect]) -> None:
        if self._doing is not None:
            # Whoever was called asks for more: that comes after, or a read would see half of what the replica has chosen.
            self._doing += effects
            return
        self._doing = effects
        for effect in effects:
            kind = type(effect)
            if kind is Send:
                if effect.after <= self._store.durable:  # type: ignore[union-attr]
                    self._endpoint.tell(self._group.addresses[effect.to], effect.message)  # type: ignore[union-attr]
                else:
                    self._held.append(effect)  # type: ignore[arg-type]
            elif kind is Apply:
                self._apply(effect)  # type: ignore[arg-type]
            elif kind is Write:
                self._store.write(effect.record)  # type: ignore[union-attr, arg-type]
                if self._witness is not None:
                    self._witness.written(effect.record)  # type: ignore[union-attr, arg-type]
            else:
                self._do_rarely(effect)
            if not self._owner.alive:
                return
        self._doing = None
        if self._store.written != self._store.durable:
            self._store.sync()
        self._arm()

    def _do_rarely(self, effect: Effect) -> None:
        match effect:
            case Ready():
                effect.ticket[0]()
            case Lost():
                effect.ticket[1](effect.reason)
            case Elected():
                self._sim.emit(LeaderElected(self._group.name, self.me, effect.ballot.number))
                for lead in self.on_lead:
                    lead(effect.ballot.number)
            case Deposed():
                # Nobody sends the beats any more that the others take for sent.
                self._wake_up()
                self._sim.emit(LeaderDeposed(self._group.name, self.me, effect.ballot.number))
                for follow in self.on_follow:
                    follow()
            case TakeSnapshot():
                image, size_bytes = self.state.image()
                self._store.save(Snapshot(effect.index, effect.members, image, size_bytes), self._saved)
            case Restore():
                self._store.save(effect.snapshot, self._installed)
            case Cut():
                self._store.cut_before(effect.record)

    def _apply(self, effect: Apply) -> None:
        value, ticket = effect.value, effect.ticket
        result = None
        if isinstance(value, Members):
            text = ",".join(map(str, value.members))
            self._sim.emit(MembersChanged(self._group.name, self.me, effect.slot, text))
        elif not isinstance(value, Noop):
            result = self.state.apply(effect.slot, value)
        if self._sim.facts.wants(Applied):
            self._sim.emit(Applied(self._group.name, self.me, effect.slot, self._group.texts.of(value)))
        if ticket is not None:
            ticket[0](result)

    def _saved(self, snapshot: Snapshot) -> None:
        self._sim.emit(SnapshotSaved(self._group.name, self.me, snapshot.index, snapshot.size_bytes, False))
        self._do(self.replica.snapshot_saved(snapshot, self._clock.monotonic_ns))

    def _installed(self, snapshot: Snapshot) -> None:
        if snapshot.index > self.replica.chosen:
            self.state.restore(snapshot.image)
        self._sim.emit(SnapshotSaved(self._group.name, self.me, snapshot.index, snapshot.size_bytes, True))
        self._do(self.replica.snapshot_saved(snapshot, self._clock.monotonic_ns))
