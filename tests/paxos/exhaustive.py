"""Every behaviour of a small group: three replicas, two proposals, a crash, and so many elections.

The network is the set of all messages ever sent: each may arrive at any time, any number of times, or never, which is
loss, doubling and reordering at once. Time has no part in it: between any two events more of it passes than any lease
or patience lasts, so that nobody is ever bound to a leader. What remains is the core: ballots, promises, acceptances,
what is durable and what is chosen.

A member's transitions depend on its own state and the event alone, so each is computed once, on the real replica; the
search itself goes over tuples of numbers.
"""

from __future__ import annotations

import pickle
from collections import deque
from dataclasses import replace
from typing import Any, NamedTuple

from feitian_sim.kernel import SECOND
from feitian_sim.paxos import (
    Apply,
    Lost,
    PaxosConfig,
    Replica,
    Send,
    Write,
    founding_record,
)
from feitian_sim.paxos.messages import HeartbeatSeen
from feitian_sim.paxos.records import AcceptedSlots, Base, LearnedSlots

CONFIG = PaxosConfig()
_SKIPPED = ("config", "_config", "_handlers", "out", "resent", "snapshot")
_SHARED = ("_core", "_learner", "_role", "_follower", "_write")


class State(NamedTuple):
    """The whole group: the members' states by number, what was ever sent, what may still happen, what is decided."""

    members: tuple[int, ...]
    sent: int
    elections: int
    crashes: int
    proposals: tuple[str, ...]
    decided: tuple[Any, ...]


class Local:
    """One member: its replica, its disk, and what waits for the disk."""

    def __init__(self, replica: Replica, records: list[Any], durable: int, before: int, now_ns: int) -> None:
        self.replica = replica
        self.records = records
        self.durable = durable
        self.before = before
        self.now_ns = now_ns
        self.held: list[Send] = []
        self.applied: list[tuple[int, Any]] = []

    def key(self) -> Any:
        """What its behaviour depends on: everything but the time."""
        parts = tuple(_frozen(getattr(self.replica, name), top=True) for name in ("_core", "_learner", "_role"))
        return (parts, repr(self.records), self.durable, self.before, repr(self.held), repr(self.applied))


def _frozen(thing: Any, *, top: bool = False) -> Any:
    """Slotted objects as nested tuples, without times."""
    if isinstance(thing, list | deque):
        return tuple(_frozen(one) for one in thing)
    slots = getattr(type(thing), "__slots__", None)
    if not isinstance(slots, tuple) or isinstance(thing, tuple):
        if isinstance(thing, dict):
            return repr(sorted(thing.items()))
        return repr(thing)
    names = [name for name in slots if not name.endswith("_ns") and name not in _SKIPPED]
    return tuple(
        (name, _frozen(getattr(thing, name)))
        for name in names
        if not (name in _SHARED or (name == "_core" and not top)) and name not in ("lease", "patience", "reads")
    )


