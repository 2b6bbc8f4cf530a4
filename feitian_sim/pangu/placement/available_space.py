"""``available-space``: of two, more often the less used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import PlacementPolicy, Servers, distinct, free_servers, on_other_domains


class AvailableSpacePlacement(PlacementPolicy):
    """Distinct racks, on each the less used of two servers with a probability of 0.6 (HDFS-8131, HDFS-15288).

    The rule of AvailableSpaceRackFaultTolerantBlockPlacementPolicy: the first of the two drawn where their shares of
    used space differ by less than ``tolerance`` (HDFS-16277), else the less used with probability ``preference``. An
    empty server among full ones gets 1.2 times the mean of new replicas with a preference of 0.6, and twice with 1:
    new servers fill up gently and are not flooded with writes, but usage evens out slowly, and below the tolerance
    the spread is that of ``rack-spread``. Scatter width, losses in bursts and repair are those of ``rack-spread``.
    """

    kind: Literal["available-space"] = "available-space"
    preference: float = Field(
        default=0.6,
        ge=0.5,
        le=1.0,
        description="Probability of the less used of two (ratio); default 0.6. Source: HDFS, "
        "dfs.namenode.available-space-block-placement-policy.balanced-space-preference-fraction.",
    )
    tolerance: float = Field(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="Two servers whose shares of used space differ by less count as equal (ratio); default 0.05. "
        "Source: HDFS-16277.",
    )

    def next_server(
        self,
        view: ClusterView,
        chosen: Sequence[int],
        stream: Stream,
        writer: int | None,
        exclude: Sequence[int],
        size_bytes: int,
        relaxed: bool,
    ) -> int:
        """One of two on another rack, the less used more often."""
        free = free_servers(view, chosen, exclude, size_bytes)
        free = on_other_domains(view, free, chosen, view.rack, "racks", relaxed)
        first, second = (int(stream.choice(free)) for _ in range(2))
        gap = float(view.used_ratio()[first] - view.used_ratio()[second])
        emptier = stream.uniform() < self.preference
        if gap == 0.0 or abs(gap) < self.tolerance:
            return first
        return second if (gap > 0.0) == emptier else first

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """Chunk after chunk, each choice made on the space that is used at that moment."""
        # Compiled by numba, so imported only where chunks are placed in bulk.
        from feitian_sim.pangu.placement.in_turn import place_in_turn

        return place_in_turn(self, view, replicas, stream, sizes, 2, self.preference, self.tolerance)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ."""
        return distinct(view, servers, view.rack)
