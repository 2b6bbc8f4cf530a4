"""The second phase of a check ends when all that must happen in it has happened, and no sooner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from feitian_sim.checking.checker import Checker
from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.coordination import TreeIsAsCommanded
from feitian_sim.checking.invariant import Invariant
from feitian_sim.experiments.check.judge import Finding, judge
from feitian_sim.experiments.check.trial import Arena, Trial
from feitian_sim.kernel import SECOND, FactBus, Simulation
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.scenario import load
from feitian_sim.workloads.historian import Ended, Historian, Wish
from feitian_sim.workloads.history_config import NuwaHistoryLoad

_MS = SECOND // 1000
_NUWA = Path(__file__).resolve().parents[2] / "scenarios" / "check" / "nuwa.yaml"
_SCENARIO = load(_NUWA).scenario
_END_NS = _SCENARIO.duration
_HEALED_NS = 600 * _MS
_QUIET_NS = 450 * _MS


def _arena(whole: float) -> Arena:
    return Arena(load(_NUWA, [f"check.end_early.whole={whole}"]))


def _run(arena: Arena, trial: Trial) -> tuple[Finding, int]:
    """What was found, and when the run ended."""
    sims: list[Simulation] = []
    finding = judge(arena, trial, sims.append)
    return finding, sims[0].now


def _oracles(name: str) -> tuple[Checker, Invariant, Callable[[str, int, Any], None]]:
    """All oracles, the one of this name, and how they are told a fact of any kind."""
    config = CheckConfig.model_validate(
        {
            "faults_until": "600ms",
            "converge": "1100ms",
            "liveness": {"after": "600ms", "core": ["rack0/m0"]},
            "end_early": {"quiet": "450ms"},
        }
    )
    checker = Checker(config, FactBus(lambda: 0), ("nuwa", "nuwa-history"))
    (found,) = (one for one in checker.invariants if one.id == name)
    return checker, found, partial(_tell, found)


def _tell(invariant: Invariant, kind: str, now_ns: int, fact: Any) -> None:
    invariant.hears()[kind](now_ns, fact)


def _asked(number: int) -> Any:
    return SimpleNamespace(client="ops-0", number=number, op="put", key="f0")


def _answer(number: int, outcome: str) -> Any:
    return SimpleNamespace(client="ops-0", number=number, outcome=outcome, result="")


# Whole runs


def test_most_seeds_end_early_and_the_others_run_to_their_end():
    early, whole = _arena(0.0), _arena(1.0)
    trials = [early.trial(seed) for seed in (0, 1)]
    ends = [_run(early, trial)[1] for trial in trials]
    assert _SCENARIO.check is not None
    assert all(_SCENARIO.check.faults_until + _QUIET_NS <= end < _END_NS for end in ends), ends
    assert [_run(whole, trial)[1] for trial in trials] == [_END_NS] * 2


def test_seeds_that_run_on_are_drawn():
    arena = _arena(0.5)
    ends = [_run(arena, arena.trial(seed))[1] for seed in range(5)]
    assert 0 < sum(end == _END_NS for end in ends) < 5


def test_a_run_ends_at_the_same_time_whoever_judges_it():
    arena = _arena(0.0)
    trial = arena.trial(1)
    alone = replace(trial, invariants=("NW6",))
    assert _run(arena, alone)[1] == _run(arena, trial)[1] < _END_NS


def test_a_core_that_answers_nobody_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(NuwaClient, "_finish", lambda *_: None)
    arena = _arena(0.0)
    finding, end_ns = _run(arena, arena.trial(1))
    assert end_ns == _END_NS
    assert finding.invariant == "NW15"


def test_without_a_healed_core_a_run_has_its_whole_length():
    arena = _arena(0.0)
    assert _run(arena, replace(arena.trial(1), after=None))[1] == _END_NS


@pytest.mark.parametrize(("until_answered", "begun"), [(False, 2), (True, 4)])
def test_operations_that_were_not_answered_count_only_where_nobody_insists(until_answered: bool, begun: int):
    outcomes = ["unknown", "fail", "ok", "ok"]

    class Doer:
        service = "nuwa"

        def draw(self, client: int, number: int, op: str, key: str) -> str:
            return ""

        def do(self, client: int, wish: Wish, ended: Ended) -> None:
            assert not historian.finished
            ended(outcomes.pop(0), "")

    sim = Simulation(1)
    config = NuwaHistoryLoad.model_validate(
        {"kind": "nuwa-history", "clients": 1, "operations": 2, "until_answered": until_answered}
    )
    context: Any = SimpleNamespace(sim=sim, stream=sim.stream)
    historian = Historian(context, "load", config, config.ratios, Doer())
    historian.start()
    sim.run_until(SECOND)
    assert historian.finished
    assert historian.begun == begun


# What each still waits for


def test_operations_are_waited_for_until_one_that_was_begun_in_a_healthy_core_is_answered():
    _, oracle, tell = _oracles("NW15")
    tell("history.invoked", 500 * _MS, _asked(0))
    tell("history.returned", 700 * _MS, _answer(0, "ok"))
    assert not oracle.settled(1000 * _MS)
    tell("history.invoked", 800 * _MS, _asked(1))
    tell("history.returned", 900 * _MS, _answer(1, "unknown"))
    assert not oracle.settled(1000 * _MS)
    tell("history.invoked", 910 * _MS, _asked(2))
    tell("history.returned", 950 * _MS, _answer(2, "ok"))
    assert oracle.settled(1000 * _MS)
    tell("history.invoked", 960 * _MS, _asked(3))
    assert not oracle.settled(1000 * _MS)


def test_a_leader_has_stayed_after_a_stretch_without_elections():
    _, oracle, tell = _oracles("NW15a")
    assert not oracle.settled(_HEALED_NS + _QUIET_NS - 1)
    assert oracle.settled(_HEALED_NS + _QUIET_NS)
    tell("replog.leader_elected", 800 * _MS, SimpleNamespace(group="nuwa", member="a"))
    assert not oracle.settled(_HEALED_NS + _QUIET_NS)
    assert oracle.settled(800 * _MS + _QUIET_NS)


def test_a_silent_session_is_waited_for_while_it_counts():
    checker, oracle, tell = _oracles("NW9L")
    (tree,) = (one for one in checker.invariants if isinstance(one, TreeIsAsCommanded))
    sessions: dict[int, Any] = tree.model.sessions
    sessions[7] = object()
    tell("nuwa.session_founded", 100 * _MS, SimpleNamespace(session=7, timeout_ns=600 * _MS))
    assert oracle.settled(1000 * _MS)
    tell("nuwa.session_lost", 300 * _MS, SimpleNamespace(session=7, owner="a"))
    assert not oracle.settled(1000 * _MS)
    del sessions[7]
    assert oracle.settled(1000 * _MS)


def test_a_notice_is_waited_for_once_there_is_something_to_tell():
    checker, oracle, tell = _oracles("NW10L")
    (tree,) = (one for one in checker.invariants if isinstance(one, TreeIsAsCommanded))
    watch = SimpleNamespace(owner="a", number=1, what="node", path="/f", session=7)
    tree.model.sessions[7] = None
    tell("nuwa.watch_set", 700 * _MS, watch)
    tell(
        "nuwa.operation", 710 * _MS, SimpleNamespace(owner="a", op="get", path="/f", start_ns=700 * _MS, error="", zxid=3)
    )
    assert oracle.settled(1000 * _MS)
    tree.model.changes["/f"] = [2, 4]
    assert not oracle.settled(1000 * _MS)
    tell("nuwa.notice", 900 * _MS, SimpleNamespace(owner="a", number=1))
    assert oracle.settled(1000 * _MS)


def test_nothing_is_owed_to_a_client_whose_session_is_over():
    checker, oracle, tell = _oracles("NW10L")
    (tree,) = (one for one in checker.invariants if isinstance(one, TreeIsAsCommanded))
    tree.model.sessions[7] = None
    tell("nuwa.watch_set", 700 * _MS, SimpleNamespace(owner="a", number=1, what="node", path="/f", session=7))
    tell(
        "nuwa.operation", 710 * _MS, SimpleNamespace(owner="a", op="get", path="/f", start_ns=700 * _MS, error="", zxid=3)
    )
    tree.model.changes["/f"] = [4]
    assert not oracle.settled(1000 * _MS)
    del tree.model.sessions[7]
    assert oracle.settled(1000 * _MS)


def test_what_does_not_know_better_waits_for_the_bound():
    class Late(Invariant):
        id = "X1"
        claim = "something happens"
        when = "liveness"

    class Always(Late):
        when = "always"

    assert not Late().settled(0)
    assert Always().settled(0)
