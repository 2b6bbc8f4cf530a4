"""The quick half of the table: bugs that a few seeds find, each by an invariant that was expected to."""

from __future__ import annotations

import pytest

from tests.mutants.mutant import Mutant, hunted
from tests.mutants.table import EQUIVALENT, MUTANTS, NOT_HERE

#: Found within so few seeds that CI can afford to look.
_QUICK = (
    "NW-03", "NW-05", "NW-13", "NW-15", "NW-17", "NW-18", "NW-19", "NW-27", "OWN-02", "OWN-07", "OWN-08", "OWN-09",
    "OWN-10", "OWN-11", "OWN-12", "OWN-13", "OWN-14", "OWN-15", "OWN-16", "OWN-17", "OWN-18", "OWN-19", "OWN-21",
    "OWN-22", "OWN-24", "PG-06", "OWN-31", "OWN-32", "CL-02", "KF-01", "KF-03", "OWN-60", "OWN-61", "OWN-62", "OWN-63",
    "OWN-64", "OWN-65", "OWN-66", "OWN-67",
)  # fmt: skip
_SEEDS = 40


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
