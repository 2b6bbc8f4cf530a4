"""What a member writes to its disk: everything that it must remember to keep its word.

Replaying the records in order gives the acceptor and the known part of the log again (:class:`.acceptor.Acceptor`).
"""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.values import Entry

_HEADER_BYTES = 48


@dataclass(frozen=True, slots=True)
class Promised:
    """Nothing below ``ballot`` will be accepted."""

    ballot: Ballot

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return _HEADER_BYTES


@dataclass(frozen=True, slots=True)
class AcceptedSlots:
    """The entries accepted in the slots from ``first`` on; the slots up to ``chosen`` were known to be chosen."""

    first: int
    entries: tuple[Entry, ...]
    chosen: int

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return _HEADER_BYTES + sum(entry.size_bytes for entry in self.entries)


@dataclass(frozen=True, slots=True)
class LearnedSlots:
    """What was chosen in the slots from ``first`` on, told by another member."""

    first: int
    entries: tuple[Entry, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return _HEADER_BYTES + sum(entry.size_bytes for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Base:
    """A new beginning after the snapshot of ``index``: with it, no record before this one is needed."""

    index: int
    members: tuple[int, ...]
    promised: Ballot
    chosen: int
    entries: tuple[tuple[int, Entry], ...]

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return _HEADER_BYTES + sum(entry.size_bytes for _, entry in self.entries)


Record = Promised | AcceptedSlots | LearnedSlots | Base
