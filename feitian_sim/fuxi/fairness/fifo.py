"""``fifo``: who has waited longest."""

from __future__ import annotations

from typing import ClassVar, Literal

from feitian_sim.fuxi.fairness.policy import Among, FairnessPolicy, Party


class FifoFairness(FairnessPolicy):
    """Waiting time alone decides among equal priorities (Fuxi, VLDB 2014, sec. 3.3). Simple, and a large application
    that came first keeps all others waiting."""

    kind: Literal["fifo"] = "fifo"
    compares: ClassVar[Among] = "nothing"

    def key(self, party: Party) -> float:
        """All are equal."""
        return 0.0
