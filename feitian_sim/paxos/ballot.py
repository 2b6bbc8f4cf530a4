"""Ballots: the numbers under which leaders propose, each of which can belong to one proposer only.

A ballot carries its proposer, so two candidates of one round do not tie: the larger member wins (Lamport, "Paxos Made
Simple", 2001, sec. 2.2: proposers draw their numbers from disjoint sets).
"""

from __future__ import annotations

from typing import NamedTuple

_PROPOSER_BITS = 16


class Ballot(NamedTuple):
    """Compared by round, then by proposer."""

    round: int
    proposer: int

    @property
    def number(self) -> int:
        """One integer that grows with the ballot: a fencing token."""
        return (self.round << _PROPOSER_BITS) + self.proposer + 1

    def next_for(self, proposer: int) -> Ballot:
        """The smallest ballot of ``proposer`` above this one in a new round."""
        return Ballot(self.round + 1, proposer)


#: Below every ballot that anybody proposes under.
NO_BALLOT = Ballot(0, -1)
