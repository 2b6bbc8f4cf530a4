"""``asset``: the smallest sum of shares."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.fuxi.fairness.policy import FairnessPolicy, Party


class AssetFairness(FairnessPolicy):
    """Asset fairness (Ghodsi et al., NSDI 2011, sec. 5.1): equal shares of different resources are worth the same, and
    who has the least in sum goes first. A party can end with less than an equal part of every resource."""

    kind: Literal["asset"] = "asset"
    among: Literal["app", "user", "group"] = Field(
        default="app", description="Whose shares are compared; default app. Source: as drf."
    )

    def key(self, party: Party) -> float:
        """The sum of its shares."""
        return sum([used / whole for used, whole in zip(party.used, party.totals, strict=True) if whole])
