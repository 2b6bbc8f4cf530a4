"""``two-choices``: the less full of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import PlacementPolicy, Servers, distinct, free_servers, on_other_domains


class TwoChoicesPlacement(PlacementPolicy):
    """Distinct racks, on each the less full of two servers drawn (Mitzenmacher, IEEE TPDS 2001).

    With ``choices`` d of n servers the fullest exceeds the mean by about ``ln ln n / ln d`` chunks however many there
    are (Berenbrink et al., SIAM J. Comput. 2006); with a single choice it is ``sqrt(2 k ln n)`` for a mean of k. In all
    else it is ``rack-spread``: any servers of distinct racks may share a chunk, so the scatter width is the
    whole cluster, repair is as parallel as can be and all of it crosses racks, and a burst of as many failures as
    there are replicas loses something once chunks are many. Servers that are added draw new chunks until they are
    as full as the rest; nothing that is there moves.
    """

    kind: Literal["two-choices"] = "two-choices"
    choices: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Servers drawn for a replica, of which the less full is taken (count); default 2. "
        "Source: Mitzenmacher, IEEE TPDS 2001.",
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
        """The less full of a few on another rack."""
        free = free_servers(view, chosen, exclude, size_bytes)
        free = on_other_domains(view, free, chosen, view.rack, "racks", relaxed)
        drawn = free[(stream.uniforms(self.choices) * len(free)).astype(np.int64)]
        # The first drawn of equally full ones, since the lowest index would herd.
        return int(drawn[int(np.argmin(view.used_ratio()[drawn]))])

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """Chunk after chunk, each choice made on the space that is used at that moment."""
        # Compiled by numba, so imported only where chunks are placed in bulk.
        from feitian_sim.pangu.placement.in_turn import place_in_turn

        return place_in_turn(self, view, replicas, stream, sizes, self.choices)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ."""
        return distinct(view, servers, view.rack)
