"""The JobMaster's decisions, in a small fake world and by hand (F6 to F10)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
from fake_world import SAVE_NS, START_NS, FakeWorld

from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.effects import Order
from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan, TaskPlan
from feitian_sim.fuxi.job.snapshot import decoded
from feitian_sim.fuxi.job.split import Split
from feitian_sim.kernel import MILLISECOND, SECOND

ONE = (1000, 1, 0)


def _task(name: str, instances: int, *, after: tuple[EdgePlan, ...] = (), **options: object) -> TaskPlan:
    options.setdefault("time_ns", SECOND)
    return TaskPlan(name, instances, ONE, after, **options)  # type: ignore[arg-type]


def _mapreduce(maps: int = 20, reduces: int = 6, *, stream: bool = False) -> JobPlan:
    times = tuple((3 + i % 5) * 200 * MILLISECOND for i in range(maps))
    edge = EdgePlan(0, stream)
    return JobPlan(
        "job",
        (_task("map", maps, time_ns=times, output_bytes=1000), _task("reduce", reduces, after=(edge,))),
    )


def _done(world: FakeWorld) -> None:
    assert world.ended == (True, "")
    assert sorted({piece[:2] for piece in world.committed}) == [
        (task, i) for task, plan in enumerate(world.plan.tasks) for i in range(plan.instances)
    ]
    assert not world.workers
    assert not world.held
    assert not world.kept


def test_f6_instances_run_one_after_the_other_on_reused_workers() -> None:
    """100 instances on 8 slots start 8 workers, and each instance runs once."""
    world = FakeWorld(JobPlan("job", (_task("map", 100),)))
    world.start()
    world.run()
    _done(world)
    assert len(world.begun) == 100
    assert len({order.worker for order in world.begun}) == 8
    assert world.now_ns == pytest.approx(START_NS + 13 * SECOND + SAVE_NS, abs=SECOND // 10)


def test_f6_a_task_has_at_most_so_many_workers() -> None:
    """``workers`` caps what is asked for."""
    world = FakeWorld(JobPlan("job", (_task("map", 10, workers=3),)))
    world.start()
    world.run()
    _done(world)
    assert len({order.worker for order in world.begun}) == 3


def test_f7_a_barrier_waits_for_the_last_commit_and_a_stream_does_not() -> None:
    """Reduces behind a barrier begin when every map is committed; along a stream before that, and end after."""
    world = FakeWorld(_mapreduce())
    committed: list[int] = []
    world.on_commit = lambda number: committed.append(world.now_ns)
    world.start()
    world.run()
    _done(world)
    last_map = max(end for order, _, end in world.ran if order.task == 0)
    first_reduce = min(began for order, began, _ in world.ran if order.task == 1)
    assert first_reduce >= last_map + SAVE_NS
    streaming = FakeWorld(_mapreduce(stream=True), slots=6)
    streaming.start()
    streaming.run()
    _done(streaming)
    last_map = max(end for order, _, end in streaming.ran if order.task == 0)
    assert min(began for order, began, _ in streaming.ran if order.task == 1) < last_map


def test_f7_producers_that_starve_take_workers_from_who_streams_from_them() -> None:
    """All slots are held by reduces that wait for maps which must run again: the job goes on, and ends."""
    maps = tuple(SECOND for _ in range(4))
    plan = JobPlan(
        "job",
        (
            _task("map", 4, time_ns=maps, output_bytes=9),
            _task("reduce", 4, after=(EdgePlan(0, stream=True),), time_ns=1000 * SECOND),
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
    plan = JobPlan("job", (replace(_task("map", 0), files=("/f*",)),))
    world = FakeWorld(plan, splits=[splits])
    world.start()
    core = world.core
    assert core is not None
    world.run()
    assert world.ended == (True, "")
    assert core.tasks[0].near["machine"] >= 36
    assert sum(core.tasks[0].near.values()) == 40
    by_hand = FakeWorld(
        JobPlan("job", (replace(_task("map", 0), files=("/f*",)),)),
        machines=4,
        slots=1,
        splits=[[Split("/a", 0, 1, (3,)), Split("/b", 0, 1, (2,)), Split("/c", 0, 1, (1,))]],
    )
    by_hand.free = {2: 1}
    by_hand.start()
    by_hand.run()
    # Machine 2: its own input, then the one of its rack (machine 3), then the other.
    assert [order.instance for order in by_hand.begun] == [1, 0, 2]


def test_f9_a_failed_instance_runs_again_elsewhere_until_the_limit() -> None:
    """An instance that fails on one machine runs on another; one that always fails ends the job, by name."""
    world = FakeWorld(JobPlan("job", (_task("map", 12),)), fails=lambda order: "bad disk" if order.machine == 1 else "")
    world.start()
    world.run()
    _done(world)
    failed = [order for order, _, _ in world.ran if order.machine == 1]
    assert failed
    for order in failed:
        again = [other for other in world.begun if other.instance == order.instance and other is not order]
        assert again
        assert all(other.machine != 1 for other in again)
    broken = FakeWorld(JobPlan("job", (_task("map", 12),)), fails=lambda order: "bug" if order.instance == 7 else "")
    broken.start()
    broken.run()
    assert broken.ended == (False, "instance 7 of task map failed 4 times: bug")
    assert sum(1 for order in broken.begun if order.instance == 7) == 4


def test_f9_blacklist_rises_from_the_instance_to_the_task_to_the_job() -> None:
    """Three instances that fail on a machine make the task avoid it, and the FuxiMaster is told."""
    world = FakeWorld(
        JobPlan("job", (_task("map", 60),)), machines=12, fails=lambda order: "bad" if order.machine == 5 else ""
    )
    world.start()
    world.run()
    _done(world)
    assert world.bad == [5]
    assert sum(1 for order in world.begun if order.machine == 5) <= 4
    off = JobConfig.model_validate({"blacklist": {"enabled": False}, "attempts": 50})
    without = FakeWorld(
        JobPlan("job", (_task("map", 60),)),
        machines=12,
        config=off,
        fails=lambda order: "bad" if order.machine == 5 else "",
    )
    without.start()
    without.run()
    assert without.bad == []
    assert sum(1 for order in without.begun if order.machine == 5) > 10


def _with_straggler(**backup: object) -> FakeWorld:
    config = JobConfig.model_validate({"backup": {"check_every": "1s", **backup}})
    world = FakeWorld(JobPlan("job", (_task("map", 40),)), machines=10, slots=2, config=config, slow={3: 20.0})
    world.start()
    world.run()
    return world


def test_f9_a_backup_instance_helps_when_a_machine_is_slow_and_the_first_to_end_wins() -> None:
    """With backups the job does not wait for the slow machine; every instance still commits once."""
    with_backup, without = _with_straggler(), _with_straggler(enabled=False)
    _done(with_backup)
    _done(without)
    assert without.now_ns >= 20 * SECOND
    assert with_backup.now_ns < 8 * SECOND
    assert any(order.backup for order in with_backup.begun)
    assert all(order.machine != 3 for order in with_backup.begun if order.backup)
    assert len(with_backup.committed) == 40


def test_f9_no_backup_below_the_users_normal_runtime_or_before_enough_have_finished() -> None:
    """Each of the three conditions alone keeps a backup from being started."""
    plan = JobPlan("job", (_task("map", 40, normal_runtime_ns=30 * SECOND),))
    normal = FakeWorld(plan, machines=10, slots=2, slow={3: 20.0})
    normal.start()
    normal.run()
    _done(normal)
    assert not any(order.backup for order in normal.begun)
    assert not any(order.backup for order in _with_straggler(factor=30).begun)
    assert not any(order.backup for order in _with_straggler(finished=1.0).begun)


def test_outputs_on_a_machine_that_dies_are_made_again_if_somebody_needs_them() -> None:
    """Maps whose output was on the machine run again; once the reduces are done, nothing does."""
    world = FakeWorld(_mapreduce())
    world.start()
    world.run(until=lambda: len(world.committed) >= 15)
    done_there = [order.instance for order, _, _ in world.ran if order.machine == 2]
    assert done_there
    world.lose(2)
    world.run()
    assert world.ended == (True, "")
    for instance in done_there:
        assert sum(1 for order in world.begun if (order.task, order.instance) == (0, instance)) == 2
    again = {piece[:2] for piece in world.lost}
    assert again <= {(0, instance) for instance in done_there}
    assert len(world.committed) == 26 + len(again)


def test_outputs_in_pangu_stay_when_a_machine_dies() -> None:
    """What is in Pangu is not made again."""
    plan = _mapreduce()
    kept = JobPlan("job", (replace(plan.tasks[0], output_path="/out"), plan.tasks[1]))
    world = FakeWorld(kept)
    world.start()
    world.run(until=lambda: len(world.committed) >= 20)
    world.lose(2)
    world.run()
    _done(world)
    assert not world.lost
    assert sum(1 for order in world.begun if order.task == 0) == 20


@pytest.mark.parametrize("m", [0, 1, 2, 3, 5, 8, 13, 19, 20, 21, 23, 25])
@pytest.mark.parametrize("rest", ["dead", "alive"])
def test_f10_after_a_restart_exactly_the_unfinished_run_again(m: int, rest: str) -> None:
    """Kill the JobMaster when m of n instances are committed: n - m run again, or go on where their workers live."""
    plan = _mapreduce()
    n = plan.instances
    world = FakeWorld(plan, machines=4, slots=1)

    def stop(number: int) -> None:
        if number >= m and world.life == 1:
            world.kill()

    world.on_commit = stop
    world.start()
    if m == 0:
        world.kill()
    world.run(until=lambda: world.core is None)
    committed = {piece[:2] for piece in world.committed}
    before = len(world.begun)
    if rest == "dead":
        # The workers are gone as well, with what they had finished and nobody had noted.
        world.workers.clear()
        world.kept.clear()
    running = {worker.order.piece[:2] for worker in world.workers.values() if worker.order is not None}
    # A machine of which the job holds nothing any more is not asked.
    held = {machine for _, machine in world.held}
    kept = {piece[:2] for piece, (machine, _) in world.kept.items() if machine in held} - committed
    world.start()
    world.run()
    assert world.ended == (True, "")
    again = [order.piece[:2] for order in world.begun[before:]]
    assert len(again) == n - len(committed) - len(running) - len(kept)
    assert not set(again) & (committed | running | kept)
    assert len(set(again)) == len(again)
    assert sorted(piece[:2] for piece in world.committed) == sorted({piece[:2] for piece in world.committed})
    assert len(world.committed) == n


def test_f10_kills_at_any_moment_leave_a_job_that_ends_right() -> None:
    """Killed again and again, at every 50 ms, the job still commits every instance once."""
    for step in range(1, 60):
        world = FakeWorld(_mapreduce(), machines=3, slots=2)
        world.start()
        for life in range(1, 4):
            world.run_to(life * step * 50 * MILLISECOND)
            if world.ended is None:
                world.kill()
                world.start()
        world.run()
        assert world.ended == (True, ""), step
        assert len(world.committed) == len({piece[:2] for piece in world.committed}), step
        durations = [order.piece for order, _, _ in world.ran]
        assert len(durations) == len(set(durations)), step


def test_preempted_workers_give_their_instances_back() -> None:
    """Idle and youngest first; what was preempted runs again and is no failure."""
    world = FakeWorld(JobPlan("job", (_task("map", 8),)), machines=2, slots=4)
    world.start()
    world.run(until=lambda: len(world.begun) == 8)
    core = world.core
    assert core is not None
    running = [order for order in world.begun if order.machine == 1]
    world.tell(1, "taken_back", 0, 1, 2)
    world.held[0, 1] -= 2
    assert core.tasks[0].table.waiting == 2
    assert len(core.tasks[0].workers) == 6
    world.free[0] += 2
    world.run()
    assert world.ended == (True, "")
    assert core.failed_attempts == 0
    assert len(world.begun) == 10
    assert len(running) == 4


def test_lower_bounds_and_list_scheduling_hold() -> None:
    """No run beats the critical path or the work over the slots, and none is worse than Graham's bound on a chain."""
    rng = np.random.default_rng(5)
    for case in range(25):
        tasks: list[TaskPlan] = []
        all_times: list[tuple[int, ...]] = []
        for number in range(int(rng.integers(1, 5))):
            sources = [other for other in range(number) if rng.random() < 0.5]
            times = tuple(int(value) * 100 * MILLISECOND for value in rng.integers(1, 20, size=int(rng.integers(1, 9))))
            edges = tuple(EdgePlan(source, pattern="none") for source in sources)
            all_times.append(times)
            tasks.append(_task(f"t{number}", len(times), after=edges, time_ns=times))
        plan = JobPlan(f"job{case}", tuple(tasks))
        world = FakeWorld(plan, machines=2, slots=2, config=JobConfig.model_validate({"backup": {"enabled": False}}))
        world.start()
        world.run()
        _done(world)
        longest = [max(times) for times in all_times]
        end = [0] * len(tasks)
        for number, task in enumerate(tasks):
            end[number] = longest[number] + max((end[edge.source] for edge in task.edges), default=0)
        work = sum(map(sum, all_times))
        assert world.now_ns >= max(max(end), work / 4)
        # List scheduling with barriers: work over slots, plus the longest instance of every task on the way, plus
        # what commits and starts cost.
        overhead = len(tasks) * (2 * SAVE_NS + START_NS)
        assert world.now_ns <= work / 4 + sum(longest) + overhead


