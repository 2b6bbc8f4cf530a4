"""What a JobMaster does when instances, machines and it itself fail, in a small fake world (F9, F10)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_world import FakeWorld, assert_done, mapreduce, task_plan

from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan
from feitian_sim.fuxi.job.snapshot import decoded
from feitian_sim.kernel import MILLISECOND, SECOND


def test_f9_a_failed_instance_runs_again_elsewhere_until_the_limit() -> None:
    """An instance that fails on one machine runs on another; one that always fails ends the job, by name."""
    plan = JobPlan("job", (task_plan("map", 12),))
    world = FakeWorld(plan, fails=lambda order: "bad disk" if order.machine == 1 else "")
    world.start()
    world.run()
    assert_done(world)
    failed = [order for order, _, _ in world.ran if order.machine == 1]
    assert failed
    for order in failed:
        again = [other for other in world.begun if other.instance == order.instance and other is not order]
        assert again
        assert all(other.machine != 1 for other in again)
    broken = FakeWorld(plan, fails=lambda order: "bug" if order.instance == 7 else "")
    broken.start()
    broken.run()
    assert broken.ended == (False, "instance 7 of task map failed 4 times: bug")
    assert sum(1 for order in broken.begun if order.instance == 7) == 4


def test_a_package_that_no_worker_finds_ends_the_job_and_blames_no_machine() -> None:
    """Workers that find no package are another thing than workers that do not come up."""
    plan = JobPlan("job", (replace(task_plan("map", 12), package="/apps/w"),))
    world = FakeWorld(plan)
    world.finds_packages = False
    world.start()
    world.run()
    assert world.ended == (False, "task map needs package /apps/w, which 4 workers did not find in Pangu")
    assert (world.bad, world.begun) == ([], [])


def test_f9_blacklist_rises_from_the_instance_to_the_task_to_the_job() -> None:
    """Three instances that fail on a machine make the task avoid it, and the FuxiMaster is told."""
    world = FakeWorld(
        JobPlan("job", (task_plan("map", 60),)), machines=12, fails=lambda order: "bad" if order.machine == 5 else ""
    )
    world.start()
    world.run()
    assert_done(world)
    assert world.bad == [5]
    assert sum(1 for order in world.begun if order.machine == 5) <= 4
    off = JobConfig.model_validate({"blacklist": {"enabled": False}, "attempts": 50})
    without = FakeWorld(
        JobPlan("job", (task_plan("map", 60),)),
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
    world = FakeWorld(JobPlan("job", (task_plan("map", 40),)), machines=10, slots=2, config=config, slow={3: 20.0})
    world.start()
    world.run()
    return world


def test_f9_a_backup_instance_helps_when_a_machine_is_slow_and_the_first_to_end_wins() -> None:
    """With backups the job does not wait for the slow machine; every instance still commits once."""
    with_backup, without = _with_straggler(), _with_straggler(enabled=False)
    assert_done(with_backup)
    assert_done(without)
    assert without.now_ns >= 20 * SECOND
    assert with_backup.now_ns < 8 * SECOND
    assert any(order.backup for order in with_backup.begun)
    assert all(order.machine != 3 for order in with_backup.begun if order.backup)
    assert len(with_backup.committed) == 40


def test_f9_no_backup_below_the_users_normal_runtime_or_before_enough_have_finished() -> None:
    """Each of the three conditions alone keeps a backup from being started."""
    plan = JobPlan("job", (task_plan("map", 40, normal_runtime_ns=30 * SECOND),))
    normal = FakeWorld(plan, machines=10, slots=2, slow={3: 20.0})
    normal.start()
    normal.run()
    assert_done(normal)
    assert not any(order.backup for order in normal.begun)
    assert not any(order.backup for order in _with_straggler(factor=30).begun)
    assert not any(order.backup for order in _with_straggler(finished=1.0).begun)


def test_outputs_on_a_machine_that_dies_are_made_again_if_somebody_needs_them() -> None:
    """Maps whose output was on the machine run again; once the reduces are done, nothing does."""
    world = FakeWorld(mapreduce())
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
    plan = mapreduce()
    kept = JobPlan("job", (replace(plan.tasks[0], output_path="/out"), plan.tasks[1]))
    world = FakeWorld(kept)
    world.start()
    world.run(until=lambda: len(world.committed) >= 20)
    world.lose(2)
    world.run()
    assert_done(world)
    assert not world.lost
    assert sum(1 for order in world.begun if order.task == 0) == 20


@pytest.mark.parametrize("m", [0, 1, 2, 3, 5, 8, 13, 19, 20, 21, 23, 25])
@pytest.mark.parametrize("rest", ["dead", "alive"])
def test_f10_after_a_restart_exactly_the_unfinished_run_again(m: int, rest: str) -> None:
    """Kill the JobMaster when m of n instances are committed: n - m run again, or go on where their workers live."""
    plan = mapreduce()
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
        world = FakeWorld(mapreduce(), machines=3, slots=2)
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
    world = FakeWorld(JobPlan("job", (task_plan("map", 8),)), machines=2, slots=4)
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
    assert core.failures.attempts == 0
    assert len(world.begun) == 10
    assert len(running) == 4


def test_attempts_are_numbered_and_facts_know_how_they_ended() -> None:
    """Every attempt has its own number, also across lives, so no two write the same file."""
    world = FakeWorld(mapreduce(), slots=1)
    world.start()
    world.run(until=lambda: len(world.committed) >= 4)
    world.kill()
    world.workers.clear()
    world.start()
    world.run()
    pieces = [order.piece for order in world.begun]
    assert len(pieces) == len(set(pieces))
    assert {attempt for _, _, attempt in pieces} == {1, 101}


def test_places_are_kept_while_what_was_made_of_them_may_be_lost() -> None:
    """Maps, then mids, then an end: where the maps' output lies is known to a later life until the end is done."""
    plan = JobPlan(
        "job",
        (
            task_plan("map", 4, output_bytes=9),
            task_plan("mid", 4, after=(EdgePlan(0),), output_bytes=9),
            task_plan("end", 1, after=(EdgePlan(1),), time_ns=50 * SECOND),
        ),
    )
    world = FakeWorld(plan, machines=4, slots=2)
    world.start()
    world.run(until=lambda: len(world.committed) == 8)
    places = [record.machines is not None for record in decoded(world.stored).tasks]
    assert places == [True, True, False]
