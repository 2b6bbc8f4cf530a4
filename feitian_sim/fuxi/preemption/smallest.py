"""``smallest``: the smallest units."""

from __future__ import annotations

from typing import Literal

from feitian_sim.fuxi.preemption.policy import PreemptionPolicy, Victim


class SmallestFirst(PreemptionPolicy):
    """The unit that takes least of the machine goes first: no more is taken back than is needed."""

    kind: Literal["smallest"] = "smallest"

    def rank(self, victim: Victim) -> tuple[float, ...]:
        """By size, the smallest first."""
        return (victim.share, -victim.submitted_ns)
