"""How long a JobMaster's jobs take, against bounds, brute force, and real time."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest
from fake_world import SAVE_NS, START_NS, FakeWorld, assert_done, task_plan

from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan, TaskPlan
from feitian_sim.kernel import MILLISECOND


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
            tasks.append(task_plan(f"t{number}", len(times), after=edges, time_ns=times))
        plan = JobPlan(f"job{case}", tuple(tasks))
        world = FakeWorld(plan, machines=2, slots=2, config=JobConfig.model_validate({"backup": {"enabled": False}}))
        world.start()
        world.run()
        assert_done(world)
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


def test_a_hundred_thousand_instances_cost_little_real_time() -> None:
    """Decisions per instance do not grow with the task: ten times the instances take about ten times the time."""
    clock = perf_counter
    took: list[float] = []
    for instances in (10_000, 100_000):
        world = FakeWorld(JobPlan("job", (task_plan("map", instances),)), machines=50, slots=20)
        began = clock()
        world.start()
        world.run()
        took.append(clock() - began)
        assert world.ended == (True, "")
    assert took[1] < 25 * took[0]
    assert took[1] < 60.0


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
            tasks.append(task_plan(f"t{number}", len(times), after=edges, time_ns=times))
        slots = int(rng.integers(1, 6))
        world = FakeWorld(
            JobPlan(f"job{case}", tuple(tasks)),
            machines=1,
            slots=slots,
            config=JobConfig.model_validate({"backup": {"enabled": False}}),
        )
        world.start()
        world.run()
        assert_done(world)
        assert world.now_ns == _list_schedule(shape, slots), case
