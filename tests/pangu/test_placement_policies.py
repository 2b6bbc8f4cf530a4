"""The published placement policies, each held against its paper's formula or against an enumeration."""

from __future__ import annotations

from itertools import combinations
from math import comb, log, sqrt
from typing import Any

import numpy as np
import pytest

from feitian_sim.kernel import KIB, MIB, Simulation, Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement import PlacementImpossible, PlacementPolicy, placement_from
from feitian_sim.pangu.placement.cell import CellPlacement
from feitian_sim.pangu.placement.crush import CrushPlacement
from feitian_sim.pangu.placement.hashed_groups import HashedGroupsPlacement
from feitian_sim.pangu.placement.node_group import NodeGroupPlacement
from feitian_sim.pangu.placement.rendezvous import RendezvousPlacement
from feitian_sim.pangu.placement.tiered import TieredPlacement
from feitian_sim.testing.placement import cluster

KINDS = ("two-choices", "available-space", "tiered", "node-group", "crush", "rendezvous", "cell")
HASHED = (CrushPlacement, RendezvousPlacement)


def stream(name: str = "x") -> Stream:
    return Simulation(seed=5).stream(name)


def prepared(kind: str | dict[str, Any] | PlacementPolicy, view: ClusterView, replicas: int = 3) -> PlacementPolicy:
    policy = placement_from(kind)
    policy.prepare(view, replicas, stream("prepare"))
    return policy


def placed(policy: PlacementPolicy, view: ClusterView, count: int, replicas: int = 3, size: int = KIB) -> np.ndarray:
    return policy.place_many(view, count, replicas, stream(), np.full(count, size, dtype=np.int64))


def copysets(rows: np.ndarray) -> np.ndarray:
    """The distinct sets of servers, each ascending."""
    # One number a set, since numpy compares rows a hundred times slower.
    base = 1 << 10
    powers = base ** np.arange(rows.shape[1], dtype=np.int64)[::-1]
    return np.unique(np.sort(rows, axis=1) @ powers)[:, np.newaxis] // powers % base


def scatter_widths(groups: np.ndarray, servers: int) -> np.ndarray:
    """With how many others each server shares a group, from the definition."""
    shares = np.zeros((servers, servers), dtype=np.bool_)
    for left, right in combinations(range(groups.shape[1]), 2):
        shares[groups[:, left], groups[:, right]] = True
    return (shares | shares.T).sum(axis=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("replicas", [1, 2, 3, 5])
def test_any_number_of_replicas_is_on_as_many_racks(kind: str, replicas: int):
    view = cluster([6] * 9)
    view.alive[[3, 14, 20]] = False
    policy = prepared(kind, view, replicas)
    rows = placed(policy, view, 2000, replicas)
    assert rows.shape == (2000, replicas)
    assert view.alive[rows].all()
    racks = np.sort(view.rack[rows], axis=1)
    assert (racks[:, 1:] != racks[:, :-1]).all()
    one = policy.place(view, replicas, stream("one"), exclude=(0, 1), size_bytes=KIB)
    assert len(np.unique(view.rack[list(one)])) == replicas


@pytest.mark.parametrize("kind", KINDS)
def test_where_racks_are_few_a_repair_makes_do_and_a_new_chunk_is_refused(kind: str):
    view = cluster([3, 3])
    policy = prepared(kind, view)
    with pytest.raises(PlacementImpossible, match="racks"):
        policy.place(view, 3, stream())
    with pytest.raises(PlacementImpossible, match="racks"):
        placed(policy, view, 10)
    (target,) = policy.place(view, 1, stream(), existing=(0, 3))
    assert target not in (0, 3)
    assert not policy.satisfied(view, (0, 3, target))


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_overfilled_by_chunks_of_many_sizes(kind: str):
    view = cluster([5] * 8)
    view.used_bytes[::3] = 700 * MIB
    view.used_bytes[1::7] = view.capacity_bytes[1::7]
    room = view.capacity_bytes - view.used_bytes
    policy = prepared(kind, view)
    sizes = np.array([1, 64, 7, 30], dtype=np.int64)[np.arange(10_000) % 4] * MIB
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), room.sum() * 0.6 / 3))]
    rows = policy.place_many(view, len(sizes), 3, stream(), sizes)
    assert (np.bincount(rows.ravel(), weights=np.repeat(sizes, 3), minlength=view.count) <= room).all()
    racks = np.sort(view.rack[rows], axis=1)
    assert (racks[:, 1:] != racks[:, :-1]).all()


