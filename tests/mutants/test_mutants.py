"""The quick half of the table: bugs that a few seeds find, each by an invariant that was expected to."""

from __future__ import annotations

import pytest

from feitian_sim.checking.catalogue import known_ids
from tests.mutants.mutant import Mutant, hunted, shrunk
from tests.mutants.oracles import finder_words, idle, unjustified
from tests.mutants.replay import Replays, replays
from tests.mutants.row import Alone, Row
from tests.mutants.table import EQUIVALENT, JUSTIFIED, MUTANTS, NOT_HERE

#: Found within so few seeds that CI can afford to look.
_QUICK = (
    "NW-03", "NW-05", "NW-13", "NW-15", "NW-17", "NW-18", "NW-19", "NW-27", "OWN-02", "OWN-07", "OWN-08", "OWN-09",
    "OWN-10", "OWN-11", "OWN-12", "OWN-13", "OWN-14", "OWN-15", "OWN-16", "OWN-17", "OWN-18", "OWN-19", "OWN-21",
    "OWN-22", "OWN-23", "OWN-24", "OWN-25", "PG-06", "OWN-31", "OWN-32", "CL-02", "ZG-01", "OWN-43", "OWN-44", "OWN-45", "OWN-46",
    "KF-01", "KF-03", "OWN-60", "OWN-61", "OWN-62", "OWN-63", "OWN-64", "OWN-65", "OWN-66", "OWN-67", "OWN-68",
    "OWN-69", "OWN-70", "OWN-71", "OWN-72", "OWN-73", "OWN-74", "ZG-03", "PG-03", "PG-10", "PG-12", "OWN-30",
    "OWN-81", "OWN-83", "OWN-85", "OWN-86", "OWN-87", "OWN-88", "OWN-89", "OWN-90", "OWN-91",
    "OWN-120", "OWN-121", "OWN-122", "OWN-123", "OWN-124",
    "FX-01", "FX-02", "FX-09", "FX-10", "FX-14", "OWN-130", "OWN-133", "OWN-134", "OWN-135", "OWN-137", "OWN-138", "OWN-139",
    "OWN-140", "OWN-141", "OWN-142", "OWN-150", "OWN-151", "OWN-152",
    "FX-06", "FX-07", "FX-12", "OWN-28", "OWN-29", "OWN-35", "OWN-36", "OWN-47", "OWN-48", "OWN-80", "OWN-92", "OWN-94",
    "OWN-95", "OWN-96", "OWN-143",
)  # fmt: skip
_SEEDS = 40
#: Of each kind of oracle one, found in a second.
_REPLAYED = ("NW-03", "NW-13", "NW-18", "OWN-16", "OWN-18", "ZG-01")


def test_ids_are_unique_and_accounted_for():
    ids = [mutant.id for mutant in MUTANTS]
    assert len(set(ids)) == len(ids)
    assert not set(NOT_HERE) & set(ids)
    assert set(EQUIVALENT) <= set(ids)
    assert sum(one.startswith("OWN-") for one in ids) >= 15


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.id in _QUICK], ids=lambda one: one.id)
def test_a_planted_bug_is_found(mutant: Mutant):
    found = hunted(mutant, 0, _SEEDS)
    assert found.hits, "the planted code never ran"
    assert found.caught, f"{mutant.what}: not found in {_SEEDS} seeds"
    assert found.finding.invariant in mutant.expected, found.finding.text


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.id in _REPLAYED], ids=lambda one: one.id)
def test_what_is_shrunk_fails_again_and_again_by_the_command_and_not_without_the_bug(mutant: Mutant):
    small = shrunk(mutant, hunted(mutant, 0, _SEEDS), budget=100)
    assert replays(mutant, small, here=3, elsewhere=1) == Replays(runs=4, same=4, clean=True)


def test_a_finder_is_switched_off():
    mutant = next(one for one in MUTANTS if one.id == "OWN-16")
    assert hunted(mutant, 0, 3).finding.invariant == "NW9L"
    assert not hunted(mutant, 0, 3, without=("NW9L",)).caught


def _row(name: str, by: dict[str, int], alone: dict[str, Alone] | None = None) -> Row:
    return Row(name, "?", 5, 5, by, (), (1,) * 5, 5, 1.0, alone=alone or {})


def test_an_invariant_that_is_first_to_find_nothing_must_say_why_it_is_there():
    rows = [
        _row("A", {"NW1": 5}, {"NW1": Alone("", 20)}),
        _row("B", {"NW1": 5}, {"NW1": Alone("NW8", 3)}),
        _row("C", {"NW5": 4, "NW1": 1}),
    ]
    assert list(finder_words(rows))[1:] == ["NW1          A*, B (else NW8 in 3)"]
    assert "NW5" in idle(rows)
    assert "NW1" not in idle(rows)
    assert unjustified(rows, dict.fromkeys(known_ids(), "why")) == ()
    assert "NW5" in unjustified(rows, {})


def test_only_what_there_is_is_justified():
    assert set(JUSTIFIED) <= set(known_ids())