def test_attempts_are_numbered_and_facts_know_how_they_ended() -> None:
    """Every attempt has its own number, also across lives, so no two write the same file."""
    world = FakeWorld(_mapreduce(), slots=1)
    world.start()
    world.run(until=lambda: len(world.committed) >= 4)
    world.kill()
    world.workers.clear()
    world.start()
    world.run()
    pieces = [order.piece for order in world.begun]
    assert len(pieces) == len(set(pieces))
    assert {attempt for _, _, attempt in pieces} == {1, 101}


def _order(world: FakeWorld, instance: int) -> Order:
    return next(order for order in world.begun if order.instance == instance)


def test_lines_of_waiting_instances_stay_in_order() -> None:
    """Without locality instances begin by number."""
    world = FakeWorld(JobPlan("job", (_task("map", 30),)), machines=1, slots=1)
    world.start()
    world.run()
    assert all(one.instance < other.instance for one, other in pairwise(world.begun))
    assert _order(world, 0).attempt == 1


def test_a_hundred_thousand_instances_cost_little_real_time() -> None:
    """Decisions per instance do not grow with the task: ten times the instances take about ten times the time."""
    clock = perf_counter
    took: list[float] = []
    for instances in (10_000, 100_000):
        world = FakeWorld(JobPlan("job", (_task("map", instances),)), machines=50, slots=20)
        began = clock()
        world.start()
        world.run()
        took.append(clock() - began)
        assert world.ended == (True, "")
    assert took[1] < 25 * took[0]
    assert took[1] < 60.0


