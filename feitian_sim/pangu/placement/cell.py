"""``cell``: all replicas of a chunk in one of many small clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.bulk import apart, draw_again_until, draw_fitting, not_taken, place_in_blocks
from feitian_sim.pangu.placement.policy import (
    Ints,
    PlacementImpossible,
    PlacementPolicy,
    Servers,
    distinct,
    free_servers,
    on_other_domains,
)


class CellPlacement(PlacementPolicy):
    """Servers cut into disjoint cells over as many racks as can be; a chunk in one cell, on distinct racks of it.

    This is how storage is partitioned in practice: MinIO's erasure sets, the cells of Amazon ("Reducing the scope of
    impact with cell-based architecture", AWS Well-Architected, 2023), partitioned clusters in the terms of Cidon et
    al. (Copysets, ATC 2013). Nothing is lost unless a burst takes as many servers of one cell as there are replicas:
    of N servers in cells of c at most ``N / c * C(c, R)`` copysets are used, and the scatter width is c - 1. A server
    is rebuilt from the c - 1 others of its cell only, so repair is slow, and a cell that fails loses much at once.
    Within a cell load is even. A cluster that grows gets whole cells, and nothing that is there moves.

    Cells have at most ``cell_size`` servers, but no fewer than replicas, and differ by one at most. A repair
    that finds no room in the chunk's cell leaves it.
    """

    kind: Literal["cell"] = "cell"
    cell_size: int = Field(
        default=12,
        ge=1,
        description="Servers in a cell, at most (count); default 12. Source: MinIO, whose erasure sets have 2 to 16 "
        "drives.",
    )

    _cell: Ints | None = PrivateAttr(default=None)
    _replicas: int = PrivateAttr(default=1)

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """Deal the servers to the cells, rack after rack, so that a cell has few of each."""
        self._replicas = replicas
        with_disks = np.flatnonzero(view.capacity_bytes > 0)
        count = max(1, min(-(-len(with_disks) // self.cell_size), len(with_disks) // max(1, replicas)))
        racks, index = np.unique(view.rack[with_disks], return_inverse=True)
        order = np.lexsort((stream.uniforms(len(with_disks)), stream.permutation(len(racks))[index]))
        self._cell = np.full(view.count, -1, dtype=np.int64)
        self._cell[with_disks[order]] = np.arange(len(with_disks)) % count

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
        """Any free server of a cell that can take the chunk, then others of that cell on other racks."""
        free = free_servers(view, chosen, exclude, size_bytes)
        if not len(chosen):
            whole = self._in_whole_cells(view, free)
            if not len(whole):
                racks = len(np.unique(view.rack[free]))
                raise PlacementImpossible(
                    f"{self._replicas} replicas need a cell with as many racks with a living server that has room; "
                    f"no cell has, with {racks} racks in all"
                )
            return int(stream.choice(whole))
        near = free[self.cells[free] == self.cells[chosen[0]]]
        if relaxed:
            # In order of what is given up: nothing, distinct racks, the cell.
            elsewhere = ~np.isin(view.rack, view.rack[list(chosen)])
            wishes = (near[elsewhere[near]], near, free[elsewhere[free]], free)
            return int(stream.choice(next(wish for wish in wishes if len(wish))))
        if not len(near):
            raise PlacementImpossible(f"the cell of server {chosen[0]} has no room for another replica")
        return int(stream.choice(on_other_domains(view, near, chosen, view.rack, "racks", relaxed)))

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """Columns of servers: the first anywhere, the others drawn from its cell until their racks differ."""
        return place_in_blocks(self, view, replicas, stream, sizes, self._column)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ and the cell is the same."""
        return distinct(view, servers, view.rack) and len(np.unique(self.cells[list(servers)])) <= 1

    @property
    def cells(self) -> Ints:
        """The cell of each server: int64[servers], -1 without disks. Raises RuntimeError before ``prepare``."""
        if self._cell is None:
            raise RuntimeError("CellPlacement.prepare must be called before anything is placed")
        return self._cell

    def _column(self, view: ClusterView, free: Ints, chosen: Ints, stream: Stream) -> Ints:
        if not chosen.shape[1]:
            whole = self._in_whole_cells(view, free)
            return draw_fitting(whole, chosen, stream, not_taken) if len(whole) else np.full(len(chosen), -1)
        cells = self.cells
        by_cell = free[np.argsort(cells[free], kind="stable")]
        first, after = (np.searchsorted(cells[by_cell], cells[chosen[:, 0]], side=side) for side in ("left", "right"))

        def propose(rows: Ints) -> Ints:
            drawn = first[rows] + (stream.uniforms(len(rows)) * (after - first)[rows]).astype(np.int64)
            near: Ints = by_cell[drawn]
            return near

        return draw_again_until(propose, chosen, apart(view.rack))

    def _in_whole_cells(self, view: ClusterView, free: Ints) -> Ints:
        """Those of ``free`` whose cell has free servers on as many racks as there are replicas."""
        cell, rack = self.cells[free], view.rack[free]
        has_rack = np.zeros((int(self.cells.max(initial=0)) + 1, int(view.rack.max(initial=0)) + 1), dtype=np.bool_)
        has_rack[cell, rack] = True
        whole: Ints = free[has_rack.sum(axis=1)[cell] >= self._replicas]
        return whole
