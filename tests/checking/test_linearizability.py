"""The checker against histories written by hand, and against a judge that tries every order."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from feitian_sim.checking.linearizability import check
from feitian_sim.checking.models import Deterministic, Register, TokenFile, TreeNode
from tests.checking.brute import EFFECTS, explains, random_history

MODELS: dict[str, Deterministic] = {"register": Register(), "tree": TreeNode(), "file": TokenFile()}


def agree(seeds: range) -> Counter[tuple[str, str]]:
    """Judge one small history for each seed, twice; how many there were of each kind and verdict."""
    found: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        chance = random.Random(seed)
        kind = ("register", "tree", "file")[seed % 3]
        history = random_history(chance, kind, broken=chance.random() < 0.9)
        verdict = check(history.operations, MODELS[kind]).verdict
        expected = "legal" if explains(history.operations, EFFECTS[kind]) else "illegal"
        assert verdict == expected, (seed, kind, history.operations)
        found[kind, verdict] += 1
    return found


def at_least_a_fifth_each(found: Counter[tuple[str, str]]) -> None:
    for kind in MODELS:
        legal, illegal = found[kind, "legal"], found[kind, "illegal"]
        assert min(legal, illegal) >= 0.2 * (legal + illegal), found


@pytest.mark.slow
def test_agrees_with_all_orders_of_small_histories() -> None:
    at_least_a_fifth_each(agree(range(5_000)))
