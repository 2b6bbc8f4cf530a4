"""What members tell each other. Every message is one-way; the answer is another message, which may be lost too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feitian_sim.kernel import record
from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.values import Entry

#: Headers and fixed fields.
HEADER_BYTES = 96


class _Small:
    """A message without values."""

    __slots__ = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return HEADER_BYTES


@record
class PreVote(_Small):
    """Would you promise ``ballot``, if I asked? ``chosen``: how far the asker knows the log."""

    ballot: Ballot
    chosen: int


@record
class PreVoted(_Small):
    """An answer to :class:`PreVote`; ``promised`` is what the member is bound to."""

    ballot: Ballot
    granted: bool
    promised: Ballot


@record
class Prepare(_Small):
    """Phase 1a: promise ``ballot``, and tell what you accepted from slot ``first`` on."""

    ballot: Ballot
    first: int


@record
class Promise:
    """Phase 1b: I accept nothing below ``ballot`` any more; ``entries`` are what I accepted, by slot."""

    ballot: Ballot
    entries: tuple[tuple[int, Entry], ...]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return HEADER_BYTES + sum(entry.size_bytes for _, entry in self.entries)


@record
class Refused(_Small):
    """To a candidate or leader under ``ballot``: I am bound to ``promised``."""

    ballot: Ballot
    promised: Ballot


@record
class TooFarBehind(_Small):
    """To a candidate: what you ask for is cut from my log; catch up first. ``base``: where my log begins."""

    ballot: Ballot
    base: int


@record
class Accept:
    """Phase 2a, a heartbeat too: accept ``values`` (value, bytes) in the slots from ``first`` on.

    ``chosen``: the slots up to here are chosen. ``sent_ns``: the leader's clock, echoed by the answer.
    """

    ballot: Ballot
    first: int
    values: tuple[tuple[Any, int], ...]
    chosen: int
    sent_ns: int

    @property
    def last(self) -> int:
        """The last slot."""
        return self.first + len(self.values) - 1

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return HEADER_BYTES + sum(size_bytes for _, size_bytes in self.values)


@record
class Accepted(_Small):
    """Phase 2b: the slots ``first`` to ``last`` are accepted under ``ballot``, durably. ``chosen``: how far it knows."""

    ballot: Ballot
    first: int
    last: int
    chosen: int
    sent_ns: int


@record
class Heartbeat(_Small):
    """The leader of ``ballot`` lives; the slots up to ``chosen`` are chosen."""

    ballot: Ballot
    chosen: int
    sent_ns: int


@record
class HeartbeatSeen(_Small):
    """An answer to :class:`Heartbeat`: I know the log up to ``chosen``.

    With ``bound``, I also help no other leader for the time of a lease; one that lost its disk cannot say so.
    """

    ballot: Ballot
    chosen: int
    sent_ns: int
    bound: bool


@record
class Fetch(_Small):
    """I lack what was chosen from slot ``first`` on."""

    first: int


@record
class Learn:
    """What was chosen from slot ``first`` on; ``chosen``: how far the sender knows."""

    first: int
    entries: tuple[Entry, ...]
    chosen: int

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return HEADER_BYTES + sum(entry.size_bytes for entry in self.entries)


@record
class Install:
    """To a member that lacks what is cut from the sender's log: the state after ``snapshot.index``."""

    snapshot: Snapshot

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return HEADER_BYTES + self.snapshot.size_bytes


@record
class Resigned(_Small):
    """The leader of ``ballot`` leads no longer: nobody is bound to it."""

    ballot: Ballot


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The state machine after slot ``index``, and the members from there on."""

    index: int
    members: tuple[int, ...]
    image: Any
    size_bytes: int


Message = (
    PreVote
    | PreVoted
    | Prepare
    | Promise
    | Refused
    | TooFarBehind
    | Accept
    | Accepted
    | Heartbeat
    | HeartbeatSeen
    | Fetch
    | Learn
    | Install
    | Resigned
)
#: Every class of message, for those who carry them.
MESSAGES: tuple[type, ...] = (
    PreVote,
    PreVoted,
    Prepare,
    Promise,
    Refused,
    TooFarBehind,
    Accept,
    Accepted,
    Heartbeat,
    HeartbeatSeen,
    Fetch,
    Learn,
    Install,
    Resigned,
)
