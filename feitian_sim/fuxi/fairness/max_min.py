"""``max-min``: the smallest share of one resource."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.fuxi.fairness.policy import FairnessPolicy, Party


class MaxMinFairness(FairnessPolicy):
    """Max-min fairness of a single resource, as slot schedulers have it. What a party uses of others does not count, so
    that with mixed demands it can be far from fair: the yardstick of dominant resource fairness."""

    kind: Literal["max-min"] = "max-min"
    resource: int = Field(
        default=0,
        ge=0,
        description="Which resource (number in the order of the cell: cpu, memory, storage, virtual ones); default 0. "
        "Source: CPU is what slot schedulers count.",
    )
    among: Literal["app", "user", "group"] = Field(
        default="app", description="Whose shares are compared; default app. Source: as drf."
    )

    def key(self, party: Party) -> float:
        """The share of that resource."""
        whole = party.totals[self.resource] if self.resource < len(party.totals) else 0
        return party.used[self.resource] / whole if whole else 0.0
