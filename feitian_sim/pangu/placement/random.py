"""``random``: any distinct servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.bulk import draw_fitting, not_taken, place_in_blocks
from feitian_sim.pangu.placement.policy import PlacementPolicy, Servers, free_servers


class RandomPlacement(PlacementPolicy):
    """Distinct servers, uniformly, whatever their rack: the baseline of every study.

    Fastest to rebuild, since every server shares chunks with every other; for the same reason any burst of as many
    failures as there are replicas loses something (Cidon et al., Copysets, ATC 2013).
    """

    kind: Literal["random"] = "random"

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
        """Any free server."""
        return int(stream.choice(free_servers(view, chosen, exclude, size_bytes)))

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """Columns of servers; one that is in the row already is drawn again."""
        return place_in_blocks(
            self,
            view,
            replicas,
            stream,
            sizes,
            lambda _, free, chosen, draws: draw_fitting(free, chosen, draws, not_taken),
        )
