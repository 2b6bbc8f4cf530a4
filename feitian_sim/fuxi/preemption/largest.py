"""``largest``: the largest units."""

from __future__ import annotations

from typing import Literal

from feitian_sim.fuxi.preemption.policy import PreemptionPolicy, Victim


class LargestFirst(PreemptionPolicy):
    """The unit that takes most of the machine goes first: the fewest processes are killed."""

    kind: Literal["largest"] = "largest"

    def rank(self, victim: Victim) -> tuple[float, ...]:
        """By size, the largest first."""
        return (-victim.share, -victim.submitted_ns)
