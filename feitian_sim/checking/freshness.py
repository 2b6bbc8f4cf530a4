"""What must hold of fresh reads, by the slots that answers name: sooner seen than in the values that clients read.

A history of values shows a stale read only if the very file had changed; a slot shows it whatever was written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant

#: Answers of a read that tell a state.
_TELLING = ("", "no-node")
_WRITES = ("create", "put", "delete", "multi")


class FreshReadsAreFresh(Invariant):
    """NW6a: a read that asks for the state of now knows of every write that had been acknowledged when it began."""

    id = "NW6a"
    needs = ("nuwa-history",)
    claim = "a fresh read shows no state older than what anybody had been told is written when it began"

    def __init__(self) -> None:
        super().__init__()
        # When more was acknowledged than ever before, and up to which slot; both grow.
        self._times_ns: list[int] = []
        self._slots: list[int] = []

    def hears(self) -> Mapping[str, Hears]:
        """Answers to clients."""
        return {"nuwa.operation": self._answered}

    def _answered(self, now_ns: int, fact: Any) -> None:
        if fact.op in _WRITES:
            if not fact.error and (not self._slots or fact.zxid > self._slots[-1]):
                self._times_ns.append(now_ns)
                self._slots.append(fact.zxid)
        elif fact.op.startswith("fresh ") and fact.error in _TELLING:
            self.evaluated += 1
            known = bisect_left(self._times_ns, fact.start_ns)
            if known and self._slots[known - 1] > fact.zxid:
                self.broken(
                    now_ns,
                    f"{fact.op} {fact.path} of {fact.owner} shows slot {fact.zxid}, and slot {self._slots[known - 1]} "
                    f"had been acknowledged before it began",
                )
