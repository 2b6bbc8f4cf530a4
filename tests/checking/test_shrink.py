"""Shrinking, with a judge that fails a trial if and only if certain lines of it are there: nothing is simulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feitian_sim.experiments.check.judge import Finding
from feitian_sim.experiments.check.shrink import Shrinker, Shrunk, minimised
from feitian_sim.experiments.check.trial import Arena, Trial
from feitian_sim.kernel import ScenarioError, Simulation
from feitian_sim.scenario import load

_ARENA = Arena(load(Path(__file__).resolve().parents[2] / "scenarios" / "check" / "three.yaml"))
_TIME_NS = 500_000_000
Fails = Callable[[Trial], bool]


def _kills(*names: str) -> tuple[dict[str, Any], ...]:
    return tuple({"kind": "process-kill", "name": name} for name in names)


def _names(trial: Trial) -> list[str]:
    return [str(fault.get("name", fault["kind"])) for fault in trial.faults]


def _script(count: int) -> dict[str, Any]:
    steps = [{"client": number % 4, "at": f"{number}ms", "op": "get", "key": f"k{number}"} for number in range(count)]
    return {"kind": "nuwa-history", "name": "ops", "script": steps}


def _keys(trial: Trial) -> list[str]:
    return [step["key"] for line in trial.loads for step in line.get("script", ())]


def _shrunk(trial: Trial, fails: Fails, budget: int = 500) -> tuple[Shrunk, list[Trial]]:
    asked: list[Trial] = []

    def judging(_: Arena, one: Trial, recorder: Any = None) -> Finding:
        asked.append(one)
        return Finding(one.seed, "NW1", time_ns=_TIME_NS) if fails(one) else Finding(one.seed)

    return Shrinker(_ARENA, trial, judging(_ARENA, trial), budget, judging).run(), asked[1:]


def _needs(names: Sequence[str]) -> Fails:
    return lambda trial: set(names) <= set(_names(trial))


@pytest.mark.parametrize("needed", [(), ("f3",), ("f0", "f19"), ("f5", "f6", "f7"), ("f0", "f7", "f13", "f18")])
def test_the_faults_that_matter_are_left_and_no_other(needed):
    found, asked = _shrunk(Trial(7, _kills(*(f"f{number}" for number in range(20))), ()), _needs(needed))
    assert tuple(_names(found.trial)) == needed
    assert not found.stopped
    assert found.runs == len(asked)


def test_no_single_fault_can_go_even_where_parts_can_replace_each_other():
    def fails(trial: Trial) -> bool:
        names = set(_names(trial))
        # Either pair will do, and with one of each it takes a third.
        return {"a", "b"} <= names or {"c", "d"} <= names or {"a", "c", "e"} <= names

    found, _ = _shrunk(Trial(7, _kills(*"abcdefgh"), ()), fails)
    assert fails(found.trial)
    names = _names(found.trial)
    for name in names:
        assert not fails(replace(found.trial, faults=_kills(*(one for one in names if one != name))))


def test_whole_clients_go_before_single_operations():
    trial = Trial(7, (), (_script(40),))
    found, asked = _shrunk(trial, lambda one: {"k5", "k13"} <= set(_keys(one)))
    assert _keys(found.trial) == ["k5", "k13"]
    # Both are of client 1: three clients went at one blow each.
    sizes = [len(_keys(one)) for one in asked]
    assert sizes.index(30) < sizes.index(5)


def test_a_fault_goes_under_another_seed_that_needs_it_not():
    def fails(trial: Trial) -> bool:
        return "a" in _names(trial) and ("b" in _names(trial) or trial.seed == 10)

    found, _ = _shrunk(Trial(7, _kills(*"abc"), ()), fails)
    assert _names(found.trial) == ["a"]
    assert found.trial.seed == 10
    assert found.finding.seed == 10


def test_operations_that_are_drawn_keep_their_seed():
    drawn = {"kind": "nuwa-history", "name": "ops"}

    def fails(trial: Trial) -> bool:
        return bool(trial.loads) and "script" not in trial.loads[0] and "a" in _names(trial)

    found, asked = _shrunk(Trial(7, _kills(*"ab"), (drawn,)), fails)
    assert _names(found.trial) == ["a"]
    assert {one.seed for one in asked} == {7}


def test_the_time_after_the_violation_goes():
    found, _ = _shrunk(Trial(7, (), (), after="400000us", core=("r0/m0",)), lambda trial: True)
    assert found.trial.duration == "501ms"
    assert found.trial.after is None


def test_a_violation_at_the_end_makes_nothing_longer():
    end_ns = _ARENA.loaded.scenario.duration

    def judging(_: Arena, one: Trial, recorder: Any = None) -> Finding:
        return Finding(one.seed, "NW6", time_ns=end_ns)

    trial = Trial(7, (), ())
    assert Shrinker(_ARENA, trial, judging(_ARENA, trial), 50, judging).run().trial.duration is None


def test_the_best_so_far_is_kept_when_the_budget_is_spent():
    needed = ("f3", "f11", "f17")
    found, asked = _shrunk(Trial(7, _kills(*(f"f{number}" for number in range(20))), ()), _needs(needed), budget=12)
    assert set(needed) <= set(_names(found.trial))
    assert len(found.trial.faults) < 20
    assert len(asked) == found.runs == 12
    assert found.stopped


def test_a_trial_that_fails_otherwise_or_cannot_be_built_is_not_the_same():
    def judging(_: Arena, one: Trial, recorder: Any = None) -> Finding:
        if "a" not in _names(one):
            return Finding(one.seed, "NW8", time_ns=_TIME_NS)
        if "b" not in _names(one):
            raise ScenarioError("a needs b")
        return Finding(one.seed, "NW1", time_ns=_TIME_NS)

    trial = Trial(7, _kills(*"abc"), ())
    assert _names(Shrinker(_ARENA, trial, judging(_ARENA, trial), 100, judging).run().trial) == ["a", "b"]


def _with_messages(needed: Sequence[int], monkeypatch: pytest.MonkeyPatch) -> Shrunk:
    def record(_: Simulation, struck: list[dict[str, Any]]) -> None:
        struck += [{"kind": "network-message", "name": f"m{number}"} for number in range(30)]

    monkeypatch.setattr("feitian_sim.experiments.check.shrink._record_deviations", record)

    def judging(_: Arena, one: Trial, recorder: Any = None) -> Finding:
        if recorder is not None:
            recorder(None)
        kinds = {fault["kind"] for fault in one.faults}
        failed = "network-loss" in kinds or {f"m{number}" for number in needed} <= set(_names(one))
        return Finding(one.seed, "NW1", time_ns=_TIME_NS) if failed else Finding(one.seed)

    trial = Trial(7, ({"kind": "network-loss", "loss": 0.3}, *_kills(*"xyz")), ())
    return Shrinker(_ARENA, trial, judging(_ARENA, trial), 500, judging).run()


def test_a_rate_becomes_the_messages_that_matter(monkeypatch: pytest.MonkeyPatch):
    assert _names(_with_messages((4, 21), monkeypatch).trial) == ["m4", "m21"]


def test_a_rate_stays_where_many_messages_matter(monkeypatch: pytest.MonkeyPatch):
    assert _names(_with_messages((1, 4, 9, 16, 25), monkeypatch).trial) == ["network-loss"]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
def test_one_needed_among_many_is_found_in_about_twice_the_logarithm(count):
    for needed in range(count):
        asked: list[int] = []

        def fails(left: list[int], needed: int = needed, asked: list[int] = asked) -> bool:
            asked.append(len(left))
            return needed in left

        assert minimised(list(range(count)), fails) == [needed]
        assert len(asked) <= 4 * count.bit_length()
