"""What the disks of a group's members hold for good, and which reads they allow, told as facts to whoever checks it.

Nobody in the group listens. The facts follow the disk's own word that a sync has ended, not what the protocol believes:
an oracle compares the two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from feitian_sim.kernel import Simulation
from feitian_sim.paxos import Record
from feitian_sim.paxos.acceptor import Acceptor
from feitian_sim.paxos.records import AcceptedSlots, Base, LearnedSlots, Promised
from feitian_sim.replog.facts import AcceptanceDurable, LearnedDurable, PromiseDurable, ReadAgain, ReadAllowed

#: Whoever wants one of these makes witnesses of the members.
WITNESSED = (AcceptanceDurable, LearnedDurable, PromiseDurable, ReadAgain, ReadAllowed)


class Texts:
    """The text of each value, made once for all members: they hold the very same objects."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        # With the value, which must stay alive as long as its identity names it.
        self._known: dict[int, tuple[Any, str]] = {}

    def of(self, value: Any) -> str:
        """The text of a value."""
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = (value, repr(value))
        return known[1]


class Witness:
    """Tells of one incarnation's records as they become durable."""

    __slots__ = ("_group", "_member", "_sim", "_texts", "_waiting")

    def __init__(self, sim: Simulation, group: str, member: int, texts: Texts) -> None:
        self._sim = sim
        self._group = group
        self._member = member
        self._texts = texts
        self._waiting: deque[Record] = deque()

    def written(self, record: Record) -> None:
        """A record has been handed to the disk."""
        self._waiting.append(record)

    def durable(self, count: int) -> None:
        """So many more of them are there for good."""
        for _ in range(count):
            self.tell(self._waiting.popleft())

    def read(self, on_ready: Callable[[], object]) -> Callable[[], None]:
        """``on_ready`` for a read that is asked now, which is told of when it is allowed."""
        asked_ns = self._sim.now

        def ready() -> None:
            self._sim.emit(ReadAllowed(self._group, self._member, asked_ns))
            on_ready()

        return ready

    def found_again(self, acceptor: Acceptor) -> None:
        """A restart has read its journal, in which there may be what the process before was never told of."""
        self._promised(acceptor.promised)
        for slot, entry in acceptor.log.accepted_from(acceptor.log.base + 1):
            ballot, text = entry.ballot, self._texts.of(entry.value)
            self._sim.emit(ReadAgain(self._group, self._member, slot, ballot.round, ballot.proposer, text))

    def tell(self, record: Record) -> None:
        """Say what a durable record says."""
        match record:
            case Promised():
                self._promised(record.ballot)
            case AcceptedSlots():
                self._accepted(enumerate(record.entries, record.first))
            case LearnedSlots():
                self._learned(enumerate(record.entries, record.first))
            case Base():
                self._promised(record.promised)
                # Below what is chosen there may be what was learned, and never accepted here under its ballot.
                self._accepted(entry for entry in record.entries if entry[0] > record.chosen)
                self._learned(entry for entry in record.entries if entry[0] <= record.chosen)

    def _promised(self, ballot: Any) -> None:
        self._sim.emit(PromiseDurable(self._group, self._member, ballot.round, ballot.proposer))

    def _accepted(self, entries: Any) -> None:
        for slot, (ballot, value, _) in entries:
            text = self._texts.of(value)
            self._sim.emit(AcceptanceDurable(self._group, self._member, slot, ballot.round, ballot.proposer, text))

    def _learned(self, entries: Any) -> None:
        for slot, entry in entries:
            self._sim.emit(LearnedDurable(self._group, self._member, slot, self._texts.of(entry.value)))