class Search:
    """All states that can be reached; ``run`` raises AssertionError where one must not be."""

    def __init__(
        self, *, elections: int, crashes: int, proposals: tuple[str, ...], lost: tuple[type, ...] = (), candidate: int = 1
    ) -> None:
        """``lost``: kinds of messages that never arrive, which leaves fewer behaviours and allows none that is new.

        ``candidate``: the one that stands for election.
        """
        self._lost = (HeartbeatSeen, *lost)
        self._candidate = candidate
        self._locals: list[bytes] = []
        self._applied: list[tuple[tuple[int, Any], ...]] = []
        self._disks: list[dict[int, Any]] = []
        self._numbers: dict[Any, int] = {}
        self._messages: list[tuple[int, int, Any]] = []
        self._message_numbers: dict[str, int] = {}
        self._cache: dict[tuple[int, Any], tuple[int, int] | None] = {}
        self.states = 0
        first, sent = [], 0
        for number in range(3):
            record = founding_record((0, 1, 2), 0)
            local = Local(Replica(number, CONFIG, (0, 1, 2), 0, [record], first_leader=0), [record], 1, 1, 0)
            sent |= self._do(number, local, local.replica.start(0, 0.5))
            first.append(self._enter(local))
        self._start = State(tuple(first), sent, elections, crashes, proposals, ())

    @property
    def member_states(self) -> int:
        """Different states of single members."""
        return len(self._locals)

    def run(self, limit: int) -> None:
        """Visit every state, or fail when there are more than ``limit``."""
        start = self._decide(self._start)
        seen = {start}
        todo = [start]
        while todo:
            state = todo.pop()
            for after in self._after(state):
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
            assert len(seen) <= limit, f"more than {limit} states"
        self.states = len(seen)

    # One step

    def _after(self, state: State) -> list[State]:
        found: list[State] = []
        rest, index = state.sent, 0
        while rest:
            if rest & 1:
                to = self._messages[index][1]
                self._step(found, state, to, ("hears", index))
            rest >>= 1
            index += 1
        for number in range(3):
            self._step(found, state, number, ("syncs",))
            if state.elections and number == self._candidate:
                self._step(found, state, number, ("wakes",), elections=state.elections - 1)
            if state.crashes:
                for kept in range(3):
                    self._step(found, state, number, ("crashes", kept), crashes=state.crashes - 1)
            if state.proposals:
                asked, others = state.proposals[0], state.proposals[1:]
                self._step(found, state, number, ("is asked", asked), proposals=others)
        return found

    def _step(self, found: list[State], state: State, number: int, event: tuple[Any, ...], **less: Any) -> None:
        before = state.members[number]
        key = (before, (number, *event))
        if key not in self._cache:
            self._cache[key] = self._computed(before, number, event)
        step = self._cache[key]
        if step is None:
            return
        local, sent = step
        members = (*state.members[:number], local, *state.members[number + 1 :])
        after = state._replace(members=members, sent=state.sent | sent, **less)
        if after != state:
            found.append(self._decide(after) if local != before else after)

    def _decide(self, state: State) -> State:
        """Take down what the members have applied: it must be one value a slot, for all time, and on a quorum's disks."""
        decided = dict(state.decided)
        for number in state.members:
            for slot, value in self._applied[number]:
                if slot in decided:
                    assert decided[slot] == value, f"slot {slot}: {decided[slot]} and {value}"
                    continue
                decided[slot] = value
                holders = sum(1 for other in state.members if self._disks[other].get(slot) == value)
                assert holders >= 2, f"slot {slot} is decided and durable at {holders}"
        return state if len(decided) == len(state.decided) else state._replace(decided=tuple(sorted(decided.items())))

    # One member's step, on the real replica

    def _computed(self, before: int, number: int, event: tuple[Any, ...]) -> tuple[int, int] | None:
        local: Local = pickle.loads(self._locals[before])
        local.now_ns += 10 * SECOND
        sent = 0
        match event:
            case ("hears", index):
                sender, _, message = self._messages[index]
                sent = self._do(number, local, local.replica.received(sender, message, local.now_ns))
            case ("syncs",):
                if local.durable == len(local.records):
                    return None
                local.durable = len(local.records)
                held, local.held = local.held, []
                sent = self._do(number, local, held)
                sent |= self._do(number, local, local.replica.durable(local.durable - local.before, local.now_ns))
            case ("wakes",):
                if local.replica.next_wake_ns is None:
                    return None
                sent = self._do(number, local, local.replica.woken(local.now_ns, 0.5))
            case ("is asked", value):
                if not local.replica.is_leader:
                    return None
                sent = self._do(number, local, local.replica.propose(value, value, 1, local.now_ns))
            case ("crashes", kept):
                if local.durable + kept > len(local.records):
                    return None
                records = local.records[: local.durable + kept]
                replica = Replica(number, CONFIG, (0, 1, 2), local.now_ns, records)
                local = Local(replica, records, len(records), len(records), local.now_ns)
                sent = self._do(number, local, replica.start(local.now_ns, 0.5))
        return self._enter(local), sent

    def _do(self, number: int, local: Local, effects: Any) -> int:
        sent = 0
        for effect in effects:
            match effect:
                case Write():
                    local.records.append(effect.record)
                case Send() if isinstance(effect.message, self._lost):
                    pass
                case Send() if effect.after > local.durable - local.before:
                    # The network is a set: what waits twice arrives no more than what waits once.
                    waits = Send(effect.to, _timeless(effect.message), effect.after)
                    if not any((one.to, one.message) == (waits.to, waits.message) for one in local.held):
                        local.held.append(waits)
                case Send() if not isinstance(effect.message, self._lost):
                    sent |= 1 << self._message_number(number, effect.to, _timeless(effect.message))
                case Apply():
                    local.applied.append((effect.slot, repr(effect.value)))
                case Lost():
                    pass
        return sent

    def _message_number(self, sender: int, to: int, message: Any) -> int:
        text = f"{sender} {to} {message}"
        if text not in self._message_numbers:
            self._message_numbers[text] = len(self._messages)
            self._messages.append((sender, to, message))
        return self._message_numbers[text]

    def _enter(self, local: Local) -> int:
        key = local.key()
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._locals)
            self._locals.append(pickle.dumps(local))
            self._applied.append(tuple(local.applied))
            self._disks.append(_durable_values(local.records[: local.durable]))
        return number


def _timeless(message: Any) -> Any:
    return replace(message, sent_ns=0) if hasattr(message, "sent_ns") else message


def _durable_values(records: list[Any]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for record in records:
        if isinstance(record, AcceptedSlots | LearnedSlots):
            found.update((slot, repr(entry.value)) for slot, entry in enumerate(record.entries, record.first))
        elif isinstance(record, Base):
            found.update((slot, repr(entry.value)) for slot, entry in record.entries)
    return found
