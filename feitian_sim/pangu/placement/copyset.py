"""``copyset``: all chunks of a server share a few fixed groups of servers."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.fixed_groups import FixedGroupsPlacement


class CopysetPlacement(FixedGroupsPlacement):
    """Replicas on one of the copysets of a random server (Cidon et al., Copysets, ATC 2013).

    ``ceil(scatter_width / (replicas - 1))`` permutations of the servers are cut into groups, no two of a group on one
    rack. Fewer groups are ever used, so a burst of failures hits one more rarely, and then loses more at once; a
    server's chunks are rebuilt from ``scatter_width`` others only.
    """

    kind: Literal["copyset"] = "copyset"
    scatter_width: int = Field(default=4, ge=1, description="Servers that share chunks with a server (count).")

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """Draw the copysets, over all servers that have disks."""
        rounds = max(1, -(-self.scatter_width // max(1, replicas - 1)))
        groups = [group for _ in range(rounds) for group in _one_round(view, replicas, stream)]
        self._sets = np.array(groups, dtype=np.int64).reshape(len(groups), replicas)


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
