"""``hdfs``: one replica near the writer, two on one other rack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import (
    Ints,
    PlacementImpossible,
    PlacementPolicy,
    Servers,
    free_servers,
    on_other_domains,
)


class HdfsPlacement(PlacementPolicy):
    """The writer's machine (or any), then another rack, then another machine of that second rack, then any.

    Source: Shvachko et al., HDFS, MSST 2010, section 3.3 (BlockPlacementPolicyDefault). One hop between racks a
    write; the loss of two racks can lose a chunk.
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
            return int(stream.choice(on_other_domains(view, free, chosen, view.rack, "racks", relaxed)))
        if len(chosen) == 2:
            near = free[view.rack[free] == view.rack[chosen[-1]]]
            if len(near):
                return int(stream.choice(near))
        return int(stream.choice(free))

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """The same pattern for all chunks at once, writers everywhere; rows that do not fit it are drawn again."""
        free = free_servers(view, (), (), 0)
        if replicas > len(free):
            raise PlacementImpossible(f"{replicas} replicas need {replicas} servers; {len(free)} have room")
        rows = np.empty((count, replicas), dtype=np.int32)
        left = np.arange(count)
        by_rack = free[np.argsort(view.rack[free], kind="stable")]
        for _ in range(10_000):
            if not len(left):
                return rows
            rows[left] = self._draw(view, free, by_rack, len(left), replicas, stream)
            left = left[self._misfit(view, rows[left], len(np.unique(view.rack[free])) > 1)]
        raise PlacementImpossible("no rack holds two servers with room beside a replica on another rack")

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether they are on two racks at least."""
        return super().satisfied(view, servers) and (len(servers) < 2 or len(np.unique(view.rack[list(servers)])) > 1)

    def _draw(
        self, view: ClusterView, free: Ints, by_rack: Ints, count: int, replicas: int, stream: Stream
    ) -> npt.NDArray[np.int64]:
        drawn = free[(stream.uniforms(count * replicas) * len(free)).astype(np.int64)].reshape(count, replicas)
        if replicas >= 3:
            racks = view.rack[by_rack]
            first = np.searchsorted(racks, view.rack[drawn[:, 1]], side="left")
            after = np.searchsorted(racks, view.rack[drawn[:, 1]], side="right")
            drawn[:, 2] = by_rack[first + (stream.uniforms(count) * (after - first)).astype(np.int64)]
        return drawn

    def _misfit(self, view: ClusterView, rows: Servers, several_racks: bool) -> npt.NDArray[np.bool_]:
        ordered = np.sort(rows, axis=1)
        wrong: npt.NDArray[np.bool_] = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        if several_racks and rows.shape[1] > 1:
            wrong |= view.rack[rows[:, 0]] == view.rack[rows[:, 1]]
        return wrong
