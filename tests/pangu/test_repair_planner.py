"""Which replica is restored next (P3): order, throttles, sources and targets, and that no chunk is forgotten."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.kernel import Simulation
from feitian_sim.pangu.chunk_table import ChunkTable, Locations
from feitian_sim.pangu.config import RepairConfig
from feitian_sim.pangu.placement import placement_from
from feitian_sim.pangu.repair import RepairPlanner
from feitian_sim.testing.placement import cluster


def planner(holders: list[tuple[int, ...]], racks=(2, 2, 2, 2), **config) -> RepairPlanner:
    chunks, locations, view = ChunkTable(), Locations(3), cluster(list(racks))
    chunks.load(np.full(len(holders), 10, dtype=np.int64))
    locations.cover(len(holders))
    for chunk, servers in enumerate(holders):
        for server in servers:
            locations.add(chunk, server)
    policy = placement_from("rack-spread")
    stream = Simulation(seed=3).stream("repair")
    made = RepairPlanner(
        RepairConfig.model_validate({"per_cluster": 100, **config}), 3, chunks, locations, view, policy, stream
    )
    made.view, made.locations = view, locations
    return made


def started(made: RepairPlanner, allowed=lambda chunk: True) -> list[int]:
    clones = []
    while (clone := made.next_clone(0, allowed)) is not None:
        clones.append(clone)
    return clones


def test_p3_the_chunk_with_fewest_copies_goes_first():
    made = planner([(0, 2), (0,), (2, 4), (4,)], per_server=9)
    made.add([0, 1, 2, 3], 0)
    assert [clone.chunk for clone in started(made)] == [1, 3, 0, 2]


def test_first_come_is_first_served_when_asked_for():
    made = planner([(0, 2), (0,), (2, 4), (4,)], per_server=9, order="first-come")
    made.add([0, 1, 2, 3], 0)
    assert [clone.chunk for clone in started(made)] == [0, 1, 2, 3]


def test_p3_the_target_is_on_a_rack_of_its_own():
    made = planner([(0, 2)] * 20, per_server=99)
    made.add(range(20), 0)
    for clone in started(made):
        assert made.view.rack[clone.target] not in made.view.rack[[0, 2]]
        assert clone.source in (0, 2)


def test_slots_of_servers_and_cluster_are_never_exceeded():
    made = planner([(0, 2)] * 30, per_server=2)
    made.add(range(30), 0)
    clones = started(made)
    # Two sources with two slots each.
    assert len(clones) == 4
    assert made.view.clones_out.max() == 2
    assert started(planner_with_limit := made) == []
    assert planner_with_limit.queued_count == 26
    assert made.done(clones[0].chunk) is clones[0]
    assert len(started(made)) == 1
    limited = planner([(0, 2)] * 30, per_server=9, per_cluster=3)
    limited.add(range(30), 0)
    assert len(started(limited)) == 3


def test_the_share_of_the_cluster_counts_living_servers():
    made = planner([(0, 2)], racks=(10,) * 5, per_cluster=None)
    assert made.limit == 20
    made.view.alive[:23] = False
    assert made.limit == 11


def test_what_is_written_or_has_no_copy_waits_or_is_forgotten():
    made = planner([(0, 2), (), (0, 2, 4)])
    made.add([0, 1, 2], 0)
    assert started(made, allowed=lambda chunk: False) == []
    # No source, or nothing to do: neither is waited for.
    assert made.queued_count == 1
    assert made.put_off == {"is being written": 1}
    assert [clone.chunk for clone in started(made)] == [0]


def test_a_dead_source_is_not_asked():
    made = planner([(0, 2)])
    made.view.alive[0] = False
    made.add([0], 0)
    assert started(made)[0].source == 2


STEP = st.tuples(st.sampled_from(["lose", "start", "finish", "fail"]), st.integers(0, 19), st.integers(0, 7))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=80))
def test_every_short_chunk_waits_or_runs_whatever_happens(steps):
    spread = [(0, 2, 4), (2, 4, 6), (1, 3, 5), (3, 5, 7)]
    made = planner([spread[chunk % 4] for chunk in range(20)], per_server=3)
    running = {}
    for what, chunk, server in steps:
        match what:
            case "lose":
                if made.locations.remove(chunk, server):
                    made.add([chunk], 0)
            case "start":
                for clone in started(made):
                    running[clone.chunk] = clone
            case "finish" | "fail" if running:
                _, clone = running.popitem()
                made.done(clone.chunk)
                if what == "finish":
                    made.locations.add(clone.chunk, clone.target)
                if made.locations.copies(clone.chunk) < 3:
                    made.add([clone.chunk], 0)
    assert made.running_count == len(running)
    assert made.view.clones_in.sum() == made.view.clones_out.sum() == len(running)
    # Whatever can be repaired now is, one round of slots after the other.
    for _ in range(200):
        for clone in [*running.values(), *started(made)]:
            made.done(clone.chunk)
            made.locations.add(clone.chunk, clone.target)
            if made.locations.copies(clone.chunk) < 3:
                made.add([clone.chunk], 0)
        running = {}
    copies = [made.locations.copies(chunk) for chunk in range(20)]
    assert all(count in (0, 3) or count > 3 for count in copies)
    assert made.queued_count == 0


def test_lazy_repair_waits_for_a_second_loss_and_then_restores_all():
    made = planner([(0, 2), (4,)], per_server=9, lazy_below=2)
    made.add([0, 1], 0)
    (first,) = started(made)
    assert first.chunk == 1
    made.done(1)
    made.locations.add(1, first.target)
    made.add([1], 0)
    # Two copies are not below two, but what was begun is finished.
    (second,) = started(made)
    assert second.chunk == 1
    made.done(1)
    made.locations.add(1, second.target)
    made.add([1], 0)
    assert started(made) == []
    made.locations.remove(0, 2)
    made.add([0], 0)
    assert [clone.chunk for clone in started(made)] == [0]


def test_a_delayed_repair_comes_in_its_time_and_at_once_for_the_last_copy():
    made = planner([(0, 2), (4,), (2, 4), (0, 4)], per_server=9, delay="10s")
    made.add([0, 1, 2], 0)
    assert [clone.chunk for clone in started(made)] == [1]
    made.add([3], 5_000_000_000)
    assert made.next_due_ns == 10_000_000_000
    # Chunk 2 comes back by itself, chunk 3 loses another copy.
    made.locations.add(2, 6)
    made.locations.remove(3, 4)
    made.add([3], 6_000_000_000)
    assert made.next_clone(6_000_000_000, lambda chunk: True).chunk == 3
    assert made.next_clone(9_999_999_999, lambda chunk: True) is None
    clone = made.next_clone(10_000_000_000, lambda chunk: True)
    assert (clone.chunk, clone.queued_ns) == (0, 0)
    assert made.next_clone(20_000_000_000, lambda chunk: True) is None
    assert made.next_due_ns is None
    assert made.queued_count == 0


def test_sources_by_choice():
    by_kind = {}
    for kind in ("least-busy", "random", "same-rack"):
        made = planner([(0, 2)] * 24, racks=(2, 2, 40), per_server=24, source=kind)
        made.add(range(24), 0)
        by_kind[kind] = [clone.source for clone in started(made)]
    assert by_kind["least-busy"].count(0) == by_kind["least-busy"].count(2) == 12
    assert 3 < by_kind["random"].count(0) < 21
    assert by_kind["random"] != by_kind["least-busy"]
    near = planner([(0, 4)] * 8, racks=(4, 4), per_server=9, source="same-rack", target="same-rack")
    near._policy = placement_from("hdfs")
    near.add(range(8), 0)
    clones = started(near)
    assert len(clones) == 8
    assert all(near.view.rack[clone.source] == near.view.rack[clone.target] for clone in clones)


def test_a_target_on_a_rack_that_has_a_copy_only_where_the_rule_allows_it():
    made = planner([(0, 2)] * 6, per_server=9, target="same-rack")
    made.add(range(6), 0)
    # Rack-spread allows none: as without the option.
    for clone in started(made):
        assert made.view.rack[clone.target] not in made.view.rack[[0, 2]]
