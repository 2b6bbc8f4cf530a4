"""``hdfs``: one replica near the writer, two on one other rack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.bulk import apart, draw_again_until, draw_fitting, not_taken, place_in_blocks
from feitian_sim.pangu.placement.policy import (
    Ints,
    PlacementPolicy,
    Servers,
    free_servers,
    on_other_domains,
)


class HdfsPlacement(PlacementPolicy):
    """The writer's machine (or any), then another rack, then another machine of that second rack, then any.

    Source: Shvachko et al., HDFS, MSST 2010, section 3.3 (BlockPlacementPolicyDefault, which makes do with fewer
    racks rather than refuse). One hop between racks a write; the loss of two racks can lose a chunk.
    """

    kind: Literal["hdfs"] = "hdfs"

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
        """The server that completes the pattern: two racks, the second with two."""
        free = free_servers(view, chosen, exclude, size_bytes)
        if not len(chosen):
            return writer if writer is not None and writer in free else int(stream.choice(free))
        racks = np.unique(view.rack[list(chosen)])
        if len(racks) == 1:
            return int(stream.choice(on_other_domains(view, free, chosen, view.rack, "racks", relaxed=True)))
        if len(chosen) == 2:
            near = free[view.rack[free] == view.rack[chosen[-1]]]
            if len(near):
                return int(stream.choice(near))
        return int(stream.choice(free))

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """The same pattern by columns, writers everywhere."""
        return place_in_blocks(self, view, replicas, stream, sizes, self._column)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether they are on two racks at least."""
        return super().satisfied(view, servers) and (len(servers) < 2 or len(np.unique(view.rack[list(servers)])) > 1)

    def _column(self, view: ClusterView, free: Ints, chosen: Ints, stream: Stream) -> Ints:
        if chosen.shape[1] == 1:
            return draw_fitting(free, chosen, stream, apart(view.rack))
        if chosen.shape[1] != 2:
            return draw_fitting(free, chosen, stream, not_taken)
        by_rack = free[np.argsort(view.rack[free], kind="stable")]
        racks = view.rack[by_rack]
        second = view.rack[chosen[:, 1]]
        first, after = np.searchsorted(racks, second, side="left"), np.searchsorted(racks, second, side="right")

        def propose(rows: Ints) -> Ints:
            drawn = first[rows] + (stream.uniforms(len(rows)) * (after - first)[rows]).astype(np.int64)
            near: Ints = by_rack[drawn]
            return near

        return draw_again_until(propose, chosen, not_taken)
