"""A stage: replicas driven by hand, one event after the other, and a transcript of what they say and do.

Nothing happens by itself: time passes, messages arrive and disks sync when the story says so. A line of the transcript
is one thing done by the story (``*``) or by a member.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from feitian_sim.kernel import MILLISECOND
from feitian_sim.paxos import (
    Apply,
    Ballot,
    Base,
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
    founding_record,
)
from feitian_sim.paxos.messages import PreVote
from feitian_sim.paxos.records import AcceptedSlots, LearnedSlots, Promised

CONFIG = PaxosConfig(snapshot_every=1000)


class Actor:
    """One member on the stage."""

    def __init__(self, number: int, members: tuple[int, ...], first_leader: int | None) -> None:
        self.number = number
        self.records: list[Any] = [founding_record(members, first_leader)]
        self.durable = 1
        self.before = 1
        self.snapshot: Snapshot | None = None
        self.saving: list[Snapshot] = []
        self.replica: Replica | None = None
        self.held: list[Send] = []
        self.applied: list[tuple[int, Any]] = []


class Stage:
    """``size`` members; with a ``first_leader``, in its reign."""

    def __init__(self, size: int = 3, *, first_leader: int | None = 0, config: PaxosConfig = CONFIG) -> None:
        self.config = config
        self.founders = tuple(range(size))
        self.now = 0
        self.lines: list[str] = []
        # What is under way, in the order of sending: (from, to, message).
        self.wire: deque[tuple[int, int, Any]] = deque()
        self.actors = {number: Actor(number, self.founders, first_leader) for number in self.founders}
        self.chosen: dict[int, Any] = {}
        for number in self.founders:
            self._boot(number, first_leader)

    @property
    def text(self) -> str:
        """The transcript so far."""
        return "\n".join(self.lines) + "\n"

    def replica(self, number: int) -> Replica:
        """One member's replica."""
        replica = self.actors[number].replica
        assert replica is not None, f"{number} is down"
        return replica

    def tell(self, line: str) -> None:
        """A line between the lines."""
        self.lines += ["", f"# {line}"]

    # The story's hand

    def wait(self, milliseconds: int) -> None:
        """Time passes."""
        self.now += milliseconds * MILLISECOND
        self._act(f"{milliseconds} ms pass")

    def wake(self, number: int, uniform: float = 0.5) -> None:
        """A member's timer goes off."""
        self._act(f"{number} wakes")
        self._do(number, self.replica(number).woken(self.now, uniform))

    def stand(self, number: int, uniform: float = 0.5) -> None:
        """A member waits as long as it bears, and stands for election."""
        for _ in range(4):
            due_ns = self.replica(number).next_wake_ns
            assert due_ns is not None, f"{number} does not stand"
            self.wait(max(0, -((self.now - due_ns) // MILLISECOND)))
            self.wake(number, uniform)
            if any(one[0] == number and isinstance(one[2], PreVote) for one in self.wire):
                return
        raise AssertionError(f"{number} does not stand")

    def propose(self, number: int, value: str) -> None:
        """A member is asked to have a value chosen."""
        self._act(f"{number} is asked for {value}")
        self._do(number, self.replica(number).propose(value, value, 100, self.now))

    def read(self, number: int, ticket: str) -> None:
        """A member is asked for a read."""
        self._act(f"{number} is asked to read ({ticket})")
        self._do(number, self.replica(number).read(ticket, self.now))

    def change(self, number: int, *members: int) -> None:
        """A member is asked to change the members."""
        self._act(f"{number} is asked for members {members}")
        self._do(number, self.replica(number).change_members(f"members {members}", members, self.now))

    def campaign(self, number: int) -> None:
        """A member is told to stand."""
        self._act(f"{number} is told to stand")
        self._do(number, self.replica(number).campaign(self.now))

    def resign(self, number: int) -> None:
        """A member is told to resign."""
        self._act(f"{number} is told to resign")
        self._do(number, self.replica(number).resign(self.now))

    def sync(self, number: int) -> None:
        """A member's disk has synced whatever was written."""
        actor = self.actors[number]
        if actor.durable == len(actor.records):
            return
        actor.durable = len(actor.records)
        mine = actor.durable - actor.before
        self._act(f"{number} has synced {mine} records")
        held, actor.held = actor.held, []
        for send in held:
            self._do(number, [send])
        self._do(number, self.replica(number).durable(mine, self.now))

    def save(self, number: int) -> None:
        """A member's snapshot is durable."""
        actor = self.actors[number]
        for snapshot in actor.saving:
            actor.snapshot = snapshot
            self._act(f"{number} has saved the snapshot of {snapshot.index}")
            if snapshot.index > self.replica(number).chosen:
                actor.applied = list(snapshot.image)
            self._do(number, self.replica(number).snapshot_saved(snapshot, self.now))
        actor.saving = []

    def deliver(self, sender: int, to: int, *, kind: type | None = None, twice: bool = False) -> None:
        """The oldest message from one to another (of a kind) arrives, and stays under way if it comes ``twice``."""
        found = next(
            (one for one in self.wire if one[:2] == (sender, to) and (kind is None or isinstance(one[2], kind))), None
        )
        assert found is not None, f"nothing is under way from {sender} to {to}"
        if not twice:
            self.wire.remove(found)
        self._arrive(*found)

    def lose(self, sender: int | None = None, to: int | None = None) -> None:
        """What is under way (from one, to one) is lost."""
        rest = [
            one for one in self.wire if (sender is not None and one[0] != sender) or (to is not None and one[1] != to)
        ]
        if len(rest) < len(self.wire):
            self._act(f"{len(self.wire) - len(rest)} messages are lost")
        self.wire = deque(rest)

    def settle(self, *without: int) -> None:
        """Everything arrives in order and every disk syncs, until nothing is under way; some hear and say nothing."""
        while self.wire or any(a.durable < len(a.records) for a in self.actors.values() if a.number not in without):
            if self.wire:
                sender, to, message = self.wire.popleft()
                if sender not in without and to not in without:
                    self._arrive(sender, to, message)
                continue
            for number in self.actors:
                if number not in without and self.actors[number].replica is not None:
                    self.sync(number)

    def beats(self, number: int, milliseconds: int, *without: int) -> None:
        """A leader's heart beats for some time, and everything settles."""
        end_ns = self.now + milliseconds * MILLISECOND
        while self.now < end_ns:
            self.wait(self.config.heartbeat // MILLISECOND)
            self.wake(number)
            self.settle(*without)

    def crash(self, number: int) -> None:
        """A machine crashes: what was not synced is gone."""
        actor = self.actors[number]
        self._act(f"{number} crashes, {len(actor.records) - actor.durable} records not synced")
        del actor.records[actor.durable :]
        actor.replica, actor.held, actor.saving = None, [], []

    def lose_disk(self, number: int) -> None:
        """A machine crashes and its disk is gone."""
        actor = self.actors[number]
        self._act(f"{number} loses its disk")
        actor.records, actor.durable, actor.snapshot, actor.replica = [], 0, None, None
        actor.held, actor.saving = [], []

    def restart(self, number: int) -> None:
        """A member begins anew with what its disk kept."""
        self._act(f"{number} restarts")
        self._boot(number, None)

    def newcomer(self, number: int) -> None:
        """A machine that was no member begins."""
        self._act(f"{number} begins, a newcomer")
        self.actors[number] = Actor(number, (), None)
        self._boot(number, None)

    # The stage's machinery

    def _boot(self, number: int, first_leader: int | None) -> None:
        actor = self.actors[number]
        actor.before = len(actor.records)
        actor.applied = list(actor.snapshot.image) if actor.snapshot is not None else []
        actor.replica = Replica(
            number, self.config, self.founders, self.now, list(actor.records), actor.snapshot, first_leader=first_leader
        )
        self._do(number, actor.replica.start(self.now, 0.5))

    def _act(self, what: str) -> None:
        self.lines.append(f"{self.now / MILLISECOND:7.1f} * {what}")

    def _line(self, number: int, what: str) -> None:
        self.lines.append(f"{self.now / MILLISECOND:7.1f}   {number} {what}")

    def _arrive(self, sender: int, to: int, message: Any) -> None:
        replica = self.actors[to].replica
        if replica is not None:
            self._line(to, f"hears from {sender}: {_text(message)}")
            self._do(to, replica.received(sender, message, self.now))

    def _do(self, number: int, effects: list[Effect]) -> None:
        actor = self.actors[number]
        for effect in effects:
            match effect:
                case Write():
                    actor.records.append(effect.record)
                    self._line(number, f"writes {_text(effect.record)}")
                case Send() if effect.after <= actor.durable - actor.before:
                    self.wire.append((number, effect.to, effect.message))
                    self._line(number, f"-> {effect.to} {_text(effect.message)}")
                case Send():
                    actor.held.append(effect)
                case Apply():
                    self._applied(actor, effect)
                case Elected():
                    self._line(number, f"leads under {_ballot(effect.ballot)}")
                case Deposed():
                    self._line(number, f"leads no longer under {_ballot(effect.ballot)}")
                case Lost():
                    self._line(number, f"lost: {effect.ticket} ({effect.reason})")
                case Ready():
                    self._line(number, f"may answer: {effect.ticket}")
                case TakeSnapshot():
                    self._line(number, f"takes a snapshot of {effect.index}")
                    actor.saving.append(Snapshot(effect.index, effect.members, tuple(actor.applied), 100))
                case Restore():
                    self._line(number, f"puts the snapshot of {effect.snapshot.index} in place")
                    actor.saving.append(effect.snapshot)
                case Cut():
                    self._line(number, "needs no earlier record")

    def _applied(self, actor: Actor, effect: Apply) -> None:
        told = f", told to {effect.ticket}" if effect.ticket is not None else ""
        self._line(actor.number, f"applies {effect.slot} = {_value(effect.value)}{told}")
        assert self.chosen.setdefault(effect.slot, effect.value) == effect.value, f"two values in slot {effect.slot}"
        actor.applied.append((effect.slot, effect.value))


def _ballot(ballot: Ballot) -> str:
    return f"{ballot.round}.{ballot.proposer}" if ballot.round else "none"


def _value(value: Any) -> str:
    if isinstance(value, Noop):
        return "no-op"
    if isinstance(value, Members):
        return f"members {','.join(map(str, value.members))}"
    return str(value)


def _entries(first: int, entries: Any) -> str:
    return " ".join(f"{slot}={_value(entry.value)}@{_ballot(entry.ballot)}" for slot, entry in enumerate(entries, first))


def _text(thing: Any) -> str:
    """A message or a record in a few words: its name, then its fields."""
    name = type(thing).__name__
    match thing:
        case AcceptedSlots() | LearnedSlots():
            return f"{name} {_entries(thing.first, thing.entries)}"
        case Promised():
            return f"{name} {_ballot(thing.ballot)}"
        case Base():
            return f"{name} {thing.index}, promised {_ballot(thing.promised)}{'' if thing.voter else ', votes no more'}"
    words = []
    for field in thing.__slots__:
        value = getattr(thing, field)
        match field:
            case "ballot" | "promised":
                words.append(f"{'' if field == 'ballot' else 'promised '}{_ballot(value)}")
            case "values":
                words.append(" ".join(f"{slot}={_value(one)}" for slot, (one, _) in enumerate(value, thing.first)))
            case "entries" if value and isinstance(value[0][0], int):
                words.append(" ".join(f"{slot}={_value(one.value)}@{_ballot(one.ballot)}" for slot, one in value))
            case "entries":
                words.append(_entries(getattr(thing, "first", 0), value) or "nothing")
            case "snapshot":
                words.append(f"of {value.index}")
            case "granted":
                words.append("yes" if value else "no")
            case "bound":
                words += [] if value else ["not bound"]
            case "sent_ns":
                pass
            case "first" if hasattr(thing, "values"):
                pass
            case _:
                words.append(f"{field} {value}")
    return f"{name} {', '.join(words)}"
