"""Movement: which share of the data another number of racks or servers moves, beside the least that it could.

A policy that computes where data lies (CRUSH, rendezvous hashing) moves what its rule says; it is asked for the
same chunks, with the same draws, before and after. A policy that remembers moves nothing when servers are added, unless
a rebalancer does, and then the optimum at least. What lies on a server that goes must move in any case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.survey.layout import Layout


@dataclass(frozen=True, slots=True)
class Movement:
    """``servers`` added (or, negative, removed): the share of all replicas that moves, and the least possible."""

    servers: int
    moved_ratio: float
    optimum_ratio: float


def moved_ratio(before: npt.NDArray[np.integer], after: npt.NDArray[np.integer]) -> float:
    """Share of the replicas of the same chunks that lie on a server which did not have the chunk before."""
    if not len(before):
        return 0.0
    stays = np.zeros(len(before))
    for column in range(before.shape[1]):
        stays += (after == before[:, [column]]).any(axis=1)
    return float(1 - stays.sum() / before.size)


def growth_optimum(capacity_before: int, capacity_added: int) -> float:
    """What must move so that all are equally full: the new servers' share of the capacity."""
    return capacity_added / (capacity_before + capacity_added)


def removal_optimum(layout: Layout, removed: npt.NDArray[np.int64]) -> float:
    """What must move when servers go: the share of the replicas that lies on them."""
    gone = np.zeros(layout.view.count, dtype=np.bool_)
    gone[removed] = True
    return float(gone[layout.rows].mean()) if layout.chunks else 0.0
