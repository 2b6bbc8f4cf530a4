"""What must hold of fresh reads, by who allows them and by the slots that answers name.

A history of values shows a stale read only if the very file had changed; a slot shows it whatever was written, and the
leader that allows it, though another leads by then, shows it even if nothing was.
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


class ReadsAskTheNewestLeader(Invariant):
    """NW6b: what makes leases safe, though their holder can write no more (Gray and Cheriton, SOSP 1989)."""

    id = "NW6b"
    needs = ("nuwa",)
    claim = "no member takes its state for the newest that another was elected after, before the read was asked"

    def __init__(self) -> None:
        super().__init__()
        # Of each group, what was the highest ballot ever elected, and since when; both grow.
        self._times_ns: dict[str, list[int]] = {}
        self._ballots: dict[str, list[int]] = {}
        # The newest reign of each member.
        self._of: dict[tuple[str, int], int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Elections, and reads that are allowed."""
        return {"replog.leader_elected": self._elected, "replog.read_allowed": self._allowed}

    def _elected(self, now_ns: int, fact: Any) -> None:
        ballots = self._ballots.setdefault(fact.group, [])
        if not ballots or fact.ballot > ballots[-1]:
            self._times_ns.setdefault(fact.group, []).append(now_ns)
            ballots.append(fact.ballot)
        self._of[fact.group, fact.member] = fact.ballot

    def _allowed(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        known = bisect_left(self._times_ns.get(fact.group, []), fact.asked_ns)
        if not known:
            return
        newest, own = self._ballots[fact.group][known - 1], self._of.get((fact.group, fact.member), -1)
        if own < newest:
            self.broken(
                now_ns,
                f"member {fact.member} of {fact.group}, elected under ballot {own}, allows a read that was asked after "
                f"another was elected under ballot {newest}",
            )
