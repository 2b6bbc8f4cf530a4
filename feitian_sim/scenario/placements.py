"""``pangu.placement`` and ``pangu.rebalance``: by an id, by an id with options, or a class of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feitian_sim.pangu.placement import POLICIES
from feitian_sim.pangu.rebalance import REBALANCERS
from feitian_sim.scenario.choices import choice_is_known, kind_and_options
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.problems import KeyPath, Problem

_PATH: KeyPath = ("pangu", "placement")
_REBALANCE: KeyPath = ("pangu", "rebalance")
#: Policies that never put two replicas of a chunk on one rack.
_ONE_REPLICA_PER_RACK = (
    "pangu", "rack-spread", "two-choices", "available-space", "tiered", "node-group", "crush", "rendezvous", "cell",
)  # fmt: skip


def wants_racks(placement: str | dict[str, Any]) -> bool:
    """Whether the placement needs as many racks as replicas."""
    return kind_and_options(placement)[0] in _ONE_REPLICA_PER_RACK


def placement_is_known(draft: Draft) -> Iterator[Problem]:
    """The policy is one of the table or the user's own, and its options are fields of it."""
    if draft.scenario.pangu is not None and draft.sound(_PATH):
        yield from choice_is_known(draft, _PATH, draft.scenario.pangu.placement, POLICIES, "policy", "the placement")


def rebalance_is_known(draft: Draft) -> Iterator[Problem]:
    """The rebalancer is one of the table or the user's own, and its options are fields of it."""
    if draft.scenario.pangu is not None and draft.sound(_REBALANCE):
        value = draft.scenario.pangu.rebalance
        yield from choice_is_known(draft, _REBALANCE, value, REBALANCERS, "rebalancer", "the rebalancer")
