"""Balance: how evenly data lies over servers, racks and power domains, and how full the cluster may become.

A cluster is as full as its fullest server: with the same placement it takes data until that one has no room, and what
the others have left then is stranded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.survey.layout import Layout


@dataclass(frozen=True, slots=True)
class Spread:
    """How full something is, as shares of capacity: over servers, racks or power domains. ``sd``: of the population."""

    count: int
    minimum: float
    p10: float
    p50: float
    p90: float
    maximum: float
    mean: float
    sd: float


def spread_over_servers(layout: Layout) -> Spread:
    """How full the servers with disks are."""
    servers = layout.servers
    return _spread(layout.used_bytes[servers] / layout.view.capacity_bytes[servers])


def spread_over(layout: Layout, domain: npt.NDArray[np.int32]) -> Spread:
    """How full domains (racks, power domains) are that have disks."""
    names, where = np.unique(domain[layout.servers], return_inverse=True)
    used = np.bincount(where, weights=layout.used_bytes[layout.servers], minlength=len(names))
    capacity = np.bincount(where, weights=layout.view.capacity_bytes[layout.servers], minlength=len(names))
    return _spread(used / capacity)


def usable_ratio(layout: Layout) -> float:
    """Share of the raw capacity that holds data when the fullest server is full, at this layout's proportions."""
    spread = spread_over_servers(layout)
    if spread.maximum == 0:
        return 1.0
    servers = layout.servers
    mean = float(layout.used_bytes[servers].sum() / layout.view.capacity_bytes[servers].sum())
    return mean / spread.maximum


def _spread(ratios: npt.NDArray[np.float64]) -> Spread:
    low, p10, p50, p90, high = np.percentile(ratios, [0, 10, 50, 90, 100]).tolist()
    return Spread(len(ratios), low, p10, p50, p90, high, float(np.mean(ratios)), float(np.std(ratios)))
