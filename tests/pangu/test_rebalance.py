"""Balance (P6): the contract over all rebalancers, and what each promises, on paper."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from feitian_sim.pangu.placement import placement_from
from feitian_sim.pangu.rebalance import REBALANCERS, Move, Rebalancer, Situation, rebalancer_from
from feitian_sim.testing import check_placement_policy, check_rebalancer
from feitian_sim.testing.placement import cluster
from feitian_sim.testing.rebalance import PaperCluster

NEW = [server for server in range(30) if server % 6 == 5]
OLD = [server for server in range(30) if server % 6 != 5]


def grown(chunks: int = 500) -> PaperCluster:
    """Five racks of five servers, 60 % full, with an empty sixth in each."""
    return PaperCluster.filled(cluster([6] * 5), chunks, placement_from("pangu"), on=OLD)


def optimum_bytes(paper: PaperCluster) -> float:
    """What the new servers must get for perfect balance: their share of all bytes, n / (N + n)."""
    return float(paper.view.used_bytes.sum()) * len(NEW) / (len(NEW) + len(OLD))


@pytest.mark.parametrize("kind", REBALANCERS)
def test_p6_every_rebalancer_keeps_the_contract(kind: str):
    check_rebalancer(rebalancer_from(kind))


class Careless(Rebalancer):
    """Moves the first chunk to the emptiest, whoever has it and wherever that is."""

    def plan(self, situation: Situation) -> list[Move]:
        target = int(np.argmin(situation.view.used_ratio()))
        return [Move(0, situation.holders(0)[0], target, int(situation.lengths[0]))]


class Restless(Rebalancer):
    """Never ends."""

    def plan(self, situation: Situation) -> list[Move]:
        view = situation.view
        order = np.argsort(view.used_ratio(), kind="stable")
        for chunk in situation.chunks_on(int(order[-1])).tolist():
            for target in order.tolist():
                holders = situation.holders(chunk)
                after = [target if server == order[-1] else server for server in holders]
                if view.alive[target] and target not in holders and situation.policy.satisfied(view, after):
                    return [Move(chunk, int(order[-1]), target, int(situation.lengths[chunk]))]
        return []


class Meddling(Rebalancer):
    """Changes the view."""

    def plan(self, situation: Situation) -> list[Move]:
        situation.view.used_bytes[0] += 1
        return []


@pytest.mark.parametrize("bad", [Careless(), Restless(), Meddling()])
def test_the_contract_catches_bad_rebalancers(bad: Rebalancer):
    with pytest.raises(AssertionError):
        check_rebalancer(bad)


@pytest.mark.parametrize("threshold", [0.02, 0.05, 0.1])
def test_p6_threshold_ends_within_its_band_and_moves_no_more_than_perfect_balance_would(threshold: float):
    paper = grown()
    optimum = optimum_bytes(paper)
    paper.settle(rebalancer_from({"kind": "threshold", "threshold": threshold}))
    assert paper.worst() <= threshold
    # What lay outside the band must move, and nobody is taken beyond the mean.
    mean_bytes = float(paper.view.used_bytes.mean())
    outside = len(NEW) * (mean_bytes - threshold * float(paper.view.capacity_bytes[0]))
    assert outside * 0.99 <= paper.moved_bytes <= optimum * 1.05


def test_p6_threshold_empties_the_fullest_first():
    paper = grown()
    heavy = OLD[3]
    for chunk, servers in enumerate(paper.holders[:150]):
        if heavy not in servers and all(paper.view.rack[server] != paper.view.rack[heavy] for server in servers[1:]):
            paper.carry_out([Move(chunk, servers[0], heavy, int(paper.lengths[chunk]))])
    moves = rebalancer_from({"kind": "threshold", "threshold": 0.05}).plan(paper.situation())
    fullest = int(np.argmax(paper.view.used_ratio()))
    assert fullest == heavy
    assert moves[0].source == heavy


def test_p6_greedy_never_widens_and_ends_nearest_to_optimum():
    paper = grown()
    optimum, worst = optimum_bytes(paper), [paper.worst()]
    greedy = rebalancer_from({"kind": "greedy", "max_deviation": 0.01})
    # Move by move, not only round by round.
    while moves := greedy.plan(paper.situation()):
        for move in moves:
            paper.carry_out([move])
            worst.append(paper.worst())
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(worst))
    assert paper.worst() <= 0.01 + 1e-9
    assert optimum * 0.9 <= paper.moved_bytes <= optimum * 1.05


def test_p6_greedy_waits_while_anything_is_degraded_and_keeps_little_on_the_move():
    paper = grown()
    greedy = rebalancer_from("greedy")
    assert greedy.plan(paper.situation(degraded=1)) == []
    moves = greedy.plan(paper.situation())
    total = int(paper.view.used_bytes.sum())
    assert 0.04 * total <= sum(move.size_bytes for move in moves) <= 0.05 * total
    assert greedy.plan(paper.situation(moves=moves)) == []


def test_p6_two_choices_leaves_nobody_above_its_band():
    paper = grown()
    optimum = optimum_bytes(paper)
    paper.settle(rebalancer_from({"kind": "two-choices", "threshold": 0.05}))
    mean = paper.view.used_bytes.sum() / paper.view.capacity_bytes.sum()
    assert paper.ratios().max() <= mean + 0.05
    assert paper.moved_bytes <= 1.5 * optimum


def test_p6_none_and_lazy_move_nothing():
    for kind in ("none", "lazy"):
        paper = grown()
        assert paper.settle(rebalancer_from(kind)) == 0
        assert not rebalancer_from(kind).active


def test_p6_lazy_sends_what_is_written_or_repaired_to_the_new_servers():
    paper = grown()
    policy = rebalancer_from("lazy").placement(placement_from("pangu"))
    stream = paper.situation().stream
    for chunk in range(100):
        servers = policy.place(paper.view, 3, stream, size_bytes=1)
        assert set(servers) <= set(NEW)
        assert policy.satisfied(paper.view, servers)
        (target,) = policy.place(paper.view, 1, stream, existing=paper.holders[chunk][:2], size_bytes=1)
        assert target in NEW
    # As full as the others, they are servers like any other.
    paper.settle(rebalancer_from({"kind": "greedy", "max_deviation": 0.01}))
    chosen = {server for _ in range(200) for server in policy.place(paper.view, 3, stream, size_bytes=1)}
    assert len(chosen) == 30


@pytest.mark.parametrize("kind", ["pangu", "rack-spread", "hdfs", "random", "copyset"])
def test_p6_lazy_keeps_the_contract_of_the_policy_below(kind: str):
    check_placement_policy(rebalancer_from("lazy").placement(placement_from(kind)))


def test_p6_an_unknown_rebalancer_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"no rebalancer is called 'treshold'.*did you mean 'threshold'"):
        rebalancer_from("treshold")
