"""What became of one planted bug: hunted from several beginnings, shrunk, replayed."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.mutants.mutant import Hunted, Mutant, hunted, shrunk
from tests.mutants.replay import replays
from tests.mutants.table import MUTANTS

#: Beginnings: the first seeds of independent hunts.
RESTARTS = (0, 10_000, 20_000, 30_000, 40_000)
MOST = 3000
QUICK_MOST = 200
#: With its finders switched off, a bug is looked for this many times as long as they took, and within these bounds.
_PATIENCE = 10
_LEAST_ALONE, _MOST_ALONE = 20, 200


@dataclass(frozen=True, slots=True)
class Alone:
    """A hunt without the invariant that found a bug: by whom it is found then (nobody: empty), in how many seeds."""

    by: str
    seeds: int


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one bug."""

    id: str
    what: str
    caught: int
    restarts: int
    #: The first finders and from how many beginnings each was.
    by: dict[str, int]
    expected: tuple[str, ...]
    seeds: tuple[int, ...]
    hits: int
    cpu_s: float
    faults: int = -1
    operations: int = -1
    runs: int = 0
    shrink_s: float = 0.0
    replays: str = "-"
    #: Seeds that failed without the bug too: a bug of ours.
    innocent: int = 0
    #: Without its finder, for each that found it.
    alone: dict[str, Alone] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it was caught from every beginning, and what was shrunk fails again and again."""
        done, _, asked = self.replays.partition("/")
        return self.caught == self.restarts and self.hits > 0 and (self.replays == "-" or done == asked)

    @property
    def unexpected(self) -> tuple[str, ...]:
        """Finders that nobody had named."""
        return tuple(one for one in self.by if one not in self.expected)


def row_of(number: int, quick: bool, ablate: bool, replay: bool) -> Row:
    """Hunt one bug."""
    mutant: Mutant = MUTANTS[number]
    restarts, most = (RESTARTS[:1], QUICK_MOST) if quick else (RESTARTS, MOST)
    hunts = [hunted(mutant, first, most) for first in restarts]
    found = [hunt for hunt in hunts if hunt.caught]
    by = dict(Counter(hunt.finding.invariant for hunt in found))
    faults, operations, runs, began_s, again = -1, -1, 0, time.process_time(), "-"
    if found:
        small = shrunk(mutant, found[0])
        faults, operations, runs = small.faults, small.operations, small.runs
    shrink_s = time.process_time() - began_s
    if found and replay:
        again = str(replays(mutant, small))
    return Row(
        mutant.id,
        mutant.what,
        len(found),
        len(hunts),
        by,
        mutant.expected,
        tuple(hunt.seeds for hunt in hunts),
        sum(hunt.hits for hunt in hunts),
        sum(hunt.cpu_s for hunt in hunts),
        faults,
        operations,
        runs,
        shrink_s,
        again,
        sum(hunt.innocent for hunt in hunts),
        _alone(mutant, by, hunts) if ablate else {},
    )


def _alone(mutant: Mutant, by: dict[str, int], hunts: list[Hunted]) -> dict[str, Alone]:
    """Without the one that found it every time: who else does?"""
    if len(by) != 1:
        # Whoever it was, another one has found it too.
        return {}
    (finder,) = by
    most = min(max(_LEAST_ALONE, _PATIENCE * max(hunt.seeds for hunt in hunts)), _MOST_ALONE)
    hunt = hunted(mutant, RESTARTS[0], most, without=(finder,))
    return {finder: Alone(hunt.finding.invariant if hunt.caught else "", hunt.seeds)}
