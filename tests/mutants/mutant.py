"""A planted bug, and how it is hunted."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from feitian_sim.checking.catalogue import known_ids
from feitian_sim.experiments.check.judge import Finding, judge
from feitian_sim.experiments.check.shrink import Shrinker, Shrunk
from feitian_sim.experiments.check.trial import Arena
from feitian_sim.scenario import load

Patch = pytest.MonkeyPatch
Hit = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug: ``plant(patch, hit)`` replaces a function by one that is wrong and calls ``hit()`` whenever it runs.

    ``expected``: the invariants that may find it first. ``scenario``: the smallest check that holds its mechanism.
    """

    id: str
    what: str
    provenance: str
    expected: tuple[str, ...]
    plant: Callable[[Patch, Hit], None]
    scenario: str = "scenarios/check/nuwa.yaml"
    profile: str = "swarm"


@dataclass(frozen=True, slots=True)
class Hunted:
    """What became of a hunt: ``seeds`` looked at, the last of which failed if it was caught; how often the bug ran.

    ``innocent``: seeds that failed without the bug too.
    """

    caught: bool
    seeds: int
    finding: Finding
    hits: int
    cpu_s: float
    innocent: int = 0


class Counter:
    """How often the planted code ran."""

    def __init__(self) -> None:
        self.hits = 0

    def __call__(self) -> None:
        self.hits += 1


@contextmanager
def planted(mutant: Mutant) -> Iterator[Counter]:
    """The bug is there while the block runs."""
    patch, counter = Patch(), Counter()
    mutant.plant(patch, counter)
    try:
        yield counter
    finally:
        patch.undo()


_arenas: dict[tuple[str, str], Arena] = {}


def arena_of(mutant: Mutant) -> Arena:
    """The check on which it is hunted."""
    key = (mutant.scenario, mutant.profile)
    if key not in _arenas:
        _arenas[key] = Arena(load(mutant.scenario), mutant.profile)
    return _arenas[key]


def hunted(mutant: Mutant, first: int, most: int, without: Collection[str] = ()) -> Hunted:
    """Look at seeds from ``first`` on, ``most`` of them, until one fails; ``without``: invariants that are switched off.

    A seed that fails without the bug as well counts for nothing.
    """
    arena, began_s = arena_of(mutant), time.process_time()
    watched = arena.check.invariants or known_ids()
    judging = tuple(one for one in watched if one not in without) if without else None
    hits, innocent = 0, 0
    for seed in range(first, first + most):
        trial = arena.trial(seed)
        if judging is not None:
            trial = replace(trial, invariants=judging)
        with planted(mutant) as counter:
            finding = judge(arena, trial)
        hits += counter.hits
        # An error of the platform's own code cannot be switched off, but passed over.
        caught = finding.failed and finding.invariant not in without
        if caught and judge(arena, trial).failed:
            caught, innocent = False, innocent + 1
        if caught:
            break
    return Hunted(caught, seed - first + 1, finding, hits, time.process_time() - began_s, innocent)


def shrunk(mutant: Mutant, hunt: Hunted, budget: int = 400) -> Shrunk:
    """The smallest scenario in which the bug still shows."""
    arena = arena_of(mutant)
    with planted(mutant):
        return Shrinker(arena, arena.trial(hunt.finding.seed), hunt.finding, budget).run()
