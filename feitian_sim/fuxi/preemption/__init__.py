"""Preemption policies: one file each, and the table of those that come with Fuxi.

A user's own is ``file.py:Class``, a subclass of :class:`PreemptionPolicy`, which the scenario loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from feitian_sim.fuxi.preemption.largest import LargestFirst
from feitian_sim.fuxi.preemption.latest import LatestFirst
from feitian_sim.fuxi.preemption.policy import PreemptionPolicy, Victim
from feitian_sim.fuxi.preemption.smallest import SmallestFirst

__all__ = ["PREEMPTION", "PreemptionPolicy", "Victim"]

PREEMPTION: Mapping[str, type[PreemptionPolicy]] = MappingProxyType(
    {"latest": LatestFirst, "largest": LargestFirst, "smallest": SmallestFirst}
)
