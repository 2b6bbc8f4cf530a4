"""Placement policies: one file each, and the table of those that come with Pangu.

A user's own is ``file.py:Class``, a subclass of :class:`PlacementPolicy`, which the scenario loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from feitian_sim.pangu.placement.available_space import AvailableSpacePlacement
from feitian_sim.pangu.placement.cell import CellPlacement
from feitian_sim.pangu.placement.copyset import CopysetPlacement
from feitian_sim.pangu.placement.crush import CrushPlacement
from feitian_sim.pangu.placement.hdfs import HdfsPlacement
from feitian_sim.pangu.placement.node_group import NodeGroupPlacement
from feitian_sim.pangu.placement.pangu import PanguPlacement
from feitian_sim.pangu.placement.policy import PlacementImpossible, PlacementPolicy
from feitian_sim.pangu.placement.rack_spread import RackSpreadPlacement
from feitian_sim.pangu.placement.random import RandomPlacement
from feitian_sim.pangu.placement.rendezvous import RendezvousPlacement
from feitian_sim.pangu.placement.tiered import TieredPlacement
from feitian_sim.pangu.placement.two_choices import TwoChoicesPlacement

__all__ = ["POLICIES", "PlacementImpossible", "PlacementPolicy", "placement_from"]

POLICIES: Mapping[str, type[PlacementPolicy]] = MappingProxyType(
    {
        "pangu": PanguPlacement,
        "rack-spread": RackSpreadPlacement,
        "random": RandomPlacement,
        "hdfs": HdfsPlacement,
        "copyset": CopysetPlacement,
        "two-choices": TwoChoicesPlacement,
        "available-space": AvailableSpacePlacement,
        "tiered": TieredPlacement,
        "node-group": NodeGroupPlacement,
        "crush": CrushPlacement,
        "rendezvous": RendezvousPlacement,
        "cell": CellPlacement,
    }
)


def placement_from(value: str | Mapping[str, Any] | PlacementPolicy) -> PlacementPolicy:
    """The policy named by an id, described by ``{kind: id, ...options}``, or given.

    Raises ValueError for an id that is not in the table, and pydantic's error for wrong options.
    """
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping):
        return value
    kind = str(value.get("kind"))
    if kind not in POLICIES:
        near = get_close_matches(kind, POLICIES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no placement policy is called {kind!r} ({', '.join(POLICIES)}){hint}")
    return POLICIES[kind].model_validate(dict(value))
