"""``rack-spread``: every replica on another rack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.bulk import apart, draw_fitting, place_in_blocks
from feitian_sim.pangu.placement.policy import PlacementPolicy, Servers, distinct, free_servers, on_other_domains


class RackSpreadPlacement(PlacementPolicy):
    """Distinct racks, any server in each (HDFS-7891, BlockPlacementPolicyRackFaultTolerant).

    No loss of fewer racks than replicas loses a chunk; all repair crosses racks.
    """

    kind: Literal["rack-spread"] = "rack-spread"

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
        """Any free server on another rack."""
        free = free_servers(view, chosen, exclude, size_bytes)
        return int(stream.choice(on_other_domains(view, free, chosen, view.rack, "racks", relaxed)))

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """Columns of servers; one whose rack is in the row already is drawn again."""
        other_rack = apart(view.rack)
        return place_in_blocks(
            self,
            view,
            replicas,
            stream,
            sizes,
            lambda _, free, chosen, draws: draw_fitting(free, chosen, draws, other_rack),
        )

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ."""
        return distinct(view, servers, view.rack)
