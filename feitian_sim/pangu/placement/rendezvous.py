"""``rendezvous``: the servers with the highest random weights for a group of chunks."""

from __future__ import annotations

from typing import Literal

import numpy as np

from feitian_sim.pangu.placement.cluster_map import ClusterMap, Mask, best_on_other_racks
from feitian_sim.pangu.placement.hashed_groups import HashedGroupsPlacement
from feitian_sim.pangu.placement.policy import Ints

#: Beyond this many groups by default, scoring every pair of a group and a server takes longer than most studies.
_MOST_GROUPS = 1 << 16


class RendezvousPlacement(HashedGroupsPlacement):
    """Highest random weight, on distinct racks (Thaler and Ravishankar, IEEE/ACM ToN 1998).

    Every server has a hash with the group; the best of each rack are ranked, and the first so many taken. Weighted
    by capacity w, the score is ``-w / ln(u)`` (Schindelhauer and Schomaker, SPAA 2005). A server that leaves moves
    only its own replicas, one that joins takes only its share, with distinct racks too: the minimum, and evenly from
    all. ``crush`` moves about as little and hashes racks first, so a group costs it a rack's servers instead of all.

    Chunks are hashed by group, since 10^7 chunks times 1,000 servers would be 10^10 hashes. With g replicas of groups
    on a server its load deviates by ``1 / sqrt(g)`` (10 % by default, where a hash for each chunk would be as even as
    ``rack-spread``). Copysets are as many as groups, so a burst loses less often than with ``rack-spread``, and the
    scatter width is at most 2 g for three replicas. By default there are no more than 65,536 groups.
    """

    kind: Literal["rendezvous"] = "rendezvous"

    def default_groups(self, servers: int, replicas: int) -> int:
        """About 100 replicas of groups on a server, up to a bound."""
        return min(super().default_groups(servers, replicas), _MOST_GROUPS)

    def choose(self, cluster: ClusterMap, groups: Ints, usable: Mask, count: int) -> Ints:
        """The best usable servers of the best racks."""
        servers = np.flatnonzero(usable)
        lengths = self.lengths(cluster, groups, servers)
        rows = np.full((len(groups), count), -1, dtype=np.int64)
        racks = np.full((len(groups), 0), -1, dtype=np.int64)
        for place in range(count):
            # The racks taken earlier are barred in the straws already.
            rows[:, place] = best_on_other_racks(lengths, servers, cluster.rack, racks)
            racks = np.where(rows[:, place] < 0, -1, cluster.rack[rows[:, place]])[:, np.newaxis].astype(np.int64)
        return rows
