"""Which instances a JobMaster runs when, and where, in a small fake world and by hand (F6 to F8)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from fake_world import SAVE_NS, START_NS, FakeWorld, assert_done, mapreduce, task_plan

from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.effects import Order
from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan
from feitian_sim.fuxi.job.split import Split
from feitian_sim.kernel import SECOND


def test_f6_instances_run_one_after_the_other_on_reused_workers() -> None:
    """100 instances on 8 slots start 8 workers, and each instance runs once."""
    world = FakeWorld(JobPlan("job", (task_plan("map", 100),)))
    world.start()
    world.run()
    assert_done(world)
    assert len(world.begun) == 100
    assert len({order.worker for order in world.begun}) == 8
    assert world.now_ns == pytest.approx(START_NS + 13 * SECOND + SAVE_NS, abs=SECOND // 10)


def test_f6_a_task_has_at_most_so_many_workers() -> None:
    """``workers`` caps what is asked for."""
    world = FakeWorld(JobPlan("job", (task_plan("map", 10, workers=3),)))
    world.start()
    world.run()
    assert_done(world)
    assert len({order.worker for order in world.begun}) == 3


def test_f7_a_barrier_waits_for_the_last_commit_and_a_stream_does_not() -> None:
    """Reduces behind a barrier begin when every map is committed; along a stream before that, and end after."""
    world = FakeWorld(mapreduce())
    committed: list[int] = []
    world.on_commit = lambda number: committed.append(world.now_ns)
    world.start()
    world.run()
    assert_done(world)
    last_map = max(end for order, _, end in world.ran if order.task == 0)
    first_reduce = min(began for order, began, _ in world.ran if order.task == 1)
    assert first_reduce >= last_map + SAVE_NS
    streaming = FakeWorld(mapreduce(stream=True), slots=6)
    streaming.start()
    streaming.run()
    assert_done(streaming)
    last_map = max(end for order, _, end in streaming.ran if order.task == 0)
    assert min(began for order, began, _ in streaming.ran if order.task == 1) < last_map


def test_f7_producers_that_starve_take_workers_from_who_streams_from_them() -> None:
    """All slots are held by reduces that wait for maps which must run again: the job goes on, and ends."""
    maps = tuple(SECOND for _ in range(4))
    plan = JobPlan(
        "job",
        (
            task_plan("map", 4, time_ns=maps, output_bytes=9),
            task_plan("reduce", 4, after=(EdgePlan(0, stream=True),), time_ns=1000 * SECOND),
        ),
    )
    world = FakeWorld(plan, machines=2, slots=2, config=JobConfig.model_validate({"stream_patience": "30s"}))
    world.start()
    world.run(until=lambda: sum(1 for order in world.begun if order.task == 1) == 4)
    # Reduces are on both machines; the maps of one of them are lost, and there is no slot for them.
    world.lose(1)
    core = world.core
    assert core is not None
    world.run(until=lambda: core.tasks[0].is_done and world.now_ns > 20 * SECOND)
    assert 30 * SECOND < world.now_ns < 60 * SECOND
    world.run()
    assert world.ended == (True, "")


def test_f8_a_worker_gets_an_instance_whose_input_is_on_its_machine_else_in_its_rack() -> None:
    """With inputs spread evenly nearly all instances run where their input is."""
    splits = [Split(f"/f{i}", 0, 100, (i % 4, (i + 1) % 4)) for i in range(40)]
    plan = JobPlan("job", (replace(task_plan("map", 0), files=("/f*",)),))
    world = FakeWorld(plan, splits=[splits])
    world.start()
    core = world.core
    assert core is not None
    world.run()
    assert world.ended == (True, "")
    assert core.tasks[0].near["machine"] >= 36
    assert sum(core.tasks[0].near.values()) == 40
    by_hand = FakeWorld(
        JobPlan("job", (replace(task_plan("map", 0), files=("/f*",)),)),
        machines=4,
        slots=1,
        splits=[[Split("/a", 0, 1, (3,)), Split("/b", 0, 1, (2,)), Split("/c", 0, 1, (1,))]],
    )
    by_hand.free = {2: 1}
    by_hand.start()
    by_hand.run()
    # Machine 2: its own input, then the one of its rack (machine 3), then the other.
    assert [order.instance for order in by_hand.begun] == [1, 0, 2]


def _order(world: FakeWorld, instance: int) -> Order:
    return next(order for order in world.begun if order.instance == instance)


def test_lines_of_waiting_instances_stay_in_order() -> None:
    """Without locality instances begin by number."""
    world = FakeWorld(JobPlan("job", (task_plan("map", 30),)), machines=1, slots=1)
    world.start()
    world.run()
    assert all(one.instance < other.instance for one, other in pairwise(world.begun))
    assert _order(world, 0).attempt == 1


def test_a_consumer_relies_on_nothing_that_is_not_committed() -> None:
    """A map that ends while the snapshot of the other is being written opens nothing before its own is."""
    times = (SECOND, SECOND + SAVE_NS // 2)
    plan = JobPlan(
        "job", (task_plan("map", 2, time_ns=times, output_bytes=9), task_plan("reduce", 1, after=(EdgePlan(0),)))
    )
    world = FakeWorld(plan, machines=3, slots=1)
    world.start()
    world.run()
    assert_done(world)
    ends = [end for order, _, end in world.ran if order.task == 0]
    assert ends[1] - ends[0] == SAVE_NS // 2
    # The first snapshot is done SAVE_NS after the first map; the second is written after it.
    began = next(began for order, began, _ in world.ran if order.task == 1)
    assert began >= ends[0] + 2 * SAVE_NS + START_NS


def _with_a_machine_that_is_disabled() -> FakeWorld:
    """Three machines, all at work, when nothing more is to go to number 1."""
    world = FakeWorld(JobPlan("job", (task_plan("map", 30),)), machines=3, slots=2)
    world.start()
    world.run(until=lambda: len(world.begun) == 6)
    world.avoid[0] = (1,)
    world.tell(1, "disabled", 1)
    return world


def test_a_disabled_machine_gets_nothing_new_and_finishes_what_it_has() -> None:
    """What runs there goes on; then its workers are given back."""
    world = _with_a_machine_that_is_disabled()
    world.run()
    assert_done(world)
    there = [order for order in world.begun if order.machine == 1]
    assert len(there) == 2
    assert {order.piece for order in there} <= set(world.committed)


def test_a_machine_that_was_disabled_is_used_again_when_it_may_be() -> None:
    world = _with_a_machine_that_is_disabled()
    world.run(until=lambda: len(world.begun) == 14)
    assert sum(order.machine == 1 for order in world.begun) == 2
    world.avoid[0] = ()
    world.tell(1, "enabled", 1)
    world.run()
    assert_done(world)
    assert sum(order.machine == 1 for order in world.begun) > 2
