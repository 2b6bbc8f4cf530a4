"""``copyset``: all chunks of a server share a few fixed groups of servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import (
    PlacementImpossible,
    PlacementPolicy,
    Servers,
    distinct,
    free_servers,
    on_other_domains,
)


class CopysetPlacement(PlacementPolicy):
    """Replicas on one of the copysets of a random server (Cidon et al., Copysets, ATC 2013).

    ``ceil(scatter_width / (replicas - 1))`` permutations of the servers are cut into groups, no two of a group on one
    rack. Fewer groups are ever used, so a burst of failures hits one more rarely, and then loses more at once; a
    server's chunks are rebuilt from ``scatter_width`` others only.
    """

    kind: Literal["copyset"] = "copyset"
    scatter_width: int = Field(default=4, ge=1, description="Servers that share chunks with a server (count).")

    _sets: dict[tuple[int, bytes], npt.NDArray[np.int64]] = PrivateAttr(default_factory=dict)

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
        """The rest of a copyset that holds ``existing``; of a random server's when there is none."""
        free = free_servers(view, existing, exclude, size_bytes)
        sets = self.copysets(view, len(existing) + replicas, stream)
        usable = np.zeros(view.count, dtype=np.bool_)
        usable[free] = True
        usable[list(existing)] = True
        fits = usable[sets].all(axis=1)
        for server in existing:
            fits &= (sets == server).any(axis=1)
        candidates = sets[fits]
        if len(candidates):
            chosen = candidates[stream.integer(len(candidates))]
            return tuple(int(server) for server in chosen if server not in existing)
        # The copyset of the survivors has lost a member: stand in for it as rack-spread would.
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
        """Any free server on another rack."""
        free = free_servers(view, chosen, exclude, size_bytes)
        return int(stream.choice(on_other_domains(view, free, chosen, view.rack, "racks", relaxed)))

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """A copyset for each chunk, drawn uniformly."""
        free_servers(view, (), (), 0)
        sets = self.copysets(view, replicas, stream)
        usable = np.zeros(view.count, dtype=np.bool_)
        usable[view.candidates()] = True
        sets = sets[usable[sets].all(axis=1)]
        if not len(sets):
            raise PlacementImpossible(f"{replicas} replicas need {replicas} living servers on distinct racks")
        rows: Servers = sets[(stream.uniforms(count) * len(sets)).astype(np.int64)].astype(np.int32)
        return rows

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ."""
        return distinct(view, servers, view.rack)

    def copysets(self, view: ClusterView, replicas: int, stream: Stream) -> npt.NDArray[np.int64]:
        """All groups of servers, int64[groups, replicas], drawn once: a dead server's groups wait for its return."""
        key = (replicas, view.rack.tobytes())
        if key not in self._sets:
            draws = stream.child("copysets")
            rounds = max(1, -(-self.scatter_width // max(1, replicas - 1)))
            groups = [group for _ in range(rounds) for group in _one_round(view, replicas, draws)]
            self._sets[key] = np.array(groups, dtype=np.int64).reshape(len(groups), replicas)
        return self._sets[key]


def _one_round(view: ClusterView, replicas: int, stream: Stream) -> list[list[int]]:
    """Cut one permutation into groups; whoever shares a rack with the open group waits for the next."""
    waiting = stream.permutation(view.count).tolist()
    enough_racks = len(np.unique(view.rack)) >= replicas
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
