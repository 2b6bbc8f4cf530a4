"""Nothing is done sooner than its chain, nor than all machines together could; and both say so when it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feitian_sim.checking.bounds import NoFasterThanItsChain, NoFasterThanTheMachines
from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.experiments.check.judge import judge
from feitian_sim.experiments.check.trial import Arena
from feitian_sim.fuxi.check_facts import MachineOffered
from feitian_sim.fuxi.facts import AppEnded
from feitian_sim.fuxi.job.facts import InstanceCommitted, InstanceDrawn, JobEnded, TaskPlanned
from feitian_sim.scenario import load

_SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


class _Story:
    """Facts of a cell with one machine of four cores and eight of something else."""

    def __init__(self) -> None:
        self.chain = NoFasterThanItsChain()
        self.machines = NoFasterThanTheMachines(self.chain)
        self.tell(0, MachineOffered("r0/m0", "4,8"))

    def tell(self, now_ns: int, fact: Any) -> None:
        for one in (self.chain, self.machines):
            if fact.kind in one.hears():
                one.hears()[fact.kind](now_ns, fact)

    def plan(
        self, now_ns: int, number: int, task: str, times: list[int], after: str = "", along: str = "", **what: Any
    ) -> None:
        app, life, vector = what.get("app", "j"), what.get("life", 1), what.get("vector", "1,0")
        self.tell(now_ns, TaskPlanned(app, life, number, task, len(times), after, bool(along), along, vector))
        for instance, compute_ns in enumerate(times):
            self.tell(now_ns, InstanceDrawn(app, life, number, instance, compute_ns))

    def done(self, now_ns: int, task: str, instance: int) -> None:
        self.tell(now_ns, InstanceCommitted("j", task, instance, 0, 1))

    def over(self, now_ns: int, app: str = "j", ok: bool = True) -> None:
        zeros = dict.fromkeys(JobEnded.field_names, 0)
        self.tell(now_ns, JobEnded(**(zeros | {"job": app, "attempt": 1, "ok": ok, "why": ""})))  # type: ignore[arg-type]


def _diamond() -> _Story:
    story = _Story()
    story.plan(100, 0, "a", [10, 30])
    story.plan(100, 1, "b", [5], after="0")
    story.plan(100, 2, "c", [50], after="0")
    story.plan(100, 3, "d", [7], after="1,2")
    return story


def test_a_job_may_take_exactly_its_longest_chain():
    story = _diamond()
    for now_ns, task, instance in ((110, "a", 0), (130, "a", 1), (135, "b", 0), (180, "c", 0), (187, "d", 0)):
        story.done(now_ns, task, instance)
    story.over(187)
    assert story.chain.evaluated == 6
    assert story.machines.evaluated == 1


@pytest.mark.parametrize(("now_ns", "task", "instance"), [(109, "a", 0), (134, "b", 0), (179, "c", 0), (186, "d", 0)])
def test_an_instance_that_is_done_too_soon_is_seen(now_ns: int, task: str, instance: int):
    with pytest.raises(InvariantViolated, match="FX13"):
        _diamond().done(now_ns, task, instance)


def test_a_job_that_is_done_too_soon_is_seen():
    with pytest.raises(InvariantViolated, match="FX13"):
        _diamond().over(186)
    # One that failed has done nothing.
    _diamond().over(120, ok=False)


def test_who_reads_a_stream_begins_with_it_and_is_over_after_it():
    story = _Story()
    story.plan(0, 0, "make", [40])
    story.plan(0, 1, "take", [10], along="0")
    story.plan(0, 2, "end", [5], after="1")
    story.done(10, "take", 0)
    story.done(45, "end", 0)
    with pytest.raises(InvariantViolated, match="FX13"):
        story.done(44, "end", 0)


def test_a_later_life_of_a_master_begins_no_second_time_and_sees_the_same_times():
    story = _diamond()
    story.plan(170, 0, "a", [10, 30], life=2)
    story.over(187)
    with pytest.raises(InvariantViolated, match="FX13"):
        story.plan(190, 0, "a", [10, 31], life=3)


def test_a_set_of_jobs_may_take_exactly_what_the_machines_can():
    story = _Story()
    # Each holds all machines for 10.
    for app in "xyz":
        story.plan(0, 0, "t", [10] * 4, app=app)
    for end_ns, app in ((10, "x"), (20, "y"), (30, "z")):
        story.over(end_ns, app)
    assert story.machines.evaluated == 3


def test_a_set_of_jobs_that_is_done_too_soon_is_seen_whatever_began_before_it():
    story = _Story()
    story.plan(0, 0, "t", [1], app="early")
    story.plan(100, 0, "t", [10] * 4, app="x")
    story.plan(105, 0, "t", [10] * 4, app="y")
    story.over(110, "early")
    story.over(115, "x")
    with pytest.raises(InvariantViolated, match=r"FX14 .*: 2 jobs were done within 0.000000 s, .* in dimension 0"):
        story.over(119, "y")


def test_the_scarcest_resource_counts():
    story = _Story()
    story.plan(0, 0, "t", [10, 10], app="x", vector="1,5")
    with pytest.raises(InvariantViolated, match=r"FX14 .* in dimension 1"):
        story.over(12, "x")


def test_a_job_that_is_said_to_be_over_twice_counts_once():
    story = _Story()
    story.plan(0, 0, "t", [10] * 4, app="x")
    story.plan(0, 0, "t", [1], app="other")
    story.over(10, "x")
    story.over(11, "x")
    # Its master died before that was noted: the next one finds everything done, and says so.
    story.plan(12, 0, "t", [10] * 4, app="x", life=2)
    story.over(13, "x")
    assert story.machines.evaluated == 1


def test_jobs_are_forgotten_when_they_are_over():
    story = _diamond()
    story.over(187)
    story.tell(188, AppEnded("j", True, "", 88))
    assert not story.chain.jobs
    # And what a life of its master says that has not heard of it is judged by nobody.
    story.done(189, "d", 0)
    story.plan(190, 0, "t", [1], app="next")
    assert not story.machines._ended


def test_both_judge_in_a_check_of_jobs():
    arena = Arena(load(_SCENARIOS / "check" / "fuxi.yaml"), "none")
    found = judge(arena, arena.trial(1))
    assert not found.failed
    assert found.evaluated["FX13"] > 100
    assert found.evaluated["FX14"] == 9
