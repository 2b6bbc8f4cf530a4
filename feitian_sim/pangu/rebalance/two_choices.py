"""``two-choices``: a chunk of a random over-full server goes to the less full of two others."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.kernel import Ratio, Stream
from feitian_sim.pangu.rebalance.plan import Plan
from feitian_sim.pangu.rebalance.rebalancer import Move, Rebalancer, Situation

#: It ends after so many tries in a row that led to no move.
_TRIES = 64


class TwoChoicesRebalance(Rebalancer):
    """While a server is more than ``threshold`` above the mean, one such server, a chunk of it and two targets are drawn,
    and the chunk goes to the less full of the two, unless that would be the fuller one after it.

    Source: Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 2001, applied to what is
    there instead of what arrives. Expected: no server above the band, at a few more bytes than ``greedy`` and without
    knowing all servers in order; servers below the band may remain when nobody is above it.
    """

    kind: Literal["two-choices"] = "two-choices"
    threshold: Ratio = Field(
        default=0.05,
        gt=0,
        description="A server gives while it is so much above the mean use (a share of capacity); default 5%. Source: "
        "half of the HDFS balancer's, since only one side is bounded.",
    )

    def plan(self, situation: Situation) -> list[Move]:
        """Draw until nobody is over-full, or nothing was found for some time."""
        plan = Plan(situation, self.budget_bytes)
        level, failures = plan.mean + self.threshold, 0
        while failures < _TRIES:
            ratios = plan.ratios()
            over = [server for server in plan.members.tolist() if ratios[server] > level and plan.can_give(server)]
            if not over:
                break
            move = _draw(plan, int(situation.stream.choice(over)), situation.stream)
            failures = failures + 1 if move is None else 0
            if move is not None:
                plan.take(move)
        return plan.moves


def _draw(plan: Plan, source: int, stream: Stream) -> Move | None:
    chunks = plan.chunks(source)
    if not chunks:
        return None
    chunk = int(stream.choice(chunks))
    pair = [int(stream.choice(plan.members)) for _ in range(2)]
    moves = [move for target in pair if (move := plan.fitting(chunk, source, target)) is not None]
    if not moves:
        return None
    move = min(moves, key=lambda move: float(plan.ratios()[move.target]))
    view = plan.view
    after = (view.used_bytes[move.target] + move.size_bytes) / view.capacity_bytes[move.target]
    return move if after < plan.ratios()[source] else None
