"""``crush``: placement groups, hashed to racks and then to servers."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.hashed_groups import HashedGroupsPlacement, Mask, best_on_other_racks
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

    #: Of each rack: its number, its weight, and its servers, padded with -1 to the largest.
    _numbers: Ints = PrivateAttr(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _rack_weight: npt.NDArray[np.float64] = PrivateAttr(default_factory=lambda: np.zeros(0))
    _members: Ints = PrivateAttr(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """List the servers of every rack, then compute the servers of every group."""
        self._numbers, inverse, sizes = np.unique(view.rack, return_inverse=True, return_counts=True)
        self._rack_weight = np.bincount(inverse, weights=view.capacity_bytes).astype(np.float64)
        self._members = np.full((len(sizes), int(sizes.max(initial=0))), -1, dtype=np.int64)
        by_rack = np.argsort(inverse, kind="stable")
        within = np.arange(view.count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self._members[inverse[by_rack], within] = by_rack
        super().prepare(view, replicas, stream)

    def choose(self, groups: Ints, usable: Mask, count: int) -> Ints:
        """For each replica the first attempt that leads to a usable server on another rack."""
        keys = mixed(self._seed, groups)
        rows = np.full((len(groups), count), -1, dtype=np.int64)
        racks = np.full((len(groups), count), -1, dtype=np.int64)
        for place in range(count):
            left = np.arange(len(groups))
            for attempt in range(self.tries):
                if not len(left):
                    break
                drawn = self._racks_for(keys[left], place + attempt * self._replicas)
                leaves = self._leaves_for(keys[left], drawn)
                good = usable[leaves] & (racks[left] != self._numbers[drawn][:, np.newaxis]).all(axis=1)
                rows[left[good], place] = leaves[good]
                racks[left[good], place] = self._numbers[drawn[good]]
                left = left[~good]
            if len(left):
                servers = np.flatnonzero(usable)
                lengths = self.lengths(groups[left], servers)
                rows[left, place] = found = best_on_other_racks(lengths, servers, self._rack, racks[left])
                racks[left, place] = np.where(found < 0, -1, self._rack[found])
        return rows

    def _racks_for(self, keys: npt.NDArray[np.uint64], trial: int) -> Ints:
        """The rack of each group in one trial, as an index into the list of racks."""
        # The complement keeps the hashes of racks apart from those of servers.
        trials = mixed(keys, ~np.array([trial], dtype=np.int64))[:, np.newaxis]
        drawn: Ints = np.argmax(straws(mixed(trials, self._numbers[np.newaxis, :]), self._rack_weight), axis=1)
        return drawn

    def _leaves_for(self, keys: npt.NDArray[np.uint64], racks: Ints) -> Ints:
        """The server that each group has on its rack, dead or alive."""
        members = self._members[racks]
        weights = np.where(members < 0, 0.0, self._weight[members])
        best = np.argmax(straws(mixed(keys[:, np.newaxis], members), weights), axis=1)
        leaves: Ints = members[np.arange(len(members)), best]
        return leaves
