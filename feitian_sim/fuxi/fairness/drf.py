"""``drf``: the smallest dominant share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.fuxi.fairness.policy import FairnessPolicy, Party


class DrfFairness(FairnessPolicy):
    """Dominant resource fairness (Ghodsi et al., NSDI 2011): who has the least of what it has most of, as a share of
    the cluster, goes first. No party gains by asking for more than it needs, none envies another, and none would be
    better off with an equal part of every resource."""

    kind: Literal["drf"] = "drf"
    among: Literal["app", "user", "group"] = Field(
        default="app", description="Whose shares are compared; default app. Source: NSDI 2011, sec. 4, users or jobs."
    )

    def key(self, party: Party) -> float:
        """The dominant share."""
        return max([used / whole for used, whole in zip(party.used, party.totals, strict=True) if whole], default=0.0)
