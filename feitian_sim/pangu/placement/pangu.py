"""``pangu``: other racks and power domains, then the emptier of a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.bulk import apart, draw_fitting, place_in_blocks
from feitian_sim.pangu.placement.policy import (
    Ints,
    PlacementPolicy,
    Servers,
    distinct,
    free_servers,
    on_other_domains,
)


class PanguPlacement(PlacementPolicy):
    """Distinct racks and, where there are enough, power domains; among those the least full of ``sample`` drawn.

    Source: Alibaba Cloud help document 35108 ("chunk server disk usage, distribution across racks, power
    distribution conditions, node workloads"). Drawing a few and taking the emptiest balances as well as taking the
    emptiest of all, without sending everything to one new server (Mitzenmacher, IEEE TPDS 2001).
    """

    kind: Literal["pangu"] = "pangu"
    sample: int = Field(default=4, ge=1, description="Servers drawn, of which the least full is taken; default 4.")

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
        """The least full of a few on another rack and power domain."""
        free = free_servers(view, chosen, exclude, size_bytes)
        free = on_other_domains(view, free, chosen, view.rack, "racks", relaxed)
        # With as few power domains as replicas, sharing one is better than refusing.
        free = on_other_domains(view, free, chosen, view.power_domain, "power domains", relaxed=True)
        return self._emptiest(view, free, stream)

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """Columns of servers, each the emptiest of its ``sample``, as full as they were a few chunks a server before."""
        # The longer the block, the more rows run to the same few servers that were emptiest at its start.
        block_rows = max(64, 4 * view.count // replicas)
        return place_in_blocks(self, view, replicas, stream, sizes, self._column, block_rows)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks and power domains differ."""
        return distinct(view, servers, view.rack) and distinct(view, servers, view.power_domain)

    def _column(self, view: ClusterView, free: Ints, chosen: Ints, stream: Stream) -> Ints:
        other_rack, other_domain = apart(view.rack), apart(view.power_domain)
        # With every power domain in the row already, sharing one is better than refusing.
        both = len(np.unique(view.power_domain[free])) > chosen.shape[1]

        def fits(servers: Ints, beside: Ints) -> npt.NDArray[np.bool_]:
            good = other_rack(servers, beside)
            return good & other_domain(servers, beside) if both else good

        drawn = np.stack([draw_fitting(free, chosen, stream, fits) for _ in range(self.sample)], axis=1)
        best = np.argmin(view.used_ratio()[drawn], axis=1)
        emptiest: Ints = drawn[np.arange(len(drawn)), best]
        emptiest[(drawn < 0).any(axis=1)] = -1
        return emptiest

    def _emptiest(self, view: ClusterView, free: Ints, stream: Stream) -> int:
        drawn = free[(stream.uniforms(self.sample) * len(free)).astype(np.int64)]
        ratios = view.used_ratio()[drawn]
        # The lowest index among equally full ones would herd: the first drawn it is.
        return int(drawn[int(np.argmin(ratios))])
