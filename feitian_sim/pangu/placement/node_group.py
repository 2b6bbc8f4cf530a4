"""``node-group``: the other replicas within a window of a ring, after the first."""

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
    PlacementPolicy,
    Servers,
    distinct,
    free_servers,
    on_other_domains,
)


class NodeGroupPlacement(PlacementPolicy):
    """A first server anywhere, the others on distinct racks among the next few of a ring of all servers (HDFS-1094).

    The rule that Facebook ran, as Cidon et al. (Copysets, ATC 2013) count it: with R replicas and a window of S
    servers a ring of N > 2 S has ``N * C(S, R - 1)`` copysets where every server is a rack of its own (275,000 for
    N = 5,000, R = 3, S = 11), and fewer where the window holds two of one rack. That is far fewer than the
    ``C(N, R)`` of random placement, and more than the minimal copysets of the same scatter width, which is 2 S: a
    server's chunks are on its S neighbours on each side, from which it is rebuilt. Load is even, as every server is
    drawn first equally often.

    The published code keeps a second window, of racks. Here the ring takes the racks in turn instead, each rack's
    servers evenly spaced, so that the next servers are on other racks. Where nothing in the window fits, the next
    server after it does.
    """

    kind: Literal["node-group"] = "node-group"
    machine_window: int = Field(
        default=10,
        ge=1,
        description="Servers of the ring after a chunk's first, where its others are (count); default 10. "
        "Source: HDFS-1094; Cidon et al., ATC 2013, section 2.",
    )

    #: Servers in order of the ring, and where in the ring each server is.
    _ring: Ints | None = PrivateAttr(default=None)
    _position: Ints | None = PrivateAttr(default=None)

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """Order the servers: racks in turn, those of an uneven rack evenly spaced."""
        by_rack = np.argsort(view.rack, kind="stable")
        _, first, sizes = np.unique(view.rack[by_rack], return_index=True, return_counts=True)
        within = np.arange(view.count) - np.repeat(first, sizes)
        self._ring = by_rack[np.argsort((2 * within + 1) / np.repeat(sizes, sizes), kind="stable")]
        self._position = np.argsort(self._ring, kind="stable")

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
        """Any server first, then one of the window; in a repair one that leaves all within a window."""
        free = free_servers(view, chosen, exclude, size_bytes)
        if not len(chosen):
            return int(stream.choice(free))
        free = on_other_domains(view, free, chosen, view.rack, "racks", relaxed)
        after = self._after(free, chosen[0])
        if relaxed:
            # Which of the survivors was the first is not known: any window that holds all of them will do.
            beside = np.broadcast_to(np.array(chosen, dtype=np.int64), (len(free), len(chosen)))
            near = free[self._spans(np.column_stack([beside, free])) <= self.machine_window]
        else:
            near = free[after <= self.machine_window]
        return int(stream.choice(near)) if len(near) else int(free[np.argmin(after)])

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """Columns of servers: the first anywhere, the others drawn from its window until their racks differ."""
        return place_in_blocks(self, view, replicas, stream, sizes, self._column)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ and one window holds all servers."""
        return distinct(view, servers, view.rack) and bool(
            self._spans(np.array([servers], dtype=np.int64))[0] <= self.machine_window
        )

    def _column(self, view: ClusterView, free: Ints, chosen: Ints, stream: Stream) -> Ints:
        if not chosen.shape[1]:
            return draw_fitting(free, chosen, stream, not_taken)
        ring, position = self._order()
        usable = np.zeros(view.count, dtype=np.bool_)
        usable[free] = True
        other_rack = apart(view.rack)
        window = min(self.machine_window, view.count - 1)
        first = position[chosen[:, 0]]

        def propose(rows: Ints) -> Ints:
            step = 1 + (stream.uniforms(len(rows)) * window).astype(np.int64)
            near: Ints = ring[(first[rows] + step) % len(ring)]
            return near

        return draw_again_until(propose, chosen, lambda servers, beside: usable[servers] & other_rack(servers, beside))

    def _after(self, servers: Ints, first: int) -> Ints:
        """How many steps of the ring lead from the first server to each of these."""
        ring, position = self._order()
        steps: Ints = (position[servers] - position[first]) % len(ring)
        return steps

    def _spans(self, rows: Ints) -> Ints:
        """The steps of the ring that each row of servers covers."""
        ring, position = self._order()
        ordered = np.sort(position[rows], axis=1)
        # The longest way between neighbours, around the end too, is what the row leaves out.
        around = ordered[:, :1] + len(ring) - ordered[:, -1:]
        spans: Ints = len(ring) - np.concatenate([np.diff(ordered, axis=1), around], axis=1).max(axis=1)
        return spans

    def _order(self) -> tuple[Ints, Ints]:
        if self._ring is None or self._position is None:
            raise RuntimeError("NodeGroupPlacement.prepare must be called before anything is placed")
        return self._ring, self._position
