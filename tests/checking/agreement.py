"""The linearizability checker beside a judge that tries every order, over many small random histories.

``python -m tests.checking.agreement [HISTORIES]`` (default 200,000): how many of each kind were legal and illegal. Exit
code 1, with the history, where the two disagree.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from feitian_sim.checking.history import Operation
from feitian_sim.checking.linearizability import Verdict, check
from feitian_sim.checking.models import Deterministic, Register, TokenFile, TreeNode
from tests.checking.brute import EFFECTS, explains, precedes, random_history

MODELS: dict[str, Deterministic] = {"register": Register(), "tree": TreeNode(), "file": TokenFile()}


def replays(verdict: Verdict, model: Deterministic) -> bool:
    """Whether the order gives the results and respects real time."""
    state = model.initial()
    for place, operation in enumerate(verdict.order):
        legal, state = model.step(state, operation.op, operation.argument, operation.result)
        if not legal or any(precedes(operation, earlier) for earlier in verdict.order[:place]):
            return False
    return True


def agree(seeds: range) -> Counter[tuple[str, str]]:
    """Judge one small history for each seed, twice; how many there were of each kind and verdict."""
    found: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        chance = random.Random(seed)
        kind = ("register", "tree", "file")[seed % 3]
        history = random_history(chance, kind, broken=chance.random() < 0.9)
        verdict = check(history.operations, MODELS[kind])
        expected = "legal" if explains(history.operations, EFFECTS[kind]) else "illegal"
        assert verdict.verdict == expected, (seed, kind, history.operations)
        assert replays(verdict, MODELS[kind]), (seed, kind, history.operations)
        assert not verdict.legal or has_all_known(verdict, history.operations)
        found[kind, verdict.verdict] += 1
    return found


def has_all_known(verdict: Verdict, operations: list[Operation]) -> bool:
    """Whether each operation that took effect is in the order, and each at most once."""
    order = dict.fromkeys(verdict.order)
    return len(order) == len(verdict.order) and all(
        operation in order for operation in operations if operation.outcome == "ok"
    )


def at_least_a_fifth_each(found: Counter[tuple[str, str]]) -> None:
    for kind in MODELS:
        legal, illegal = found[kind, "legal"], found[kind, "illegal"]
        assert min(legal, illegal) >= 0.2 * (legal + illegal), found


def main() -> int:
    """Compare, and print a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    try:
        found = agree(range(count))
    except AssertionError as error:
        print(f"the checker and the judge of all orders disagree: {error}", file=sys.stderr)
        return 1
    print(f"{'kind':12}{'legal':>10}{'illegal':>10}")
    for kind in MODELS:
        print(f"{kind:12}{found[kind, 'legal']:>10}{found[kind, 'illegal']:>10}")
    print(f"{count} histories, no disagreement")
    return 0


if __name__ == "__main__":
    sys.exit(main())