@pytest.mark.parametrize("choices", [2, 4])
def test_two_choices_exceed_the_mean_by_the_double_logarithm(choices: int):
    view = cluster([10] * 50)
    view.capacity_bytes[:] = 10**15
    count = 400_000
    above = {}
    for kind in ({"kind": "two-choices", "choices": choices}, "rack-spread"):
        loads = np.bincount(placed(prepared(kind, view), view, count).ravel(), minlength=500)
        above[str(kind)] = loads.max() - 3 * count / 500
    chosen, random = above.values()
    # Berenbrink et al.: ln ln n / ln d, and a constant that does not grow with the number of chunks.
    assert chosen <= log(log(500)) / log(choices) + 2
    assert random > 0.7 * sqrt(2 * 2400 * log(500))
    assert chosen < random / 20


@pytest.mark.parametrize(("gap", "preference", "expected"), [(0.3, 0.6, 0.55), (0.3, 1.0, 0.75), (0.04, 1.0, 0.5)])
def test_available_space_prefers_as_often_as_it_says(gap: float, preference: float, expected: float):
    view = cluster([10] * 10)
    view.capacity_bytes[:] = 10**12
    view.used_bytes[:50] = int(gap * 10**12)
    policy = prepared({"kind": "available-space", "preference": preference}, view, 1)
    # Both of a pair are of the emptier half in a quarter of cases, one is in half of them.
    assert (placed(policy, view, 100_000, 1) >= 50).mean() == pytest.approx(expected, abs=0.01)
    draws = stream("one")
    one_by_one = [policy.place(view, 1, draws)[0] >= 50 for _ in range(4000)]
    assert np.mean(one_by_one) == pytest.approx(expected, abs=0.04)


def test_the_compiled_choice_is_the_plain_one(monkeypatch: pytest.MonkeyPatch):
    from feitian_sim.pangu.placement import in_turn

    view = cluster([3, 1, 5, 4, 2])
    policy = prepared({"kind": "available-space", "tolerance": 0.01}, view)
    compiled = placed(policy, view, 300, size=MIB)
    for name in ("_skipping", "_bar", "_fill"):
        function = getattr(in_turn, name)
        monkeypatch.setattr(in_turn, name, getattr(function, "py_func", function))
    assert (placed(policy, view, 300, size=MIB) == compiled).all()


def test_tiered_copysets_are_few_and_none_is_in_one_tier():
    view = cluster([10] * 9)
    policy = TieredPlacement(scatter_width=10)
    prepared(policy, view)
    groups = policy.copysets
    assert policy.backup.sum() == 30
    assert (policy.backup[groups] == [False, False, True]).all()
    # A copyset gives each of its servers two neighbours at most: N S / (R (R - 1)) are needed.
    assert 90 * 10 / 6 <= len(groups) <= 1.1 * 90 * 10 / 6
    widths = scatter_widths(groups, view.count)
    assert widths.min() >= 10
    assert widths.max() <= 12
    assert len(copysets(placed(policy, view, 20_000))) == len(copysets(groups))
    # Copysets overlap in one server at most, so that a width of ten takes no more of them than it must.
    pairs = np.concatenate([np.sort(groups[:, pair], axis=1) for pair in ([0, 1], [0, 2], [1, 2])])
    assert len(np.unique(pairs, axis=0)) > 0.95 * len(pairs)


def test_the_loss_of_a_tier_loses_nothing_and_its_racks_share_power():
    view = cluster([4] * 12, racks_per_power_domain=2)
    policy = TieredPlacement()
    prepared(policy, view)
    rows = placed(policy, view, 5000)
    for tier in (policy.backup, ~policy.backup):
        assert not tier[rows].all(axis=1).any()
    assert len(np.unique(view.power_domain[policy.backup])) == 2
    assert not np.isin(view.power_domain[~policy.backup], view.power_domain[policy.backup]).any()


@pytest.mark.parametrize("tier", ["backup", "primary"])
def test_tiered_repair_goes_back_to_the_tier_that_lost(tier: str):
    view = cluster([10] * 9)
    policy = TieredPlacement()
    prepared(policy, view)
    lost = 2 if tier == "backup" else 0
    for row in placed(policy, view, 50).tolist():
        left = tuple(server for place, server in enumerate(row) if place != lost)
        # Its own server is gone, so that another has to stand in.
        (target,) = policy.place(view, 1, stream(), existing=left, exclude=(row[lost],))
        assert policy.backup[target] == (tier == "backup")


