"""What a replica wants done: returned by it, in order, carried out by its driver.

A :class:`Send` names how many of the replica's records must be durable before it may leave; since the replica says so
itself with each one, no driver can send an answer that its disk does not keep yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.messages import Message, Snapshot
from feitian_sim.paxos.records import Record


class Write(NamedTuple):
    """Append a record to the journal and sync it; ``Replica.durable`` is told when it is there."""

    record: Record


class Send(NamedTuple):
    """Send ``message`` to a member, not before the first ``after`` records of this incarnation are durable."""

    to: int
    message: Message
    after: int


class Apply(NamedTuple):
    """Slot ``slot`` is chosen and next: apply its value. ``ticket``: of the proposal made here, None for others'.

    Values that the state machine does not see (no-ops, members) come too, for their tickets. ``ballot``: under which
    the value was accepted here.
    """

    slot: int
    ballot: Ballot
    value: Any
    ticket: Any


class Lost(NamedTuple):
    """What was proposed or asked under this ticket has no known outcome here."""

    ticket: Any
    reason: str


class Ready(NamedTuple):
    """The read with this ticket may be answered from the state machine as it is now."""

    ticket: Any


class Elected(NamedTuple):
    """This member leads, and has applied everything that was chosen before its reign."""

    ballot: Ballot


class Deposed(NamedTuple):
    """This member, of whom :class:`Elected` was said, leads no longer."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Save the state machine as it is now, after slot ``index``; then tell ``Replica.snapshot_saved``."""

    index: int
    members: tuple[int, ...]


class Restore(NamedTuple):
    """Save this snapshot, and when it is durable put it in the place of the state; then tell ``snapshot_saved``."""

    snapshot: Snapshot


class Cut(NamedTuple):
    """Records before number ``record`` of this incarnation (counted from 1) are not needed once that one is durable."""

    record: int


Effect = Write | Send | Apply | Lost | Ready | Elected | Deposed | TakeSnapshot | Restore | Cut
