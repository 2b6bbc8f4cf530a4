"""``threshold``: from servers above a band around the mean to those below it, as the balancer of HDFS."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.kernel import Ratio
from feitian_sim.pangu.rebalance.plan import Plan
from feitian_sim.pangu.rebalance.rebalancer import Move, Rebalancer, Situation


class ThresholdRebalance(Rebalancer):
    """Servers above mean + threshold give to those below mean - threshold, then to all below the mean; those above the
    mean then give to those below the band. The fullest gives first, and nobody beyond the mean.

    Source: the Balancer of HDFS (hadoop.apache.org, "HDFS User Guide", and HDFS-14904 for the order). Expected: it ends
    with every server within the band, having moved at most what perfect balance would take, n / (N + n) of the data when
    n servers join N: it ends early, and takes nobody past the mean.
    """

    kind: Literal["threshold"] = "threshold"
    threshold: Ratio = Field(
        default=0.1,
        gt=0,
        description="Half the width of the band around the mean use (a share of capacity); default 10%. Source: the "
        "option -threshold of the HDFS balancer.",
    )

    def plan(self, situation: Situation) -> list[Move]:
        """Pairs of servers in HDFS's order, each with as many chunks as bring one of them to the mean."""
        plan = Plan(situation, self.budget_bytes)
        mean, ratios = plan.mean, plan.ratios()
        ascending = plan.by_ratio()
        descending = ascending[::-1]
        over = [server for server in descending if ratios[server] > mean + self.threshold]
        above = [server for server in descending if mean < ratios[server] <= mean + self.threshold]
        under = [server for server in ascending if ratios[server] < mean - self.threshold]
        below = [server for server in ascending if mean - self.threshold <= ratios[server] < mean]
        for sources, targets in ((over, under), (over, below), (above, under)):
            for source in sources:
                for target in targets:
                    _exchange(plan, source, target, mean)
        return plan.moves


def _exchange(plan: Plan, source: int, target: int, mean: float) -> None:
    """Move chunks until one of the two is at the mean."""
    while True:
        most_bytes = min(plan.above_bytes(source, mean), -plan.above_bytes(target, mean))
        move = plan.find(source, target, most_bytes) if most_bytes > 0 else None
        if move is None:
            return
        plan.take(move)
