"""``quota-share``: the group that uses least of its own quota."""

from __future__ import annotations

from typing import ClassVar, Literal

from feitian_sim.fuxi.fairness.policy import Among, FairnessPolicy, Party


class QuotaShareFairness(FairnessPolicy):
    """Groups borrow in proportion to their minimums: who has the least of the cluster for each part of its own quota
    goes first; a group without a minimum comes last."""

    kind: Literal["quota-share"] = "quota-share"
    compares: ClassVar[Among] = "group"

    def key(self, party: Party) -> float:
        """The largest ratio of use to minimum."""
        ratios = [used / sure if sure else float("inf") for used, sure in zip(party.used, party.minimum, strict=True)
                  if used]  # fmt: skip
        return max(ratios, default=0.0)
