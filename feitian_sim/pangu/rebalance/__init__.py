"""Rebalancers: one file each, and the table of those that come with Pangu.

A user's own is ``file.py:Class``, a subclass of :class:`Rebalancer`, which the scenario loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from feitian_sim.pangu.rebalance.greedy import GreedyRebalance
from feitian_sim.pangu.rebalance.lazy import LazyRebalance
from feitian_sim.pangu.rebalance.none import NoRebalance
from feitian_sim.pangu.rebalance.rebalancer import Move, Rebalancer, Situation, keeps_rule
from feitian_sim.pangu.rebalance.threshold import ThresholdRebalance
from feitian_sim.pangu.rebalance.two_choices import TwoChoicesRebalance

__all__ = ["REBALANCERS", "Move", "Rebalancer", "Situation", "keeps_rule", "rebalancer_from"]

REBALANCERS: Mapping[str, type[Rebalancer]] = MappingProxyType(
    {
        "none": NoRebalance,
        "threshold": ThresholdRebalance,
        "two-choices": TwoChoicesRebalance,
        "lazy": LazyRebalance,
        "greedy": GreedyRebalance,
    }
)


def rebalancer_from(value: str | Mapping[str, Any] | Rebalancer) -> Rebalancer:
    """The rebalancer named by an id, described by ``{kind: id, ...options}``, or given.

    Raises ValueError for an id that is not in the table, and pydantic's error for wrong options.
    """
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping):
        return value
    kind = str(value.get("kind"))
    if kind not in REBALANCERS:
        near = get_close_matches(kind, REBALANCERS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no rebalancer is called {kind!r} ({', '.join(REBALANCERS)}){hint}")
    return REBALANCERS[kind].model_validate(dict(value))
