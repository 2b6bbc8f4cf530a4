"""``greedy``: always the best single move, from the fullest to the emptiest, as Ceph's balancer in upmap mode."""

from __future__ import annotations

from itertools import islice, product
from typing import Literal

import numpy as np
from pydantic import Field

from feitian_sim.kernel import Ratio
from feitian_sim.pangu.rebalance.plan import Plan
from feitian_sim.pangu.rebalance.rebalancer import Move, Rebalancer, Situation

#: So many of the fullest, and of the emptiest, are tried when the rule forbids the best pair.
_TRIED = 16


class GreedyRebalance(Rebalancer):
    """Single moves from the fullest server to the emptiest that the rule allows, until no server is further than
    ``max_deviation`` from the mean. At most the share ``misplaced`` of all bytes is on the move, and nothing begins
    while a chunk lacks replicas.

    Source: docs.ceph.com, "Balancer Module" (upmap mode, upmap_max_deviation, target_max_misplaced_ratio; no changes
    while degraded). Expected: the narrowest distribution of all, the maximum deviation falling with every round.
    """

    kind: Literal["greedy"] = "greedy"
    max_deviation: Ratio = Field(
        default=0.02,
        gt=0,
        description="No server need be nearer to the mean use (a share of capacity); default 2%. Source: "
        "upmap_max_deviation of Ceph is 5 placement groups of some 150 on a disk, 3 % of what is on it.",
    )
    misplaced: Ratio = Field(
        default=0.05,
        gt=0,
        description="Share of all bytes that may be on the move at once; default 5%. Source: "
        "target_max_misplaced_ratio of Ceph.",
    )

    def plan(self, situation: Situation) -> list[Move]:
        """The best move, and the best after it, and so on."""
        if situation.degraded:
            return []
        plan = Plan(situation, self.budget_bytes)
        mean = plan.mean
        left_bytes = self.misplaced * float(situation.view.used_bytes[plan.members].sum())
        left_bytes -= sum(move.size_bytes for move in situation.moves)
        while True:
            move = self._best(plan, mean, left_bytes)
            if move is None:
                return plan.moves
            left_bytes -= move.size_bytes
            plan.take(move)

    def _best(self, plan: Plan, mean: float, most_bytes: float) -> Move | None:
        ascending, ratios = plan.by_ratio(), plan.ratios()
        givers = list(islice((server for server in reversed(ascending) if plan.can_give(server)), _TRIED))
        takers = list(islice((server for server in ascending if plan.can_give(server)), _TRIED))
        # The pairs that differ most, first; equal ones in the order of the servers.
        pairs = sorted(product(givers, takers), key=lambda pair: float(ratios[pair[1]] - ratios[pair[0]]))
        for source, target in pairs:
            if ratios[source] <= mean or ratios[target] >= mean:
                return None
            if max(ratios[source] - mean, mean - ratios[target]) <= self.max_deviation:
                continue
            move = plan.find(source, target, min(most_bytes, _most_bytes(plan, source, target)))
            if move is not None:
                return move
        return None


def _most_bytes(plan: Plan, source: int, target: int) -> float:
    """The largest move after which the target is not fuller than the source: it brings no server further out."""
    ratios, capacity = plan.ratios(), plan.view.capacity_bytes.astype(np.float64)
    difference = float(ratios[source] - ratios[target])
    return difference / (1 / float(capacity[source]) + 1 / float(capacity[target]))
