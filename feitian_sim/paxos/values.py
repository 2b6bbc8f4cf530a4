"""What a slot of the log can hold: a command of the state machine above, nothing, or the members from here on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from feitian_sim.paxos.ballot import Ballot

#: A slot without a command, with its headers.
EMPTY_BYTES = 32
_MEMBER_BYTES = 8


@dataclass(frozen=True, slots=True)
class Noop:
    """Fills a hole, or opens the reign of a leader; the state machine does not see it."""


@dataclass(frozen=True, slots=True)
class Members:
    """From the next slot on, these are the members, in ascending order."""

    members: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return EMPTY_BYTES + _MEMBER_BYTES * len(self.members)


class Entry(NamedTuple):
    """What a slot holds at one replica: a value, and the ballot under which it was last accepted."""

    ballot: Ballot
    value: Any
    size_bytes: int


NOOP = Noop()


def quorum_of(members: tuple[int, ...]) -> int:
    """The smallest number of members of which any two such sets share one."""
    return len(members) // 2 + 1
