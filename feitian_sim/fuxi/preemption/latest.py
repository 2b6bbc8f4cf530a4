"""``latest``: who came last."""

from __future__ import annotations

from typing import Literal

from feitian_sim.fuxi.preemption.policy import PreemptionPolicy, Victim


class LatestFirst(PreemptionPolicy):
    """The application that was submitted last goes first: it has done the least so far, so the least is done twice."""

    kind: Literal["latest"] = "latest"

    def rank(self, victim: Victim) -> tuple[float, ...]:
        """By submission, the last one first."""
        return (-victim.submitted_ns, -victim.arrival)
