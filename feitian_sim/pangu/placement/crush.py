"""``crush``: placement groups, hashed to racks and then to servers."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from feitian_sim.pangu.placement.cluster_map import ClusterMap, Mask, best_on_other_racks
from feitian_sim.pangu.placement.hashed_groups import HashedGroupsPlacement
from feitian_sim.pangu.placement.mixing import mixed, straws
from feitian_sim.pangu.placement.policy import Ints


class CrushPlacement(HashedGroupsPlacement):
    """A chunk's placement group is hashed to distinct racks, then to a server of each (CRUSH; Weil et al., SC 2006).

    Both steps draw straws weighted by capacity (straw2). A rack that the group has already, or whose server for the
    group cannot be used, is refused, and the replica's next attempt starts again at the racks: the groups of a dead
    server go to servers of the whole cluster, not of its rack. Which server of a rack a group has does not depend on
    the attempt (Ceph's chooseleaf_stable), so that a replica that merely changes its rank does not move.

    With g replicas of groups on a server its load deviates by ``1 / sqrt(g)`` (10 % by default; Ceph evens it out with
    a balancer, which is left out here). When a rack joins N equal ones, little more than ``1 / (N + 1)`` of the
    replicas move, all but a few of them to it. Copysets are as many as groups, so a burst loses less often than with
    ``rack-spread``, and the scatter width is at most 2 g for three replicas. All repair crosses racks.
    """

    kind: Literal["crush"] = "crush"
    tries: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="Attempts to find a rack for a replica before the best of all other racks is taken (count); "
        "default 50. Source: Ceph, choose_total_tries.",
    )

    def choose(self, cluster: ClusterMap, groups: Ints, usable: Mask, count: int) -> Ints:
        """For each replica the first attempt that leads to a usable server on another rack."""
        keys = mixed(self._seed, groups)
        rows = np.full((len(groups), count), -1, dtype=np.int64)
        racks = np.full((len(groups), count), -1, dtype=np.int64)
        for place in range(count):
            left = np.arange(len(groups))
            for attempt in range(self.tries):
                if not len(left):
                    break
                drawn = self._racks_for(cluster, keys[left], place + attempt * self._replicas)
                leaves = self._leaves_for(cluster, keys[left], drawn)
                good = usable[leaves] & (racks[left] != cluster.numbers[drawn][:, np.newaxis]).all(axis=1)
                rows[left[good], place] = leaves[good]
                racks[left[good], place] = cluster.numbers[drawn[good]]
                left = left[~good]
            if len(left):
                servers = np.flatnonzero(usable)
                lengths = self.lengths(cluster, groups[left], servers)
                rows[left, place] = found = best_on_other_racks(lengths, servers, cluster.rack, racks[left])
                racks[left, place] = np.where(found < 0, -1, cluster.rack[found])
        return rows

    @staticmethod
    def _racks_for(cluster: ClusterMap, keys: npt.NDArray[np.uint64], trial: int) -> Ints:
        """The rack of each group in one trial, as an index into the list of racks."""
        # The complement keeps the hashes of racks apart from those of servers.
        trials = mixed(keys, ~np.array([trial], dtype=np.int64))[:, np.newaxis]
        drawn: Ints = np.argmax(straws(mixed(trials, cluster.numbers[np.newaxis, :]), cluster.rack_weight), axis=1)
        return drawn

    @staticmethod
    def _leaves_for(cluster: ClusterMap, keys: npt.NDArray[np.uint64], racks: Ints) -> Ints:
        """The server that each group has on its rack, dead or alive."""
        members = cluster.members[racks]
        weights = np.where(members < 0, 0.0, cluster.weight[members])
        best = np.argmax(straws(mixed(keys[:, np.newaxis], members), weights), axis=1)
        leaves: Ints = members[np.arange(len(members)), best]
        return leaves
