"""``make mutants``: plant every bug, hunt it from several beginnings, shrink what is found, and print the table.

``python -m tests.mutants [--quick] [--jobs N] [ID ...]``. Exit code 1 when one is not caught or its code never ran.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median

from tests.mutants.mutant import Mutant, hunted, shrunk
from tests.mutants.table import EQUIVALENT, MUTANTS, NOT_HERE

#: Beginnings: the first seeds of independent hunts.
_RESTARTS = (0, 10_000, 20_000, 30_000, 40_000)
_MOST = 3000
_QUICK_MOST = 200


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one bug."""

    id: str
    what: str
    caught: int
    restarts: int
    by: tuple[str, ...]
    seeds: tuple[int, ...]
    hits: int
    faults: int
    operations: int
    cpu_s: float

    @property
    def ok(self) -> bool:
        """Whether it was caught from every beginning."""
        return self.caught == self.restarts and self.hits > 0


def line_of(number: int, quick: bool) -> Line:
    """Hunt one bug."""
    mutant: Mutant = MUTANTS[number]
    restarts = _RESTARTS[:1] if quick else _RESTARTS
    hunts = [hunted(mutant, first, _QUICK_MOST if quick else _MOST) for first in restarts]
    found = [hunt for hunt in hunts if hunt.caught]
    small = shrunk(mutant, found[0]) if found else None
    return Line(
        mutant.id,
        mutant.what,
        len(found),
        len(hunts),
        tuple(dict.fromkeys(hunt.finding.invariant for hunt in found)),
        tuple(hunt.seeds for hunt in hunts),
        sum(hunt.hits for hunt in hunts),
        small.faults if small is not None else -1,
        small.operations if small is not None else -1,
        sum(hunt.cpu_s for hunt in hunts),
    )


def main() -> int:
    """Hunt all, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--quick", action="store_true", help="one beginning, few seeds")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    numbers = [
        number
        for number, mutant in enumerate(MUTANTS)
        if mutant.id not in EQUIVALENT and (not given.ids or mutant.id in given.ids)
    ]
    print(f"{'id':8}{'caught':8}{'by':16}{'seeds: median':>14}{'worst':>7}{'faults':>8}{'ops':>5}{'CPU s':>8}  bug")
    lines: list[Line] = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for line in pool.map(line_of, numbers, [given.quick] * len(numbers)):
            lines.append(line)
            by, middle = ",".join(line.by), median(line.seeds)
            caught = f"{line.caught}/{line.restarts}" if line.hits else "NEVER RAN"
            print(
                f"{line.id:8}{caught:8}{by:16}{middle:>14.0f}{max(line.seeds):>7}{line.faults:>8}{line.operations:>5}"
                f"{line.cpu_s:>8.1f}  {line.what}",
                flush=True,
            )
    whole = [line for line in lines if line.ok]
    print(f"\n{len(whole)} of {len(lines)} caught from every beginning")
    if whole:
        print(f"seeds: median over all {median(seeds for line in whole for seeds in line.seeds):.0f}")
        sizes = median(line.faults for line in whole), median(line.operations for line in whole)
        print(f"shrunk: median {sizes[0]:.0f} faults, {sizes[1]:.0f} operations")
    for kind, table in (("equivalent", EQUIVALENT), ("not here", NOT_HERE)):
        for name, why in table.items():
            print(f"{kind}: {name}: {why}")
    return 0 if len(whole) == len(lines) else 1


if __name__ == "__main__":
    sys.exit(main())
