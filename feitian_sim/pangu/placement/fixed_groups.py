"""Policies whose chunks go to a few groups of servers, fixed beforehand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import PrivateAttr

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.bulk import fill_in_blocks
from feitian_sim.pangu.placement.policy import (
    Ints,
    PlacementImpossible,
    PlacementPolicy,
    Servers,
    distinct,
    free_servers,
    on_other_domains,
)


class FixedGroupsPlacement(PlacementPolicy):
    """All replicas of a chunk on one copyset, drawn uniformly; a subclass's ``prepare`` fixes the copysets.

    Where no copyset has room on all its servers, or a repair finds none that holds the survivors, servers are chosen
    one by one by ``next_server``.
    """

    #: All copysets of the cluster, int64[copysets, replicas]: a dead server's wait for its return.
    _sets: Ints | None = PrivateAttr(default=None)

    def place(
        self,
        view: ClusterView,
        replicas: int,
        stream: Stream,
        *,
        writer: int | None = None,
        exclude: Sequence[int] = (),
        existing: Sequence[int] = (),
        size_bytes: int = 0,
    ) -> tuple[int, ...]:
        """Members of a copyset that holds ``existing``; of a random one when there is none."""
        usable = np.zeros(view.count, dtype=np.bool_)
        usable[free_servers(view, existing, exclude, size_bytes)] = True
        sets = self.copysets
        fits = usable[sets].sum(axis=1) >= replicas
        for server in existing:
            fits &= (sets == server).any(axis=1)
        candidates = sets[fits]
        if len(candidates):
            chosen = candidates[stream.integer(len(candidates))]
            members = chosen[usable[chosen]]
            return tuple(self.in_order(members[stream.permutation(len(members))])[:replicas].tolist())
        # The copyset of the survivors has lost a member: others stand in for it, chosen one by one.
        return super().place(
            view, replicas, stream, writer=writer, exclude=exclude, existing=existing, size_bytes=size_bytes
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
        """Any free server on another rack, as of ``rack-spread``."""
        free = free_servers(view, chosen, exclude, size_bytes)
        return int(stream.choice(on_other_domains(view, free, chosen, view.rack, "racks", relaxed)))

    def in_order(self, members: Ints) -> Ints:
        """Members of a copyset in the order in which they take replicas: the first is the primary of the chunk."""
        return members

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """A copyset for each chunk, drawn uniformly among those with room for it."""

        def draw(filling: ClusterView, rows: int, size_bytes: int) -> Ints:
            usable = np.zeros(view.count, dtype=np.bool_)
            usable[filling.candidates((), size_bytes)] = True
            sets = self.copysets[usable[self.copysets].all(axis=1)]
            if not len(sets):
                raise PlacementImpossible("no copyset has room on all its servers")
            return sets[(stream.uniforms(rows) * len(sets)).astype(np.int64)]

        return fill_in_blocks(self, view, replicas, stream, sizes, draw)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ."""
        return distinct(view, servers, view.rack)

    @property
    def copysets(self) -> Ints:
        """All groups of servers: int64[copysets, replicas]. Raises RuntimeError before ``prepare``."""
        if self._sets is None:
            raise RuntimeError(f"{type(self).__name__}.prepare must be called before anything is placed")
        return self._sets
