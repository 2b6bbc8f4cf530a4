"""What a member writes to its disk: everything that it must remember to keep its word.

Replaying the records in order gives the acceptor and the known part of the log again (:class:`.acceptor.Acceptor`).
"""

from __future__ import annotations

from feitian_sim.kernel import record
from feitian_sim.paxos.ballot import NO_BALLOT, Ballot
from feitian_sim.paxos.values import EMPTY_BYTES, NOOP, Entry

_HEADER_BYTES = 48


@record
class Promised:
    """Nothing below ``ballot`` will be accepted."""

    ballot: Ballot

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return _HEADER_BYTES


@record
class AcceptedSlots:
    """The entries accepted in the slots from ``first`` on; the slots up to ``chosen`` were known to be chosen."""

    first: int
    entries: tuple[Entry, ...]
    chosen: int

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return _HEADER_BYTES + sum(entry.size_bytes for entry in self.entries)


@record
class LearnedSlots:
    """What was chosen in the slots from ``first`` on, told by another member."""

    first: int
    entries: tuple[Entry, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return _HEADER_BYTES + sum(entry.size_bytes for entry in self.entries)


@record
class Base:
    """A new beginning after the snapshot of ``index``: with it, no record before this one is needed.

    ``members`` are those after ``index``. A journal that does not begin with one is what is left of a lost disk.
    ``voter`` is False where a disk was lost before: what stood there may have promised more than is known here.
    """

    index: int
    members: tuple[int, ...]
    promised: Ballot
    chosen: int
    entries: tuple[tuple[int, Entry], ...]
    voter: bool = True

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return _HEADER_BYTES + sum(entry.size_bytes for _, entry in self.entries)


Record = Promised | AcceptedSlots | LearnedSlots | Base


def founding_record(members: tuple[int, ...], first_leader: int | None = None) -> Base:
    """What a member's journal begins with, so that an empty one tells of a lost disk; a newcomer knows no members.

    With a ``first_leader`` the group begins in its reign: everybody has promised its ballot and knows its no-op.
    """
    if first_leader is None:
        return Base(0, members, NO_BALLOT, 0, ())
    assert first_leader in members, f"{first_leader} leads a group of {members}"
    ballot = Ballot(1, first_leader)
    return Base(0, members, ballot, 1, ((1, Entry(ballot, NOOP, EMPTY_BYTES)),))