@pytest.mark.parametrize(("replicas", "window"), [(3, 4), (3, 7), (2, 5), (4, 5)])
def test_node_groups_have_the_copysets_of_the_paper(replicas: int, window: int):
    servers = 30
    view = cluster([1] * servers)
    policy = prepared(NodeGroupPlacement(machine_window=window), view, replicas)
    rows = placed(policy, view, 60_000, replicas)
    possible = {
        tuple(sorted((first, *((first + step) % servers for step in steps))))
        for first in range(servers)
        for steps in combinations(range(1, window + 1), replicas - 1)
    }
    assert len(possible) == servers * comb(window, replicas - 1)
    assert {tuple(row) for row in copysets(rows).tolist()} == possible
    assert (scatter_widths(copysets(rows), servers) == 2 * window).all()
    draws = stream("one")
    for row in rows[:200].tolist():
        assert tuple(sorted(policy.place(view, replicas, draws))) in possible
        (target,) = policy.place(view, 1, draws, existing=row[1:])
        assert tuple(sorted((target, *row[1:]))) in possible


def test_node_groups_in_the_paper_s_cluster():
    # Cidon et al., ATC 2013: 5,000 machines, 3 replicas: 275,000 copysets, where random placement has 2 * 10^10.
    assert 5000 * comb(11, 2) == 275_000
    view = cluster([20] * 50)
    rows = placed(prepared(NodeGroupPlacement(machine_window=11), view), view, 400_000)
    # Every window of 11 crosses 11 other racks, so that none is left out.
    assert len(copysets(rows)) > 0.999 * 1000 * comb(11, 2)
    assert scatter_widths(copysets(rows), 1000).max() == 22


def grown(policy: type[HashedGroupsPlacement], racks: int) -> float:
    """The share of replicas that move when another rack joins so many of ten servers."""
    before, after = policy(groups=8192), policy(groups=8192)
    prepared(before, cluster([10] * racks))
    prepared(after, cluster([10] * (racks + 1)))
    stays = (before.copysets[:, :, np.newaxis] == after.copysets[:, np.newaxis, :]).any(axis=2)
    return 1 - float(stays.mean())


@pytest.mark.parametrize("policy", HASHED)
@pytest.mark.parametrize("racks", [8, 20])
def test_a_new_rack_takes_its_share_and_little_else_moves(policy: type[HashedGroupsPlacement], racks: int):
    assert grown(policy, racks) == pytest.approx(1 / (racks + 1), rel=0.2)


@pytest.mark.parametrize("policy", HASHED)
def test_a_grown_cluster_is_computed_from_the_same_groups(policy: type[HashedGroupsPlacement]):
    hashed, other = policy(), policy(groups=2048)
    view, bigger = cluster([8] * 10), cluster([8] * 11)
    prepared(hashed, view)
    before, after = placed(hashed, view, 5000), placed(hashed, bigger, 5000)
    # The number of groups stays as it was prepared, as Ceph's pg_num does.
    prepared(other, bigger)
    assert len(hashed.copysets) == 2048
    assert (after == placed(other, bigger, 5000)).all()
    assert (placed(hashed, view, 5000) == before).all()
    stays = (before[:, :, np.newaxis] == after[:, np.newaxis, :]).any(axis=2)
    assert 1 - stays.mean() == pytest.approx(1 / 11, rel=0.25)


def test_rendezvous_moves_to_the_new_rack_only():
    before, after = RendezvousPlacement(groups=2048), RendezvousPlacement(groups=2048)
    prepared(before, cluster([5] * 8))
    prepared(after, cluster([5] * 9))
    for old, new in zip(before.copysets.tolist(), after.copysets.tolist(), strict=True):
        assert all(server in old or server >= 40 for server in new)


@pytest.mark.parametrize("policy", HASHED)
def test_the_load_deviates_by_the_root_of_the_groups_on_a_server(policy: type[HashedGroupsPlacement]):
    view = cluster([20] * 20)
    hashed = policy(groups=16384)
    prepared(hashed, view)
    on_server = np.bincount(hashed.copysets.ravel(), minlength=400)
    assert on_server.std() / on_server.mean() == pytest.approx(1 / sqrt(on_server.mean()), rel=0.15)
    by_default = policy()
    prepared(by_default, view)
    assert 100 / sqrt(2) <= 3 * len(by_default.copysets) / 400 <= 100 * sqrt(2)


