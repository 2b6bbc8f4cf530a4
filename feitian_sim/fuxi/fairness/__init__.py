"""Fairness policies: one file each, and the table of those that come with Fuxi.

A user's own is ``file.py:Class``, a subclass of :class:`FairnessPolicy`, which the scenario loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from feitian_sim.fuxi.fairness.asset import AssetFairness
from feitian_sim.fuxi.fairness.drf import DrfFairness
from feitian_sim.fuxi.fairness.fifo import FifoFairness
from feitian_sim.fuxi.fairness.max_min import MaxMinFairness
from feitian_sim.fuxi.fairness.policy import Among, FairnessPolicy, Party
from feitian_sim.fuxi.fairness.quota_share import QuotaShareFairness

__all__ = ["FAIRNESS", "Among", "FairnessPolicy", "Party"]

FAIRNESS: Mapping[str, type[FairnessPolicy]] = MappingProxyType(
    {
        "fifo": FifoFairness,
        "drf": DrfFairness,
        "max-min": MaxMinFairness,
        "asset": AssetFairness,
        "quota-share": QuotaShareFairness,
    }
)
