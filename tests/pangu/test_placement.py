"""Placement policies: the contract over all of them, and what each promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from feitian_sim.kernel import GIB, KIB, MIB, Simulation, Stream
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
    policy = placement_from(kind)
    policy.prepare(view, 3, stream("prepare"))
    return policy.place_many(view, count, 3, stream(), np.full(count, KIB, dtype=np.int64))


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


#: Where servers are not equally likely, how far the load may be from even.
SPREADS = {
    "copyset": 0.55,  # A server that is left over in one of two permutations is in half as many copysets.
    "tiered": 0.3,  # Three racks of ten get a third of the replicas; a server is in five copysets or in six.
    "crush": 0.4,  # Four standard deviations of about 100 groups on a server.
    "rendezvous": 0.4,  # The same.
}


@pytest.mark.parametrize("kind", POLICIES)
def test_the_load_is_even(kind: str):
    view = cluster([10] * 10)
    per_server = np.bincount(placed(kind, view).ravel(), minlength=100)
    assert (abs(per_server / 900 - 1) < SPREADS.get(kind, 0.15)).all()


def test_hdfs_uses_two_racks_and_the_writers_machine():
    view = cluster([10] * 10)
    rows = placed("hdfs", view)
    assert {len(np.unique(view.rack[row])) for row in rows[:2000]} == {2}
    assert placement_from("hdfs").place(view, 3, stream(), writer=7)[0] == 7


def test_copysets_are_as_many_as_the_scatter_width_needs():
    view = cluster([10] * 9)
    policy = CopysetPlacement(scatter_width=4)
    policy.prepare(view, 3, stream("prepare"))
    rows = policy.place_many(view, 20_000, 3, stream(), np.full(20_000, KIB, dtype=np.int64))
    used = {tuple(sorted(row)) for row in rows.tolist()}
    # S / (R - 1) = 2 permutations of 90 servers in groups of 3.
    assert 54 <= len(used) <= 60
    assert len(np.unique(rows[(rows == 0).any(axis=1)])) <= 5


@pytest.mark.parametrize("survivors", [1, 2])
def test_a_repair_stays_in_the_copysets(survivors: int):
    view = cluster([10] * 9)
    policy = CopysetPlacement(scatter_width=6)
    draws = stream()
    policy.prepare(view, 3, stream("prepare"))
    copysets = {tuple(sorted(row)) for row in policy.copysets.tolist()}
    for _ in range(50):
        servers = policy.place(view, 3, draws)[:survivors]
        while len(servers) < 3:
            servers += policy.place(view, 1, draws, existing=servers)
        assert tuple(sorted(servers)) in copysets


def test_racks_differ_even_where_a_rack_spans_power_domains():
    view = cluster([4] * 5)
    view.power_domain[:] = np.arange(view.count) % 4
    rows = placed("pangu", view, 5000)
    assert all(placement_from("pangu").satisfied(view, row) for row in rows.tolist())


@pytest.mark.parametrize("kind", ["pangu", "rack-spread"])
def test_very_uneven_racks_are_placed_as_one_by_one(kind: str):
    view = cluster([100, 1, 1])
    rows = placed(kind, view, 300)
    assert all(np.isin([100, 101], row).all() for row in rows)


def test_one_rack_is_enough_for_hdfs():
    view = cluster([5])
    assert len(placed("hdfs", view, 100)) == 100
    assert len(placement_from("hdfs").place(view, 3, stream())) == 3


def test_many_chunks_go_where_the_room_is():
    view = cluster([10] * 10)
    view.used_bytes[:50] = 900 * MIB
    sizes = np.full(10_000, MIB, dtype=np.int64)
    rows = placement_from("pangu").place_many(view, 10_000, 3, stream(), sizes)
    after = view.used_bytes + np.bincount(rows.ravel(), minlength=100) * MIB
    # What was emptier by 900 MiB takes all, evenly: 30,000 MiB on 50 servers.
    assert (after[50:] > 500 * MIB).all()
    assert (after[50:] < 700 * MIB).all()
    assert (after <= view.capacity_bytes).all()


def test_a_dataset_that_does_not_fit_is_refused_and_leaves_the_view():
    view = cluster([2] * 3)
    for kind in POLICIES:
        policy = placement_from(kind)
        policy.prepare(view, 3, stream("prepare"))
        with pytest.raises(PlacementImpossible):
            policy.place_many(view, 3000, 3, stream(), np.full(3000, MIB, dtype=np.int64))
        assert not view.used_bytes.any()


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
