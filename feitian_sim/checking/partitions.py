"""What must hold of services' partitions: one owner at any time, the whole key space, tokens that only grow.

Who owns what is judged by what workers do, not by what masters believe: a worker owns a partition from loading it until
it says that it has dropped it, or until its lease has run out by its own clock; a process that is stopped says nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant

_SERVICES = ("fuxi-service",)


@dataclass(frozen=True, slots=True)
class _Owned:
    """A partition that a worker has loaded."""

    partition: int
    low: int
    high: int
    worker: int
    machine: str
    token: int


class OneOwner(Invariant):
    """FX7: a key is loaded by at most one worker, and answered by that alone."""

    id = "FX7"
    needs = _SERVICES
    claim = "a partition is loaded by at most one worker at any time, and only that answers requests to it"

    def __init__(self) -> None:
        super().__init__()
        self._owned: dict[str, dict[tuple[int, int], _Owned]] = {}
        #: By service and worker: when its lease ends by its own clock.
        self._until: dict[tuple[str, int], int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Loads, unloads, leases and answers."""
        return {
            "fuxi.partition_loaded": self._loaded,
            "fuxi.partition_unloaded": self._unloaded,
            "fuxi.service_lease": self._leased,
            "fuxi.request_served": self._served,
        }

    def _leased(self, now_ns: int, fact: Any) -> None:
        self._until[fact.app, fact.worker] = fact.until_ns

    def _loaded(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        owned = self._owned.setdefault(fact.app, {})
        until_ns = self._until.get((fact.app, fact.worker), 0)
        if now_ns >= until_ns:
            self.broken(
                now_ns, f"worker {fact.worker} loaded partition {fact.partition}, its lease ended at {until_ns} ns"
            )
        for other in owned.values():
            apart = other.high <= fact.low or fact.high <= other.low
            if not apart and now_ns < self._until.get((fact.app, other.worker), 0):
                text = f"worker {fact.worker} on {fact.machine} loaded partition {fact.partition}, whose keys"
                self.broken(now_ns, f"{text} worker {other.worker} on {other.machine} has as partition {other.partition}")
        owned[fact.partition, fact.token] = _Owned(
            fact.partition, fact.low, fact.high, fact.worker, fact.machine, fact.token
        )

    def _unloaded(self, now_ns: int, fact: Any) -> None:
        self._owned.get(fact.app, {}).pop((fact.partition, fact.token), None)

    def _served(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        # A write that the storage has taken is answered also by one that has let go meanwhile.
        if fact.write:
            return
        owned = self._owned.get(fact.app, {}).get((fact.partition, fact.token))
        if owned is None or owned.worker != fact.worker:
            self.broken(now_ns, f"worker {fact.worker} answered for partition {fact.partition}, which it has not loaded")
        elif now_ns >= self._until.get((fact.app, fact.worker), 0):
            self.broken(now_ns, f"worker {fact.worker} answered for partition {fact.partition} after its lease")


class KeySpaceIsCovered(Invariant):
    """FX7k: splits and moves leave each key in exactly one partition, and no token is given twice."""

    id = "FX7k"
    needs = _SERVICES
    claim = "the partition table has every key exactly once, is written by one master, and its tokens are given once"

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[str, tuple[int, int]] = {}
        self._given: dict[tuple[str, int], tuple[int, int]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Every table that is written."""
        return {"fuxi.table_written": self._table}

    def _table(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        what = f"table {fact.number} of {fact.app} by master {fact.attempt}"
        before = self._written.get(fact.app, (0, -1))
        if (fact.attempt, fact.number) <= before or fact.number <= before[1]:
            self.broken(now_ns, f"{what} comes after number {before[1]} by master {before[0]}")
        self._written[fact.app] = (fact.attempt, fact.number)
        at = 0
        for row in fact.rows.split(","):
            number, span, worker, token = row.split(":")
            low, high = (int(bound) for bound in span.split("-"))
            if low != at or high <= low:
                self.broken(now_ns, f"{what}: partition {number} has keys {low} to {high}, the one before ends at {at}")
            at = high
            if worker != "0":
                given = self._given.setdefault((fact.app, int(token)), (int(number), int(worker)))
                if given != (int(number), int(worker)):
                    self.broken(
                        now_ns, f"{what}: token {token} is for partition {number} and worker {worker}, was for {given}"
                    )
        if at != fact.keys:
            self.broken(now_ns, f"{what} ends at key {at} of {fact.keys}")


class TokensGrow(Invariant):
    """FX7t: for each key, what the storage takes comes under tokens that never go back."""

    id = "FX7t"
    needs = _SERVICES
    claim = "the storage of a service takes nothing under a token older than one that it was shown for the same keys"

    def __init__(self) -> None:
        super().__init__()
        # Ranges by service: where each begins, and its newest token.
        self._lows: dict[str, list[int]] = {}
        self._tokens: dict[str, list[int]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What the storage takes."""
        return {"fuxi.partition_stored": self._stored}

    def _stored(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        lows = self._lows.setdefault(fact.app, [0])
        tokens = self._tokens.setdefault(fact.app, [0])
        for bound in (fact.low, fact.high):
            place = bisect_right(lows, bound)
            if lows[place - 1] != bound:
                lows.insert(place, bound)
                tokens.insert(place, tokens[place - 1])
        first, last = bisect_right(lows, fact.low) - 1, bisect_right(lows, fact.high) - 1
        newest = max(tokens[first:last])
        if fact.token < newest:
            text = f"the storage took keys {fact.low} to {fact.high} of worker {fact.worker} under token {fact.token}"
            self.broken(now_ns, f"{text}, after token {newest}")
        lows[first:last] = [fact.low]
        tokens[first:last] = [fact.token]
