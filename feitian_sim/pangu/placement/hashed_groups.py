"""Policies that hash chunks to groups, and groups to servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.bulk import fill_in_blocks
from feitian_sim.pangu.placement.mixing import mixed, straws
from feitian_sim.pangu.placement.policy import (
    Ints,
    PlacementImpossible,
    PlacementPolicy,
    Servers,
    distinct,
    free_servers,
    on_other_domains,
)

#: Replicas of groups on a server by default: as many placement groups an OSD as Ceph aims at.
_GROUPS_PER_SERVER = 100
#: Pairs of a group and a server that are hashed at once, to bound the memory.
_PAIRS_AT_ONCE = 1 << 21

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


class HashedGroupsPlacement(PlacementPolicy):
    """A chunk's group is drawn uniformly, a group's servers are a function of the group; see the subclasses.

    A subclass says in :meth:`choose` which usable servers a group has. Servers that a group does not have must not
    matter to it, so that only the groups of a lost server are chosen again.
    """

    computes: ClassVar[bool] = True

    groups: int | None = Field(
        default=None,
        ge=1,
        le=1 << 24,
        description="Groups of chunks that go together (count); by default as many as put 100 replicas of groups on a "
        "server, rounded to a power of two. Source: Ceph, mon_target_pg_per_osd.",
    )

    _seed: npt.NDArray[np.int64] = PrivateAttr(default_factory=lambda: np.zeros(1, dtype=np.int64))
    _replicas: int = PrivateAttr(default=0)
    _rack: npt.NDArray[np.int32] = PrivateAttr(default_factory=lambda: np.zeros(0, dtype=np.int32))
    _weight: npt.NDArray[np.float64] = PrivateAttr(default_factory=lambda: np.zeros(0))
    #: The groups with every server usable, and with those that were usable last.
    _home: GroupTable | None = PrivateAttr(default=None)
    _last: tuple[bytes, GroupTable] | None = PrivateAttr(default=None)

    def choose(self, groups: Ints, usable: Mask, count: int) -> Ints:
        """The first usable servers of these groups on distinct racks: int64[n, count], -1 where there are no more."""
        raise NotImplementedError

    def with_as_many_groups(self) -> HashedGroupsPlacement:
        """The same rule, not prepared, with as many groups as this one has: what a grown cluster goes on with."""
        return self.model_copy(update={"groups": len(self._prepared().rows)})

    def default_groups(self, servers: int, replicas: int) -> int:
        """How many groups there are when the option is not given."""
        wanted = max(1.0, _GROUPS_PER_SERVER * servers / max(1, replicas))
        return 1 << round(float(np.log2(wanted)))

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """Fix the hash function and the weights, and compute the servers of every group."""
        self._seed = np.array([int(stream.uniform() * 2**53)])
        self._replicas = replicas
        self._rack = view.rack.copy()
        self._weight = view.capacity_bytes.astype(np.float64)
        self._last = None
        with_disks = self._weight > 0
        count = self.groups or self.default_groups(int(with_disks.sum()), replicas)
        self._home = GroupTable(self._rows(np.arange(count), with_disks))

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
        """The servers of a group that holds ``existing``, of a random one when there is none.

        Those that cannot be used are replaced as the group would replace them if they were dead.
        """
        usable = _mask(view, free_servers(view, existing, exclude, size_bytes))
        group, row = self._group_of(view, existing, stream)
        wanted = len(existing) + replicas
        chosen = self._add(list(existing), row, usable, wanted)
        if len(chosen) < wanted:
            beside = usable & ~np.isin(view.rack, view.rack[np.array(chosen, dtype=np.int64)])
            stand_ins = self.choose(np.array([group]), beside, wanted - len(chosen))[0]
            chosen = self._add(chosen, stand_ins, beside, wanted)
        while len(chosen) < wanted:
            free = free_servers(view, chosen, exclude, size_bytes)
            free = on_other_domains(view, free, chosen, view.rack, "racks", relaxed=bool(existing))
            chosen.append(int(free[np.argmax(self.lengths(np.array([group]), free)[0])]))
        return tuple(chosen[len(existing) :])

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """A group for each chunk, drawn uniformly; servers without room are replaced as dead ones are."""

        def draw(filling: ClusterView, rows: int, size_bytes: int) -> Ints:
            table = self._table(_mask(filling, filling.candidates((), size_bytes))).rows
            table = table[(table >= 0).all(axis=1)]
            if not len(table) or replicas > table.shape[1]:
                raise PlacementImpossible("no group has room on servers of enough racks")
            drawn: Ints = table[(stream.uniforms(rows) * len(table)).astype(np.int64), :replicas]
            return drawn

        return fill_in_blocks(self, view, replicas, stream, sizes, draw)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether all racks differ."""
        return distinct(view, servers, view.rack)

    @property
    def copysets(self) -> Ints:
        """The groups with every server alive: int64[groups, replicas], -1 where racks are too few."""
        return self._prepared().rows

    def lengths(self, groups: Ints, servers: Ints) -> npt.NDArray[np.float64]:
        """The straws of these servers for these groups: float64[groups, servers]."""
        keys = mixed(self._seed, groups)[:, np.newaxis]
        return straws(mixed(keys, servers[np.newaxis, :]), self._weight[servers])

    def _group_of(self, view: ClusterView, existing: Sequence[int], stream: Stream) -> tuple[int, Ints]:
        """A group, and its servers as of now."""
        now = self._table(view.alive)
        if existing:
            # The servers of a chunk placed before the last failure are those of the whole cluster.
            for table in (now, self._prepared()):
                groups = table.holding(existing)
                if len(groups):
                    group = int(stream.choice(groups))
                    return group, now.rows[group]
        group = stream.integer(len(now.rows))
        return group, now.rows[group] if not existing else np.zeros(0, dtype=np.int64)

    def _add(self, chosen: list[int], servers: Ints, usable: Mask, wanted: int) -> list[int]:
        racks = self._rack[np.array(chosen, dtype=np.int64)].tolist()
        for server in servers.tolist():
            if len(chosen) < wanted and server >= 0 and usable[server] and int(self._rack[server]) not in racks:
                chosen.append(server)
                racks.append(int(self._rack[server]))
        return chosen

    def _table(self, usable: Mask) -> GroupTable:
        """The groups when only these servers are usable; kept until others are asked for."""
        home = self._prepared()
        usable = usable & (self._weight > 0)
        if usable[self._weight > 0].all():
            return home
        key = usable.tobytes()
        if self._last is None or self._last[0] != key:
            rows = home.rows.copy()
            lost = np.flatnonzero((~usable[rows] | (rows < 0)).any(axis=1))
            rows[lost] = self._rows(lost, usable)
            self._last = key, GroupTable(rows)
        return self._last[1]

    def _rows(self, groups: Ints, usable: Mask) -> Ints:
        step = max(1, _PAIRS_AT_ONCE // max(1, len(self._rack)))
        rows = np.full((len(groups), self._replicas), -1, dtype=np.int64)
        for first in range(0, len(groups), step):
            rows[first : first + step] = self.choose(groups[first : first + step], usable, self._replicas)
        return rows

    def _prepared(self) -> GroupTable:
        if self._home is None:
            raise RuntimeError(f"{type(self).__name__}.prepare must be called before anything is placed")
        return self._home


def _mask(view: ClusterView, servers: Ints) -> Mask:
    mask = np.zeros(view.count, dtype=np.bool_)
    mask[servers] = True
    return mask


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
