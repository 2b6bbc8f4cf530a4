"""``copyset``: all chunks of a server share a few fixed groups of servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

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
)
from feitian_sim.pangu.placement.rack_spread import RackSpreadPlacement


class CopysetPlacement(PlacementPolicy):
    """Replicas on one of the copysets of a random server (Cidon et al., Copysets, ATC 2013).

    ``ceil(scatter_width / (replicas - 1))`` permutations of the servers are cut into groups, no two of a group on one
    rack. Fewer groups are ever used, so a burst of failures hits one more rarely, and then loses more at once; a
    server's chunks are rebuilt from ``scatter_width`` others only.
    """

    kind: Literal["copyset"] = "copyset"
    scatter_width: int = Field(default=4, ge=1, description="Servers that share chunks with a server (count).")

    #: All copysets of the cluster, int64[copysets, replicas]: a dead server's wait for its return.
    _sets: Ints | None = PrivateAttr(default=None)

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """Draw the copysets, over all servers that have disks."""
        rounds = max(1, -(-self.scatter_width // max(1, replicas - 1)))
        groups = [group for _ in range(rounds) for group in _one_round(view, replicas, stream)]
        self._sets = np.array(groups, dtype=np.int64).reshape(len(groups), replicas)

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
            return tuple(members[stream.permutation(len(members))][:replicas].tolist())
        # The copyset of the survivors has lost a member: stand in for it as rack-spread would.
        return RackSpreadPlacement().place(
            view, replicas, stream, writer=writer, exclude=exclude, existing=existing, size_bytes=size_bytes
        )

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
            raise RuntimeError("CopysetPlacement.prepare must be called before anything is placed")
        return self._sets


def _one_round(view: ClusterView, replicas: int, stream: Stream) -> list[list[int]]:
    """Cut one permutation into groups; whoever shares a rack with the open group waits for the next."""
    with_disks = np.flatnonzero(view.capacity_bytes > 0)
    waiting = with_disks[stream.permutation(len(with_disks))].tolist()
    enough_racks = len(np.unique(view.rack[with_disks])) >= replicas
    groups: list[list[int]] = []
    while len(waiting) >= replicas:
        group: list[int] = []
        racks: dict[int, None] = {}
        for server in waiting:
            rack = int(view.rack[server])
            if len(group) < replicas and (not enough_racks or rack not in racks):
                group.append(server)
                racks[rack] = None
        if len(group) < replicas:
            break
        groups.append(group)
        taken = dict.fromkeys(group)
        waiting = [server for server in waiting if server not in taken]
    return groups
