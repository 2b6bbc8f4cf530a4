"""The contract of rebalancers: what every rebalancer must keep, whatever its idea of balance.

``check_rebalancer(MyRebalancer())`` raises AssertionError with what was broken, and on which cluster. Every move must be
one that can be made and keeps the placement rule; no server is asked for more than its bandwidth allows; nobody
becomes fuller than the fullest was, or emptier than the emptiest; the same situation gives the same moves; and it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from feitian_sim.kernel import MIB, SECOND, Simulation
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement import PlacementPolicy, placement_from
from feitian_sim.pangu.rebalance import Move, Rebalancer, Situation, keeps_rule
from feitian_sim.testing.placement import cluster

_CHUNK = 10 * MIB
_ROUNDS_MOST = 400
_NARROW_CHUNKS = 4


class PaperCluster:
    """Servers and chunks on paper: what a rebalancer sees, and what becomes of it when its moves are made."""

    def __init__(self, view: ClusterView, holders: Sequence[Sequence[int]], policy: PlacementPolicy) -> None:
        self.view = view
        self.policy = policy
        self.holders = [tuple(int(server) for server in servers) for servers in holders]
        self.lengths = np.full(len(holders), _CHUNK, dtype=np.int64)
        #: Bytes moved so far.
        self.moved_bytes = 0
        for servers in self.holders:
            view.used_bytes[list(servers)] += _CHUNK

    @classmethod
    def filled(cls, view: ClusterView, chunks: int, policy: PlacementPolicy, *, on: Sequence[int]) -> PaperCluster:
        """So many chunks in three replicas, placed by ``policy`` on the servers ``on`` alone."""
        closed = view.accepting.copy()
        view.accepting[:] = False
        view.accepting[list(on)] = True
        stream = Simulation(seed=2).stream("testing.rebalance", "fill")
        policy.prepare(view, 3, stream)
        placed = policy.place_many(view, chunks, 3, stream, np.full(chunks, _CHUNK, dtype=np.int64))
        view.accepting[:] = closed
        return cls(view, placed.tolist(), policy)

    def situation(self, *, seed: int = 1, degraded: int = 0, moves: Sequence[Move] = ()) -> Situation:
        """What a rebalancer sees now."""
        return Situation(
            view=self.view.copy(),
            policy=self.policy,
            lengths=self.lengths,
            chunks_on=lambda server: np.array(
                [chunk for chunk, servers in enumerate(self.holders) if server in servers], dtype=np.int64
            ),
            holders=lambda chunk: self.holders[chunk],
            moves=tuple(moves),
            degraded=degraded,
            stream=Simulation(seed=seed).stream("testing.rebalance"),
        )

    def carry_out(self, moves: Sequence[Move]) -> None:
        """Make the moves."""
        for move in moves:
            self.holders[move.chunk] = tuple(
                move.target if server == move.source else server for server in self.holders[move.chunk]
            )
            self.view.used_bytes[move.source] -= move.size_bytes
            self.view.used_bytes[move.target] += move.size_bytes
            self.moved_bytes += move.size_bytes

    def settle(self, rebalancer: Rebalancer, each: Callable[[], None] = lambda: None) -> int:
        """Ask and make moves until there are none; returns the rounds. Raises AssertionError when it goes on for ever."""
        for done in range(_ROUNDS_MOST):
            moves = rebalancer.plan(self.situation(seed=done))
            if not moves:
                return done
            self.carry_out(moves)
            each()
        raise AssertionError(f"{rebalancer!r} still moves chunks after {_ROUNDS_MOST} rounds")

    def ratios(self) -> np.ndarray:
        """How full the members are."""
        members = self.view.alive & self.view.accepting & (self.view.capacity_bytes > 0)
        found: np.ndarray = self.view.used_ratio()[members]
        return found

    def worst(self) -> float:
        """The greatest deviation of a member from the mean use."""
        members = self.view.alive & self.view.accepting & (self.view.capacity_bytes > 0)
        mean = self.view.used_bytes[members].sum() / self.view.capacity_bytes[members].sum()
        return float(np.abs(self.ratios() - mean).max())


def check_rebalancer(rebalancer: Rebalancer) -> None:
    """Raises AssertionError when ``rebalancer`` breaks the contract of :class:`Rebalancer`."""
    # Once as it is, and once with so little bandwidth that it decides what is planned.
    narrow_bps = _NARROW_CHUNKS * _CHUNK * 8 * SECOND // rebalancer.interval + 1
    for one in (rebalancer, rebalancer.model_copy(update={"bandwidth": narrow_bps})):
        _check_on_clusters(one)


def _check_on_clusters(rebalancer: Rebalancer) -> None:
    for what, paper in _clusters():
        where = f"{rebalancer!r} on {what}"
        before, used = paper.ratios(), paper.view.used_bytes.copy()
        situation = paper.situation()
        seen = situation.view.used_bytes.copy()
        moves = rebalancer.plan(situation)
        assert (situation.view.used_bytes == seen).all(), f"{where}: planning changed the view"
        assert rebalancer.plan(paper.situation()) == moves, f"{where}: the same draws gave other moves"
        _check_moves(rebalancer, paper, moves, where)
        paper.carry_out(moves)
        assert paper.view.used_bytes.sum() == used.sum(), f"{where}: bytes appeared or disappeared"
        after = paper.ratios()
        assert after.max() <= before.max() + 1e-9, f"{where}: a server is fuller than any was"
        assert after.min() >= before.min() - 1e-9, f"{where}: a server is emptier than any was"
        paper.settle(rebalancer)


def _check_moves(rebalancer: Rebalancer, paper: PaperCluster, moves: Sequence[Move], where: str) -> None:
    view, taken = paper.view, np.zeros(paper.view.count, dtype=np.int64)
    assert len({move.chunk for move in moves}) == len(moves), f"{where}: a chunk moves twice"
    for move in moves:
        holders = paper.holders[move.chunk]
        assert move.source in holders, f"{where}: {move} from a server without the chunk"
        assert move.target not in holders, f"{where}: {move} to a server that has the chunk"
        usable = view.alive[[move.source, move.target]] & view.accepting[[move.source, move.target]]
        assert usable.all(), f"{where}: {move} uses a server that is dead or drained"
        after = [move.target if server == move.source else server for server in holders]
        assert keeps_rule(paper.policy, view, holders, after), f"{where}: {move} breaks the placement rule"
        taken[[move.source, move.target]] += move.size_bytes
    assert taken.max(initial=0) <= rebalancer.budget_bytes, f"{where}: a server is asked for more than its bandwidth"
    room = view.capacity_bytes - view.used_bytes
    for server in {move.target for move in moves}:
        arriving = sum(move.size_bytes for move in moves if move.target == server)
        leaving = sum(move.size_bytes for move in moves if move.source == server)
        assert arriving - leaving <= room[server], f"{where}: server {server} is filled beyond its capacity"


def _clusters() -> Iterator[tuple[str, PaperCluster]]:
    policy = placement_from("pangu")
    yield "a cluster in balance", PaperCluster.filled(cluster([4] * 5), 200, policy, on=range(20))
    old = [server for server in range(20) if server % 4 != 3]
    yield "a cluster with a new server in each rack", PaperCluster.filled(cluster([4] * 5), 300, policy, on=old)
    yield "a cluster with a new rack", PaperCluster.filled(cluster([4] * 5), 300, policy, on=range(16))
    uneven = cluster([4] * 5)
    uneven.capacity_bytes[::4] *= 3
    yield "a cluster of unequal servers", PaperCluster.filled(uneven, 300, placement_from("random"), on=range(20))
    partly = cluster([4] * 5)
    paper = PaperCluster.filled(partly, 300, policy, on=old)
    partly.alive[3] = False
    partly.accepting[7] = False
    yield "a cluster with one new server dead and one drained", paper
    three = cluster([2, 2, 4])
    yield "a cluster of three racks", PaperCluster.filled(three, 100, placement_from("rack-spread"), on=range(8))
    full = PaperCluster.filled(cluster([4] * 5), 300, policy, on=old)
    full.view.capacity_bytes[3::4] = _CHUNK * 2
    yield "a cluster whose new servers have room for two chunks", full
