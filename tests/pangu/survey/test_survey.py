"""What is counted of a layout, beside closed forms, enumeration, and drawn bursts.

The closed forms are those that the durability simulators of others were found to break, for several sizes.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from feitian_sim.experiments.statistics import wilson
from feitian_sim.kernel import MIB, Simulation
from feitian_sim.pangu.placement import placement_from
from feitian_sim.pangu.survey.balance import spread_over_servers, usable_ratio
from feitian_sim.pangu.survey.bursts import burst_risk, subset_chance
from feitian_sim.pangu.survey.domains import apart_ratio, domain_risk, spare_domains
from feitian_sim.pangu.survey.layout import Layout
from feitian_sim.pangu.survey.movement import growth_optimum, moved_ratio
from feitian_sim.testing.placement import cluster


def stream(name: str = "bursts"):
    return Simulation(seed=9).stream(name)


def layout(kind: str | dict, racks: list[int], chunks: int, size_bytes: int = 1) -> Layout:
    view = cluster(racks)
    view.capacity_bytes[:] = 2**44
    policy = placement_from(kind)
    policy.prepare(view, 3, stream("prepare"))
    lengths = np.full(chunks, size_bytes, dtype=np.int64)
    return Layout(view, policy.place_many(view, chunks, 3, stream("place"), lengths), lengths)


def of_sets(sets: list[tuple[int, ...]], servers: int) -> Layout:
    return Layout(cluster([1] * servers), np.array(sets, dtype=np.int32), np.ones(len(sets), dtype=np.int64))


@pytest.mark.parametrize(("servers", "replicas", "sets"), [(9, 3, 12), (8, 2, 9), (9, 3, 1), (8, 4, 20), (7, 1, 3)])
def test_every_burst_of_a_small_cluster_by_enumeration(servers: int, replicas: int, sets: int):
    draws = np.random.default_rng(servers * sets)
    chosen = [tuple(draws.choice(servers, replicas, replace=False).tolist()) for _ in range(sets)]
    small = of_sets(chosen, servers)
    for failures in range(servers + 1):
        bursts = [set(burst) for burst in combinations(range(servers), failures)]
        lost = [sum(set(one) <= burst for one in chosen) for burst in bursts]
        exact = sum(map(bool, lost)) / len(bursts)
        found = burst_risk(small, failures, stream(str(failures)))
        assert found.expected_chunks == pytest.approx(np.mean(lost))
        if found.counted:
            assert found.low - 1e-12 <= exact <= found.high + 1e-12
            assert found.high - found.low <= 0.021 * max(exact, 1e-300)
        else:
            assert found.any_loss_ratio == pytest.approx(exact, abs=3 * (found.high - found.low) / 4 + 1e-9)
    with pytest.raises(ValueError):
        burst_risk(small, servers + 1, stream())


def test_the_published_small_case():
    """N=9, R=3, S=4, three failures: 54 of 84 by random windows, 6 of 84 by copysets (Cidon et al., sec. 2)."""
    groups = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8)]
    assert burst_risk(of_sets(groups, 9), 3, stream()).any_loss_ratio == pytest.approx(6 / 84)
    windows = [(i, (i + a) % 9, (i + b) % 9) for i in range(9) for a, b in combinations(range(1, 5), 2)]
    assert burst_risk(of_sets(windows, 9), 3, stream()).any_loss_ratio == pytest.approx(54 / 84)


@pytest.mark.parametrize(("width", "failures"), [(2, 10), (10, 10), (50, 10), (200, 10), (20, 5), (10, 30)])
def test_copysets_against_the_exact_form_over_permutations(width: int, failures: int):
    """P(loss) = 1 - p0^P for P independent permutations into G groups of three, by inclusion and exclusion."""
    servers, permutations = 1000, width // 2
    groups = servers // 3
    total = math.comb(servers, failures)
    p0 = sum(
        (-1) ** j * math.comb(groups, j) * math.comb(servers - 3 * j, failures - 3 * j) for j in range(failures // 3 + 1)
    )
    exact = 1 - (p0 / total) ** permutations
    made = layout({"kind": "copyset", "scatter_width": width}, [1] * servers, 60 * groups * permutations)
    # Two permutations may have a group in common.
    assert len(made.codes) == pytest.approx(groups * permutations, rel=2e-3)
    found = burst_risk(made, failures, stream())
    assert found.any_loss_ratio == pytest.approx(exact, rel=0.02)
    assert found.expected_chunks == pytest.approx(made.chunks * subset_chance(servers, failures, 3))
    per_set = made.chunks / len(made.codes)
    assert found.chunks_per_incident == pytest.approx(per_set, rel=0.05)


@pytest.mark.parametrize(
    ("servers", "failures", "chunks"), [(1000, 10, 400_000), (300, 6, 100_000), (1000, 4, 1_000_000)]
)
def test_random_placement_against_its_closed_forms(servers: int, failures: int, chunks: int):
    made = layout("random", [1] * servers, chunks)
    possible = math.comb(servers, 3)
    distinct = possible * -math.expm1(chunks * math.log1p(-1 / possible))
    assert len(made.codes) == pytest.approx(distinct, abs=4 * math.sqrt(chunks**2 / possible + 1))
    assert np.mean(made.scatter_widths) == pytest.approx(
        (servers - 1) * (1 - (1 - 2 / (servers - 1)) ** (3 * chunks / servers)), rel=1e-3
    )
    found = burst_risk(made, failures, stream())
    exact = -math.expm1(chunks * math.log1p(-math.comb(failures, 3) / possible))
    assert found.any_loss_ratio == pytest.approx(exact, rel=0.03)


def test_both_ways_to_look_for_lost_sets_agree():
    from feitian_sim.pangu.survey import bursts

    made = layout("random", [4] * 30, 40_000)
    drawn = bursts._bursts(made, 12, stream(), made.sets[:128])
    slow = [sum(set(row) <= set(burst) for row in made.sets.tolist()) for burst in drawn[:16].tolist()]
    by_sets = np.concatenate([bursts._passed(made, drawn[:64]), bursts._passed(made, drawn[64:])])
    assert by_sets[:16].tolist() == slow
    assert by_sets.tolist() == [bursts._found(made, burst) for burst in drawn]
    assert by_sets.min() >= 1


def test_racks_against_closed_forms():
    chunks, racks, each = 200_000, 25, 40
    spread = layout("rack-spread", [each] * racks, chunks)
    for lost in (1, 2):
        assert domain_risk(spread, spread.view.rack, lost).any_loss_ratio == 0
    hdfs = layout("hdfs", [each] * racks, chunks)
    two = domain_risk(hdfs, hdfs.view.rack, 2)
    assert domain_risk(hdfs, hdfs.view.rack, 1).any_loss_ratio == 0
    assert two.any_loss_ratio == 1
    assert two.expected_chunks == pytest.approx(chunks / math.comb(racks, 2))
    oblivious = layout("random", [each] * racks, chunks)
    one = domain_risk(oblivious, oblivious.view.rack, 1)
    mean = chunks * math.comb(each, 3) / math.comb(racks * each, 3)
    assert one.expected_chunks == pytest.approx(mean, abs=3 * math.sqrt(mean / racks))
    on_three = math.comb(racks, 3) * each**3 / math.comb(racks * each, 3)
    assert apart_ratio(oblivious, oblivious.view.rack) == pytest.approx(on_three, abs=3e-3)
    assert spare_domains(spread, spread.view.rack) == 22


def test_two_racks_by_enumeration():
    draws = np.random.default_rng(3)
    rows = np.array([draws.choice(12, 3, replace=False) for _ in range(9)])
    few = Layout(cluster([3, 3, 3, 3]), rows.astype(np.int32), np.ones(9, dtype=np.int64))
    for lost in (1, 2):
        hits = [
            [all(server // 3 in racks for server in row) for row in rows.tolist()]
            for racks in combinations(range(4), lost)
        ]
        found = domain_risk(few, few.view.rack, lost)
        assert found.any_loss_ratio == pytest.approx(np.mean([any(row) for row in hits]))
        assert found.expected_chunks == pytest.approx(np.mean([sum(row) for row in hits]))


def test_balance_of_one_random_choice():
    """The standard deviation of c balls in a bin is sqrt(c (1 - 1/N)), a little less without replacement."""
    servers, each = 500, 1200
    made = layout("random", [5] * 100, servers * each // 3, MIB)
    spread = spread_over_servers(made)
    counts = made.used_bytes / MIB
    assert float(np.std(counts)) == pytest.approx(math.sqrt(each * (1 - 1 / servers)), rel=0.1)
    assert spread.minimum < spread.p10 < spread.p50 < spread.p90 < spread.maximum
    assert usable_ratio(made) == pytest.approx(each / counts.max())


def test_movement_of_a_strawman_and_the_optimum():
    keys = np.arange(100_000)[:, np.newaxis]
    assert moved_ratio(keys % 100, keys % 101) == pytest.approx(0.99009901, abs=1e-3)
    assert moved_ratio(keys % 100, keys % 100) == 0
    assert growth_optimum(900, 100) == 0.1


def test_wilson_and_the_rule_of_three():
    assert wilson(0, 1000)[1] == pytest.approx(3 / 1000, rel=0.01)
    assert wilson(1000, 1000)[0] == pytest.approx(1 - 3 / 1000, rel=0.01)
    low, high = wilson(50, 1000)
    assert low < 0.05 < high
    assert (low, high) == pytest.approx((0.0381, 0.0653), abs=2e-4)
