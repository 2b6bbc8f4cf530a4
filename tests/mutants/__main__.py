"""``make mutants``: plant every bug, hunt it from several beginnings, shrink what is found, replay it, print the table.

``python -m tests.mutants [--quick] [--ablate] [--no-replay] [--jobs N] [ID ...]``. Exit code 1 when one is not caught,
its code never ran, its shrunk scenario does not fail again, or an invariant finds nothing and nobody says why it is there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median, quantiles

from tests.mutants.oracles import finder_words, idle_words, unjustified
from tests.mutants.row import Row, row_of
from tests.mutants.table import EQUIVALENT, JUSTIFIED, MUTANTS, NOT_HERE


def main() -> int:
    """Hunt all, or those that are named."""
    given = _arguments()
    known = [mutant.id for mutant in MUTANTS]
    if strangers := [one for one in given.ids if one not in known]:
        print(f"there is no planted bug {', '.join(strangers)}", file=sys.stderr)
        return 2
    numbers = [
        number for number, one in enumerate(known) if one not in EQUIVALENT and (not given.ids or one in given.ids)
    ]
    _print_head()
    rows: list[Row] = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for waiting in [pool.submit(row_of, one, given.quick, given.ablate, given.replay) for one in numbers]:
            rows.append(waiting.result())
            _print_row(rows[-1])
    _print_foot(rows)
    if not given.ids:
        for line in idle_words(rows, JUSTIFIED):
            print(line)
    whole = not given.ids and not given.quick
    held = all(row.ok for row in rows) and not (whole and unjustified(rows, JUSTIFIED))
    return 0 if held else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--quick", action="store_true", help="one beginning, few seeds")
    parser.add_argument("--ablate", action="store_true", help="hunt again without the invariant that found it")
    parser.add_argument("--no-replay", dest="replay", action="store_false", help="do not run what was shrunk")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


def _print_head() -> None:
    print(
        f"{'id':8}{'caught':8}{'by':22}{'seeds: median':>14}{'worst':>7}{'faults':>8}{'ops':>5}{'replays':>9}"
        f"{'CPU s':>8}{'shrink':>8}  bug"
    )


def _print_row(row: Row) -> None:
    by = ",".join(one if one in row.expected else f"{one}!" for one in row.by)
    caught = f"{row.caught}/{row.restarts}" if row.hits else "NEVER RAN"
    print(
        f"{row.id:8}{caught:8}{by:22}{median(row.seeds):>14.0f}{max(row.seeds):>7}{row.faults:>8}{row.operations:>5}"
        f"{row.replays:>9}{row.cpu_s:>8.1f}{row.shrink_s:>8.1f}  {row.what}",
        flush=True,
    )


def _print_foot(rows: Sequence[Row]) -> None:
    found = [row for row in rows if row.caught]
    print(f"\n{sum(row.ok for row in rows)} of {len(rows)} caught from every beginning")
    if found:
        seeds = [one for row in rows for one in row.seeds]
        print(f"seeds: median over all {median(seeds):.0f}, worst {max(seeds)}")
        spent_s = sum(row.cpu_s + row.shrink_s for row in rows)
        print(f"CPU seconds to hunt and to shrink: {spent_s:.0f} in all")
        for what, sizes in (
            ("faults", [row.faults for row in found]),
            ("operations", [row.operations for row in found]),
            ("CPU seconds to shrink", [row.shrink_s for row in found]),
            ("runs to shrink", [row.runs for row in found]),
        ):
            print(f"shrunk: {what}: median {median(sizes):.0f}, 90 % within {_most_of(sizes):.0f}")
        print()
        for line in finder_words(rows):
            print(line)
    for row in rows:
        if row.innocent:
            print(f"FAILS WITHOUT THE BUG: {row.innocent} seeds on which {row.id} was hunted")
        if row.unexpected:
            print(f"found by another than expected (!): {row.id}: {', '.join(row.unexpected)}")
    for kind, table in (("equivalent", EQUIVALENT), ("not here", NOT_HERE)):
        for name, why in table.items():
            print(f"{kind}: {name}: {why}")


def _most_of(sizes: Sequence[float]) -> float:
    return quantiles(sizes, n=10, method="inclusive")[-1] if len(sizes) > 1 else sizes[0]


if __name__ == "__main__":
    sys.exit(main())
