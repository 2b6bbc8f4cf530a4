"""``tiered``: the last replica in a tier of its own, with few copysets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.fixed_groups import FixedGroupsPlacement
from feitian_sim.pangu.placement.policy import Ints, distinct, free_servers, on_other_domains

Mask = npt.NDArray[np.bool_]


class TieredPlacement(FixedGroupsPlacement):
    """All replicas but the last in a primary tier, the last in a backup tier (Cidon et al., ATC 2015).

    Copysets are built greedily: a server that shares chunks with fewer than ``scatter_width`` others gets a copyset
    with those that it shares none with and that have the fewest, on other racks. So there are about
    ``N * scatter_width / (R (R - 1))`` of them, the fewest for that width, and a burst of failures in one tier, from
    a bad kernel or a power feed, loses nothing while the other stands. Racks of a power domain go to the backup tier
    together. A server is rebuilt from about ``scatter_width`` others; all repair crosses racks.

    Load is even when the backup tier has one R-th of the servers, as it has by default with three replicas; servers
    in one copyset more than the rest hold that much more, up to a fifth with a width of ten. A single replica has no
    tier. Where a tier has no room the other stands in for it.
    """

    kind: Literal["tiered"] = "tiered"
    scatter_width: int = Field(
        default=10,
        ge=1,
        description="Servers that share chunks with a server, at least (count); default 10. Source: Cidon et al., "
        "ATC 2015.",
    )
    backup_share: float = Field(
        default=1 / 3,
        gt=0,
        lt=1,
        description="Racks in the backup tier (ratio); default 1/3, which is even for three replicas. Source: Cidon et "
        "al., ATC 2015.",
    )

    _backup: Mask = PrivateAttr(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    _replicas: int = PrivateAttr(default=0)

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """Choose the racks of the backup tier and build the copysets, over all servers that have disks."""
        self._replicas = replicas
        self._backup = _backup_tier(view, replicas, self.backup_share, stream)
        groups = _Copysets(view, replicas, self._backup, stream).built(self.scatter_width)
        self._sets = np.array(groups, dtype=np.int64).reshape(len(groups), replicas)

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
        """Any free server on another rack, of the tier that lacks a replica where it has one."""
        free = free_servers(view, chosen, exclude, size_bytes)
        free = on_other_domains(view, free, chosen, view.rack, "racks", relaxed)
        backups = int(self._backup[list(chosen)].sum())
        primaries_full = len(chosen) - backups >= self._replicas - 1
        tier = free[self._backup[free] == (primaries_full and not backups)]
        return int(stream.choice(tier if len(tier) else free))

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ, one server at most is in the backup tier, and all but one at most in the other."""
        backups = int(self._backup[list(servers)].sum())
        primaries = len(servers) - backups
        return distinct(view, servers, view.rack) and backups <= 1 and primaries <= max(1, self._replicas - 1)

    def in_order(self, members: Ints) -> Ints:
        """Those of the primary tier first."""
        return members[np.argsort(self._backup[members], kind="stable")]

    @property
    def backup(self) -> Mask:
        """Which servers are in the backup tier: bool[servers]."""
        return self._backup


def _backup_tier(view: ClusterView, replicas: int, share: float, stream: Stream) -> Mask:
    """Whole racks, power domain by power domain in random order, that leave a rack for every other replica."""
    with_disks = view.capacity_bytes > 0
    racks, first = np.unique(view.rack[with_disks], return_index=True)
    domains, domain = np.unique(view.power_domain[with_disks][first], return_inverse=True)
    ranks = stream.permutation(len(domains))
    order = racks[np.lexsort((stream.uniforms(len(racks)), ranks[domain]))]
    most = len(racks) - (replicas - 1)
    count = min(max(1, round(share * len(racks))), most) if replicas > 1 else 0
    backup: Mask = with_disks & np.isin(view.rack, order[: max(0, count)])
    return backup


class _Copysets:
    """The greedy construction of the paper, algorithm 1."""

    def __init__(self, view: ClusterView, replicas: int, backup: Mask, stream: Stream) -> None:
        self._rack, self._backup, self._replicas = view.rack, backup, replicas
        #: Servers with disks in random order, which breaks ties.
        with_disks = np.flatnonzero(view.capacity_bytes > 0)
        self._servers = with_disks[stream.permutation(len(with_disks))]
        #: Whom each server shares a copyset with, and in how many copysets it is.
        self._met: list[dict[int, None]] = [{} for _ in range(view.count)]
        self._width = np.zeros(view.count, dtype=np.int64)
        self._uses = np.zeros(view.count, dtype=np.int64)

    def built(self, scatter_width: int) -> list[list[int]]:
        """Copysets until every server has the width, or cannot get more. Those of the backup tier come last in them."""
        if self._replicas == 1:
            return [[server] for server in self._servers.tolist()]
        wanted = min(scatter_width, len(self._servers) - 1)
        open_servers = np.ones(len(self._width), dtype=np.bool_)
        groups: list[list[int]] = []
        while True:
            short = self._servers[(self._width < wanted)[self._servers] & open_servers[self._servers]]
            if not len(short):
                return groups
            server = int(short[np.argmin(self._width[short])])
            before = int(self._width[server])
            group = self._around(server)
            if group is not None:
                self._join(group)
                groups.append(sorted(group, key=lambda member: bool(self._backup[member])))
            # A server that gained nobody has met all that it can: racks or tiers leave it no others.
            open_servers[server] = int(self._width[server]) > before

    def _around(self, server: int) -> list[int] | None:
        group = [server]
        while len(group) < self._replicas:
            backups = int(self._backup[group].sum())
            fits = ~np.isin(self._rack[self._servers], self._rack[group])
            if backups:
                fits &= ~self._backup[self._servers]
            elif len(group) == self._replicas - 1:
                fits &= self._backup[self._servers]
            candidates = self._servers[fits]
            if not len(candidates):
                return None
            # Those met already last, then those with the fewest neighbours: both keep copysets few.
            met = np.zeros(len(self._width), dtype=np.int64)
            for member in group:
                met[list(self._met[member])] += 1
            order = np.lexsort((self._uses[candidates], self._width[candidates], met[candidates]))
            group.append(int(candidates[order[0]]))
        return group

    def _join(self, group: list[int]) -> None:
        for member in group:
            self._met[member].update((other, None) for other in group if other != member)
            self._width[member] = len(self._met[member])
            self._uses[member] += 1