def test_a_consumer_relies_on_nothing_that_is_not_committed() -> None:
    """A map that ends while the snapshot of the other is being written opens nothing before its own is."""
    times = (SECOND, SECOND + SAVE_NS // 2)
    plan = JobPlan("job", (_task("map", 2, time_ns=times, output_bytes=9), _task("reduce", 1, after=(EdgePlan(0),))))
    world = FakeWorld(plan, machines=3, slots=1)
    world.start()
    world.run()
    _done(world)
    ends = [end for order, _, end in world.ran if order.task == 0]
    assert ends[1] - ends[0] == SAVE_NS // 2
    # The first snapshot is done SAVE_NS after the first map; the second is written after it.
    began = next(began for order, began, _ in world.ran if order.task == 1)
    assert began >= ends[0] + 2 * SAVE_NS + START_NS


def test_a_disabled_machine_gets_nothing_new_and_finishes_what_it_has() -> None:
    """What runs there goes on; then its workers are given back."""
    world = FakeWorld(JobPlan("job", (_task("map", 30),)), machines=3, slots=2)
    world.start()
    world.run(until=lambda: len(world.begun) == 6)
    world.avoid[0] = (1,)
    world.tell(1, "disabled", 1)
    world.run()
    _done(world)
    there = [order for order in world.begun if order.machine == 1]
    assert len(there) == 2
    assert {order.piece for order in there} <= set(world.committed)


def _list_schedule(tasks: list[tuple[list[int], tuple[int, ...]]], slots: int) -> int:
    """By brute force: whenever a slot is free it takes the first instance of the first task whose sources are all done.

    ``tasks``: sources and times of each.
    """
    left = [list(times) for _, times in tasks]
    open_count = [len(times) for _, times in tasks]
    running: list[tuple[int, int]] = []
    # A task waits from when its sources are done; who has waited longest comes first.
    queue: list[int] = []
    now = 0
    while any(open_count):
        for number, (sources, _) in enumerate(tasks):
            if number not in queue and not any(open_count[source] for source in sources):
                queue.append(number)
        for number in queue:
            while left[number] and len(running) < slots:
                running.append((now + left[number].pop(0), number))
        now = min(end for end, _ in running)
        for end, number in [one for one in running if one[0] == now]:
            running.remove((end, number))
            open_count[number] -= 1
    return now


def test_a_job_takes_what_list_scheduling_takes_by_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without overheads, on small graphs drawn at random, to the nanosecond."""
    monkeypatch.setattr("fake_world.START_NS", 0)
    monkeypatch.setattr("fake_world.SAVE_NS", 0)
    rng = np.random.default_rng(11)
    for case in range(60):
        shape: list[tuple[list[int], tuple[int, ...]]] = []
        tasks: list[TaskPlan] = []
        for number in range(int(rng.integers(1, 6))):
            sources = [other for other in range(number) if rng.random() < 0.5]
            # Prime numbers of nanoseconds, so that hardly anything ends at one time.
            times = tuple(int(value) * 1_000_003 for value in rng.integers(1, 1000, size=int(rng.integers(1, 9))))
            shape.append((sources, times))
            edges = tuple(EdgePlan(source, pattern="none") for source in sources)
            tasks.append(_task(f"t{number}", len(times), after=edges, time_ns=times))
        slots = int(rng.integers(1, 6))
        world = FakeWorld(
            JobPlan(f"job{case}", tuple(tasks)),
            machines=1,
            slots=slots,
            config=JobConfig.model_validate({"backup": {"enabled": False}}),
        )
        world.start()
        world.run()
        _done(world)
        assert world.now_ns == _list_schedule(shape, slots), case


def test_places_are_kept_while_what_was_made_of_them_may_be_lost() -> None:
    """Maps, then mids, then an end: where the maps' output lies is known to a later life until the end is done."""
    plan = JobPlan(
        "job",
        (
            _task("map", 4, output_bytes=9),
            _task("mid", 4, after=(EdgePlan(0),), output_bytes=9),
            _task("end", 1, after=(EdgePlan(1),), time_ns=50 * SECOND),
        ),
    )
    world = FakeWorld(plan, machines=4, slots=2)
    world.start()
    world.run(until=lambda: len(world.committed) == 8)
    places = [record.machines is not None for record in decoded(world.stored).tasks]
    assert places == [True, True, False]
