"""`feitian check`: silent where nothing is wrong, finds a planted bug, makes it small, and what is small fails again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.experiments.check.hunt import hunt
from feitian_sim.experiments.check.judge import judge
from feitian_sim.experiments.check.repeat import repeated
from feitian_sim.experiments.check.shrink import minimised
from feitian_sim.experiments.check.trial import Arena
from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario import load
from feitian_sim.scenario.wiring import Platform
from tests.mutants.mutant import planted
from tests.mutants.table import MUTANTS

_CHECKS = Path(__file__).resolve().parents[2] / "scenarios" / "check"
_NUWA = _CHECKS / "nuwa.yaml"
_NOOPS = next(mutant for mutant in MUTANTS if mutant.id == "NW-03")


@pytest.mark.slow
def test_nothing_is_found_where_nothing_is_wrong(capsys: pytest.CaptureFixture[str]):
    assert invoke(["check", str(_NUWA), "--seeds", "60", "--json", "-q"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["seeds"] == 60
    assert told["failed"] == []
    assert told["not_repeatable"] == []
    assert told["never_judged"] == []
    assert told["reached"]["two members led at one time"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["three", "locks", "pangu", "platform"])
def test_nothing_is_found_in_the_other_checks(name: str):
    found = hunt(Arena(load(_CHECKS / f"{name}.yaml")), 0, 4 if name in ("pangu", "platform") else 30)
    assert [one.text for one in found.failed] == []


@pytest.mark.slow
def test_a_planted_bug_is_found_shrunk_and_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with planted(_NOOPS) as ran:
        said = invoke(["check", str(_NUWA), "--seeds", "20", "-q", "-o", str(tmp_path), "--double", "0", "--json"])
        told = json.loads(capsys.readouterr().out)
        assert said == ExitCode.FAILED
        first = told["failed"][0]
        assert first["invariant"] in ("NW1", "NW8", "NW5")
        assert first["replays"]
        assert first["faults"] <= 3
        assert first["operations"] <= 10
        for _ in range(2):
            assert invoke(["run", first["scenario"], "-o", str(tmp_path / "run")]) == ExitCode.FAILED
            assert f"{first['invariant']} at" in capsys.readouterr().err
    assert ran.hits
    # Without the bug the same scenario holds.
    assert invoke(["run", first["scenario"], "-o", str(tmp_path / "run"), "-q"]) == ExitCode.DONE


def test_oracles_change_nothing():
    arena = Arena(load(_NUWA, ["check.end_early=null"]))
    # The order of ties is part of the check section, which the other run is without; so is an early end.
    watched = arena.scenario(replace(arena.trial(3), ties=False))
    alone = replace(watched, scenario=watched.scenario.model_copy(update={"check": None}))
    digests = []
    for loaded in (watched, alone):
        platform = Platform(loaded, 0, tables=False)
        platform.simulate()
        digests.append(platform.sim.facts.digest())
    assert digests[0] == digests[1]


def test_a_trial_is_the_same_from_its_file():
    from feitian_sim.experiments.check.found import scenario_text
    from feitian_sim.scenario import load_text

    arena = Arena(load(_NUWA))
    trial = arena.trial(11)
    read = load_text(scenario_text(arena.document(trial, "again", "?")), _CHECKS, "again.yaml")
    platform = Platform(read, 0, tables=False)
    platform.simulate()
    assert platform.sim.facts.digest() == judge(arena, trial).digest


def test_what_is_cut_short_in_its_first_phase_still_loads():
    """An error in the platform's code has no invariant to name, and may come long before anything is healed."""
    from feitian_sim.experiments.check.found import scenario_text
    from feitian_sim.scenario import load_text

    arena = Arena(load(_NUWA))
    trial = replace(arena.trial(11), after=None, core=(), duration="300ms")
    read = load_text(scenario_text(arena.document(trial, "short", "?")), _CHECKS, "short.yaml")
    platform = Platform(read, 0, tables=False)
    platform.simulate()
    assert platform.sim.facts.digest() == judge(arena, trial).digest
    assert platform.sim.now == 300_000_000


def test_seeds_differ_and_repeat():
    arena = Arena(load(_NUWA))
    assert arena.trial(1) == arena.trial(1)
    assert judge(arena, arena.trial(1)).digest != judge(arena, arena.trial(2)).digest


@pytest.mark.slow
def test_a_seed_gives_the_same_elsewhere():
    assert repeated(Arena(load(_NUWA)), 5) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "swarn"], "there is no profile 'swarn'"),
        (["--seeds", "0"], "--seeds"),
        (["--set", "check.budget.servers_down=4"], "4 of 5 members of nuwa.server cannot be survived"),
        (["--set", "check.profile=swarn"], "did you mean swarm?"),
        (["--set", "check.invariants=[NW99]"], "there is no invariant 'NW99'"),
    ],
)
def test_bad_input_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert invoke(["check", str(_NUWA), "-q", *arguments]) == ExitCode.REFUSED
    assert said in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused_before_the_hunt(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    there = tmp_path / "there"
    there.write_text("")
    assert invoke(["check", str(_NUWA), "-q", "--seeds", "100000", "-o", str(there)]) == ExitCode.REFUSED
    assert "is a file: results need a folder" in capsys.readouterr().err


def test_a_scenario_that_fails_by_itself_is_told_so():
    from feitian_sim.experiments.check.hunt import fails_by_itself

    with planted(next(mutant for mutant in MUTANTS if mutant.id == "OWN-18")):
        # So much is asked of one seed that two clients certainly meet.
        arena = Arena(load(_NUWA, ["load[0].operations=40"]))
        with pytest.raises(ScenarioError, match="fails without any fault"):
            fails_by_itself(arena)
    assert not fails_by_itself(arena).failed


@pytest.mark.parametrize("needed", [[3], [1, 7], [0, 4, 9], []])
def test_what_is_not_needed_is_left_out(needed: list[int]):
    asked: list[int] = []

    def fails(items: list[int]) -> bool:
        asked.append(len(items))
        return all(one in items for one in needed)

    assert minimised(list(range(10)), fails) == needed
    assert max(asked) < 10