@pytest.mark.parametrize("policy", HASHED)
def test_only_the_replicas_of_a_server_that_leaves_move(policy: type[HashedGroupsPlacement]):
    view = cluster([8] * 10)
    hashed = policy()
    prepared(hashed, view)
    before = placed(hashed, view, 20_000)
    view.alive[17] = False
    after = placed(hashed, view, 20_000)
    had_it = (before == 17).any(axis=1)
    assert (before[~had_it] == after[~had_it]).all()
    stays = (before[:, :, np.newaxis] == after[:, np.newaxis, :]).any(axis=2)
    # Set against set: the two survivors stay, one server of another is new.
    assert (stays.sum(axis=1)[had_it] == 2).mean() > (0.999 if policy is RendezvousPlacement else 0.9)
    # They go to servers of the whole cluster, not to a neighbour.
    new = after[had_it][~(after[had_it][:, :, np.newaxis] == before[had_it][:, np.newaxis, :]).any(axis=2)]
    assert len(np.unique(new)) > 40


@pytest.mark.parametrize("policy", HASHED)
def test_a_repair_goes_where_the_group_goes(policy: type[HashedGroupsPlacement]):
    view = cluster([8] * 10)
    # So few groups that hardly another one holds the same two survivors.
    hashed = policy(groups=256)
    prepared(hashed, view)
    before = placed(hashed, view, 3000)
    view.alive[17] = False
    after = placed(hashed, view, 3000)
    agreed = []
    for old, new in zip(before.tolist(), after.tolist(), strict=True):
        left = tuple(server for server in old if server != 17)
        if len(left) == 2:
            (target,) = hashed.place(view, 1, stream(), existing=left)
            agreed.append(target in new)
    assert len(agreed) > 50
    assert np.mean(agreed) > 0.8


@pytest.mark.parametrize("policy", HASHED)
def test_hashed_load_is_proportional_to_capacity(policy: type[HashedGroupsPlacement]):
    view = cluster([10] * 12)
    view.capacity_bytes[1::2] *= 3
    hashed = policy(groups=16384)
    prepared(hashed, view)
    on_server = np.bincount(hashed.copysets.ravel(), minlength=120)
    assert on_server[1::2].sum() / on_server[::2].sum() == pytest.approx(3, rel=0.05)


def test_the_hash_is_splitmix64():
    from feitian_sim.pangu.placement.mixing import mixed

    # The first two numbers of the reference generator from the state 0; each adds the golden ratio once more.
    golden = np.array([0x9E3779B97F4A7C15], dtype=np.uint64)
    assert int(mixed(np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=np.int64))[0]) == 0xE220A8397B1DCDAF
    assert int(mixed(golden, np.zeros(1, dtype=np.int64))[0]) == 0x6E789E6AA1B965F4


@pytest.mark.parametrize("machines", [[10] * 12, [4, 30, 9, 17, 11, 8]])
def test_all_replicas_are_in_one_cell(machines: list[int]):
    view = cluster(machines)
    policy = CellPlacement(cell_size=12)
    prepared(policy, view)
    sizes = np.bincount(policy.cells)
    assert sizes.max() <= 12
    assert sizes.max() - sizes.min() <= 1
    rows = placed(policy, view, 60_000)
    assert (policy.cells[rows] == policy.cells[rows[:, :1]]).all()
    used = copysets(rows)
    assert len(used) <= len(sizes) * comb(12, 3)
    widths = scatter_widths(used, view.count)
    assert widths.max() <= 11
    if machines == [10] * 12:
        # Every cell has a server of each rack, so that all its triples are used.
        assert len(used) == 10 * comb(12, 3)
        assert (widths == 11).all()


def test_a_repair_stays_in_the_cell_while_it_has_room():
    view = cluster([6] * 12)
    policy = CellPlacement(cell_size=6)
    prepared(policy, view)
    (row,) = placed(policy, view, 1).tolist()
    (target,) = policy.place(view, 1, stream(), existing=row[:2])
    assert policy.cells[target] == policy.cells[row[0]]
    view.alive[policy.cells == policy.cells[row[0]]] = False
    view.alive[row[:2]] = True
    (target,) = policy.place(view, 1, stream(), existing=row[:2])
    assert policy.cells[target] != policy.cells[row[0]]


@pytest.mark.parametrize("kind", ["tiered", "node-group", "crush", "rendezvous", "cell"])
def test_what_is_fixed_beforehand_must_be(kind: str):
    with pytest.raises(RuntimeError, match="prepare must be called"):
        placed(placement_from(kind), cluster([3] * 3), 1)
