"""The cluster as a hash function sees it: servers, racks and weights, and the servers of every group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import Ints

Mask = npt.NDArray[np.bool_]


class GroupTable:
    """The servers of every group, int64[groups, replicas] with -1 for none, and the groups of every server."""

    def __init__(self, rows: Ints) -> None:
        self.rows = rows
        self._by_server = np.argsort(rows.ravel(), kind="stable")
        self._servers = rows.ravel()[self._by_server]

    def holding(self, servers: Sequence[int]) -> Ints:
        """The groups that have all these servers, ascending."""
        first, after = np.searchsorted(self._servers, [servers[0], servers[0] + 1])
        groups: Ints = self._by_server[first:after] // self.rows.shape[1]
        for server in servers[1:]:
            groups = groups[(self.rows[groups] == server).any(axis=1)]
        return groups


class ClusterMap:
    """Which servers there are, dead or alive, and the groups that follow from it."""

    def __init__(self, view: ClusterView) -> None:
        self.rack = view.rack.copy()
        #: By server, its capacity: the share of the groups that it gets.
        self.weight = view.capacity_bytes.astype(np.float64)
        self.numbers, inverse, sizes = np.unique(self.rack, return_inverse=True, return_counts=True)
        #: By rack in order of ``numbers``: its weight, and its servers, padded with -1 to the largest.
        self.rack_weight = np.bincount(inverse, weights=self.weight).astype(np.float64)
        self.members = np.full((len(sizes), int(sizes.max(initial=0))), -1, dtype=np.int64)
        by_rack = np.argsort(inverse, kind="stable")
        within = np.arange(view.count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self.members[inverse[by_rack], within] = by_rack
        #: The groups with every server usable, and with those that were usable last.
        self.home = GroupTable(np.zeros((0, 0), dtype=np.int64))
        self.last: tuple[bytes, GroupTable] = b"", self.home

    @property
    def with_disks(self) -> Mask:
        """Which servers can have replicas at all: bool[servers]."""
        has: Mask = self.weight > 0
        return has

    def is_of(self, view: ClusterView) -> bool:
        """Whether these are the servers of the view. What they are worth was fixed when the map was made."""
        return np.array_equal(self.rack, view.rack)


def best_on_other_racks(
    lengths: npt.NDArray[np.float64], servers: Ints, rack: npt.NDArray[np.int32], racks: Ints
) -> Ints:
    """For each row the server with the longest straw whose rack is not among the row's ``racks``; -1 for none.

    ``lengths``: float64[n, servers], minus infinity for those that cannot be used. Overwritten where barred.
    """
    if not len(servers):
        return np.full(len(lengths), -1)
    for column in range(racks.shape[1]):
        lengths[rack[servers][np.newaxis, :] == racks[:, column : column + 1]] = -np.inf
    best = np.argmax(lengths, axis=1)
    found = lengths[np.arange(len(lengths)), best] > -np.inf
    return np.where(found, servers[best], -1)
