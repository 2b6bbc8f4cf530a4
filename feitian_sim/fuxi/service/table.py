"""The partition table of a service: which keys are in which partition, and whose that is; as bytes of a file of Nuwa.

Keys are the integers from 0 below ``keys``. A partition has those from ``low`` below ``high``; together they have each
key exactly once. A partition's number is never used again, its token only grows. Worker 0 is nobody.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

NOBODY = 0


@dataclass(frozen=True, slots=True)
class Partition:
    """One row: keys from ``low`` below ``high`` are ``worker``'s on ``machine``, under the fencing token ``token``."""

    number: int
    low: int
    high: int
    worker: int = NOBODY
    machine: str = ""
    token: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """All partitions, in the order of their keys. ``attempt``: of the ServiceMaster that wrote it; ``number``: of its
    writes; ``last``: the largest number of a partition that ever was; ``token``: the last that was given out."""

    attempt: int
    number: int
    last: int
    token: int
    keys: int
    partitions: tuple[Partition, ...]

    def encoded(self) -> bytes:
        """As bytes."""
        rows = [[one.number, one.low, one.high, one.worker, one.machine, one.token] for one in self.partitions]
        head = [self.attempt, self.number, self.last, self.token, self.keys]
        return json.dumps([head, rows], separators=(",", ":")).encode()

    def problems(self) -> list[str]:
        """Where keys have no partition, or two."""
        found = []
        at = 0
        for one in self.partitions:
            if one.low != at:
                found.append(f"keys {min(at, one.low)} to {max(at, one.low)}: {'a gap' if one.low > at else 'twice'}")
            if one.low >= one.high:
                found.append(f"partition {one.number} has no keys")
            at = one.high
        if at != self.keys:
            found.append(f"keys end at {at}, not at {self.keys}")
        return found


def decoded(data: bytes) -> Table:
    """The table of these bytes."""
    head, rows = json.loads(data)
    attempt, number, last, token, keys = head
    return Table(attempt, number, last, token, keys, tuple(Partition(*row) for row in rows))


def evenly(keys: int, count: int, attempt: int) -> Table:
    """The table of a new service: ``count`` partitions of the same width that nobody has."""
    bounds = [keys * place // count for place in range(count + 1)]
    rows = tuple(Partition(place + 1, bounds[place], bounds[place + 1]) for place in range(count))
    return Table(attempt, 0, count, 0, keys, rows)


class Routes:
    """Finds the partition of a key."""

    __slots__ = ("_lows", "partitions")

    def __init__(self, partitions: Sequence[Partition]) -> None:
        self.partitions = partitions
        self._lows = [one.low for one in partitions]

    def of(self, key: int) -> Partition:
        """The row in which a key lies."""
        return self.partitions[bisect_right(self._lows, key) - 1]
