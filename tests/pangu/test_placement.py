"""Placement policies: the contract over all of them, and what each promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from feitian_sim.kernel import GIB, MIB, Simulation, Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement import POLICIES, PlacementImpossible, PlacementPolicy, placement_from
from feitian_sim.pangu.placement.copyset import CopysetPlacement
from feitian_sim.testing import check_placement_policy
from feitian_sim.testing.placement import cluster


def stream(name: str = "x") -> Stream:
    return Simulation(seed=5).stream(name)


@pytest.mark.parametrize("kind", POLICIES)
def test_every_policy_keeps_the_contract(kind: str):
    check_placement_policy(placement_from(kind))


class First(PlacementPolicy):
    """Always the first servers."""

    picks: tuple[int, ...] = (0, 1, 2)

    def place(self, view: ClusterView, replicas: int, stream: Stream, **_: Any) -> tuple[int, ...]:
        return self.picks[:replicas]


class Meddling(PlacementPolicy):
    """Changes the view."""

    def next_server(self, view: ClusterView, chosen: Sequence[int], *rest: Any) -> int:
        view.used_bytes[0] += 1
        free = view.candidates((*chosen, *rest[2]), MIB)
        if not len(free):
            raise PlacementImpossible("full")
        return int(free[0])


@pytest.mark.parametrize("policy", [First(), First(picks=(1, 1, 2)), First(picks=(3, 4)), Meddling()])
def test_the_contract_catches_bad_policies(policy: PlacementPolicy):
    with pytest.raises(AssertionError):
        check_placement_policy(policy)


def placed(kind: str, view: ClusterView, count: int = 30_000) -> np.ndarray:
    return placement_from(kind).place_many(view, count, 3, stream(), np.full(count, MIB, dtype=np.int64))


@pytest.mark.parametrize("kind", ["pangu", "rack-spread", "copyset"])
def test_p2_three_replicas_on_different_racks(kind: str):
    view = cluster([10] * 10)
    racks = np.sort(view.rack[placed(kind, view, 100_000)], axis=1)
    assert (racks[:, 1:] != racks[:, :-1]).all()


def test_p10_placement_by_rack_then_disk_utilisation():
    view = cluster([10] * 10)
    view.used_bytes[:] = GIB // 2
    view.used_bytes[:50] = GIB // 4
    policy, draws = placement_from("pangu"), stream()
    chosen = np.array([policy.place(view, 3, draws, size_bytes=MIB) for _ in range(1000)])
    assert all(policy.satisfied(view, row) for row in chosen.tolist())
    # Of four draws one at least is among the emptier half in 15 cases of 16.
    assert 0.90 < (chosen < 50).mean() < 0.97


def test_p10_power_domains_differ_where_there_are_enough():
    view = cluster([4] * 8, racks_per_power_domain=2)
    domains = np.sort(view.power_domain[placed("pangu", view)], axis=1)
    assert (domains[:, 1:] != domains[:, :-1]).all()


@pytest.mark.parametrize("kind", POLICIES)
def test_the_load_is_even(kind: str):
    view = cluster([10] * 10)
    per_server = np.bincount(placed(kind, view).ravel(), minlength=100)
    # A server that is left over in one of two permutations is in half as many copysets.
    spread = 0.55 if kind == "copyset" else 0.15
    assert (abs(per_server / 900 - 1) < spread).all()


def test_hdfs_uses_two_racks_and_the_writers_machine():
    view = cluster([10] * 10)
    rows = placed("hdfs", view)
    assert {len(np.unique(view.rack[row])) for row in rows[:2000]} == {2}
    assert placement_from("hdfs").place(view, 3, stream(), writer=7)[0] == 7


def test_copysets_are_as_many_as_the_scatter_width_needs():
    view = cluster([10] * 9)
    policy = CopysetPlacement(scatter_width=4)
    rows = policy.place_many(view, 20_000, 3, stream(), np.full(20_000, MIB, dtype=np.int64))
    used = {tuple(sorted(row)) for row in rows.tolist()}
    # S / (R - 1) = 2 permutations of 90 servers in groups of 3.
    assert 54 <= len(used) <= 60
    assert len(np.unique(rows[(rows == 0).any(axis=1)])) <= 5


def test_a_repair_stays_in_the_copyset():
    view = cluster([10] * 9)
    policy = CopysetPlacement(scatter_width=4)
    draws = stream()
    first = policy.place(view, 3, draws)
    assert sorted((*first[:2], *policy.place(view, 1, draws, existing=first[:2]))) == sorted(first)


def test_where_racks_are_few_a_repair_makes_do_and_a_new_chunk_is_refused():
    view = cluster([3, 3])
    policy = placement_from("rack-spread")
    with pytest.raises(PlacementImpossible, match="racks"):
        policy.place(view, 3, stream())
    (target,) = policy.place(view, 1, stream(), existing=(0, 3))
    assert target not in (0, 3)
    assert not policy.satisfied(view, (0, 3, target))


def test_an_unknown_policy_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'rack-spread'"):
        placement_from("rack-spred")
