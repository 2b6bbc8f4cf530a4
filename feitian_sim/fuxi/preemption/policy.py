"""What a preemption policy is: who on a machine goes first when somebody must.

Who may be preempted at all is not the policy's affair (see :mod:`..make_room`): units of lower priority in the group that
asks, then units of groups that use more than their minimum. Of these the policy says in which order they go; a unit of
lower priority always goes before one of higher priority.
"""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.fuxi.resources import Vector
from feitian_sim.kernel import StrictModel


@dataclass(frozen=True, slots=True)
class Victim:
    """Units that may be preempted on one machine.

    ``share``: what one of them is of the machine, by its scarcest resource. ``arrival``: larger came to the machine
    later.
    """

    app: str
    unit: int
    priority: int
    vector: Vector
    count: int
    submitted_ns: int
    arrival: int
    share: float


class PreemptionPolicy(StrictModel):
    """The contract; a policy's options are its fields. Check yours with ``feitian_sim.testing``."""

    def rank(self, victim: Victim) -> tuple[float, ...]:
        """Among victims of equal priority the one with the smallest rank goes first; then who came last."""
        raise NotImplementedError(f"{type(self).__name__} does not say who goes first")
