"""What must hold of ballots before anything comes of them: who uses one has it promised, for good, first.

Whoever promises before it is durable does harm only if it then dies at the very moment, and only if two leaders meet
afterwards; that a ballot is used too early can be seen at once, on the disks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant

#: Group, number, proposer.
Ballot = tuple[str, int, int]


class PromisedBeforeUsed(Invariant):
    """NW2b: the first phase of consensus is over before the second begins (Lamport, "Paxos made simple", 2001)."""

    id = "NW2b"
    needs = ("nuwa",)
    claim = "a ballot is promised for good by its proposer before others are asked, and by a majority before it is used"

    def __init__(self) -> None:
        super().__init__()
        self._promised: dict[Ballot, dict[int, None]] = {}
        self._settled: dict[Ballot, None] = {}
        self._members: dict[str, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What disks hold, and how many members there are."""
        return {
            "replog.promised": self._is_promised,
            "replog.accepted": self._is_used,
            "replog.members": self._counted,
        }

    def _counted(self, now_ns: int, fact: Any) -> None:
        self._members[fact.group] = max(fact.count, self._members.get(fact.group, 0))

    def _is_promised(self, now_ns: int, fact: Any) -> None:
        if not fact.number:
            # No ballot at all.
            return
        self.evaluated += 1
        ballot = (fact.group, fact.number, fact.proposer)
        if ballot not in self._promised and fact.member != fact.proposer and not self._founds(ballot):
            self.broken(now_ns, f"member {fact.member} promised {ballot}, which its proposer has not promised itself")
        self._promised.setdefault(ballot, {})[fact.member] = None

    def _is_used(self, now_ns: int, fact: Any) -> None:
        ballot = (fact.group, fact.number, fact.proposer)
        if ballot in self._settled:
            return
        self.evaluated += 1
        promised = self._promised.get(ballot, {})
        if 2 * len(promised) <= self._members.get(fact.group, 0) and not self._founds(ballot):
            self.broken(
                now_ns,
                f"member {fact.member} accepted {fact.slot} under {ballot}, promised for good by {list(promised)} only",
            )
        self._settled[ballot] = None

    @staticmethod
    def _founds(ballot: Ballot) -> bool:
        """Whether it is that of a group's first leader, which all are bound to before anything begins."""
        return ballot[1] == 1
