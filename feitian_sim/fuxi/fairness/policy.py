"""What a fairness policy is: who of those that wait with equal right goes first.

A freed resource goes by quota first (what is owed to a group), then by priority, then by locality; among those that are
equal in all of these the policy compares *parties*: applications, users or groups. The party with the smallest key goes
first, and among parties with equal keys the unit that has waited longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from feitian_sim.kernel import StrictModel

#: What a policy compares; "nothing": all are equal, and time alone decides.
Among = Literal["nothing", "app", "user", "group"]


class Party:
    """An application, a user or a group as policies see it: what it uses now, of how much, and what it is sure of."""

    __slots__ = ("epoch", "known", "minimum", "name", "totals", "used")

    def __init__(self, name: str, used: list[int], totals: Sequence[int], minimum: Sequence[int] = ()) -> None:
        self.name = name
        #: In the order of the cell's dimensions, as all that follow.
        self.used = used
        #: What all machines that are up have together.
        self.totals = totals
        #: A group's minimum quota; empty of an application or user.
        self.minimum = minimum
        #: The policy's last answer, None once the use has changed, and of which cluster it was.
        self.known: float | None = None
        self.epoch = 0


class FairnessPolicy(StrictModel):
    """The contract; a policy's options are its fields. Check yours with ``feitian_sim.testing``.

    ``key`` must not fall when the party uses more of anything while all else stays: so a party that was given something
    never comes nearer to the front for it.
    """

    #: What is compared; a policy with a choice defines a field ``among`` instead.
    compares: ClassVar[Among] = "app"

    @property
    def parties(self) -> Among:
        """What is compared."""
        chosen: Among = getattr(self, "among", self.compares)
        return chosen

    def key(self, party: Party) -> float:
        """The party's place: the smallest goes first."""
        raise NotImplementedError(f"{type(self).__name__} does not say who goes first")
