"""Ten thousand operations of ten clients on one key, judged for linearizability."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from time import process_time

from feitian_sim.checking.history import History
from feitian_sim.checking.linearizability import check, check_all
from feitian_sim.checking.models import Deterministic, Register, TokenFile, TreeNode
from tests.benchmarks.line import Line

OPERATIONS = 10_000
CLIENTS = 10
AIM_S = 3.0

Choice = Callable[[random.Random, int], tuple[str, object]]


def lines() -> Iterator[Line]:
    """Processor time for each model; then with unknown outcomes, with many keys, and with a stale read near the end."""
    yard = "10,000 operations, 10 clients on a key"
    for what, model, choice in (
        ("register", Register(), register),
        ("register, versions told", Register(), conditional),
        ("tree node", TreeNode(), tree_node),
        ("file", TokenFile(), token_file),
    ):
        yield Line(f"judge a {what}", judged(legal(model, choice), model, "legal"), "s", yard, at_most=AIM_S)
    history = legal(TreeNode(), tree_node, unknown=0.02)
    yield Line("the same with unknowns", judged(history, TreeNode(), "legal"), "s", "a node, 2 % unknown", at_most=AIM_S)
    history = stale(legal(Register(), register))
    yield Line("the same, illegal", judged(history, Register(), "illegal"), "s", "register, a stale read", at_most=AIM_S)
    history = legal(Register(), register, keys=100)
    began = process_time()
    assert all(verdict.legal for verdict in check_all(history, lambda key: Register()))
    yield Line("judge 100 registers", process_time() - began, "s", "10,000 operations, 10 clients in all", at_most=AIM_S)


def judged(history: History, model: Deterministic, expected: str) -> float:
    """Seconds of processor time."""
    began = process_time()
    verdict = check(history.operations, model)
    assert verdict.verdict == expected, verdict.verdict
    return process_time() - began


def legal(model: Deterministic, choice: Choice, unknown: float = 0.0, keys: int = 1) -> History:
    """Clients that call again at once; each operation takes effect at a random instant between call and return."""
    chance, history = random.Random(7), History()
    states = {f"k{number}": model.initial() for number in range(keys)}
    events: list[tuple[int, int, str, str, object]] = []
    serial = 0

    def later(now: int, what: str, client: str, operation: object) -> None:
        nonlocal serial
        serial += 1
        heappush(events, (now + chance.randrange(1, 10_000_000), serial, what, client, operation))

    for number in range(CLIENTS):
        later(0, "call", f"c{number}", None)
    results: dict[int, object] = {}
    while events:
        now, _, what, client, operation = heappop(events)
        if what == "call" and len(history.operations) < OPERATIONS:
            op, argument = choice(chance, len(history.operations))
            later(now, "act", client, history.invoke(client, f"k{chance.randrange(keys)}", op, argument, now))
        elif what == "act":
            result, states[operation.key] = model.apply(states[operation.key], operation.op, operation.argument)
            results[id(operation)] = result
            later(now, "return", client, operation)
        elif what == "return":
            if chance.random() >= unknown:
                history.ok(operation, results[id(operation)], now)
            heappush(events, (now, 0, "call", client, None))
    return history


def stale(history: History) -> History:
    """One of the last reads gives what the first read gave."""
    reads = [operation for operation in history.operations if operation.op == "get"]
    reads[-20].result = reads[5].result
    return history


def register(chance: random.Random, number: int) -> tuple[str, object]:
    """Half reads, half writes whose versions tell nothing."""
    return ("get", None) if chance.random() < 0.5 else ("write", number)


def conditional(chance: random.Random, number: int) -> tuple[str, object]:
    """Reads, writes and conditional writes."""
    op = chance.choice(("get", "stat", "put", "cas"))
    return op, (number, chance.randrange(number + 1)) if op == "cas" else number if op == "put" else None


def tree_node(chance: random.Random, number: int) -> tuple[str, object]:
    """All that can be done to a path, without deleting it too often."""
    op = chance.choice(("create", "get", "get", "put", "cas", "stat", "exists", "delete"))
    return op, (number, chance.randrange(5)) if op == "cas" else number if op in ("put", "create") else None


def token_file(chance: random.Random, number: int) -> tuple[str, object]:
    """A file that grows and is deleted sometimes."""
    op = "delete" if chance.random() < 0.01 else chance.choice(("create", "append", "append", "read"))
    return op, number if op == "append" else None
