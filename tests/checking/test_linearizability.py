"""The checker against histories written by hand, and against a judge that tries every order."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from feitian_sim.checking.history import MULTI, UNKNOWN, History, Operation, Part
from feitian_sim.checking.linearizability import Verdict, check, check_all
from feitian_sim.checking.models import Deterministic, Directory, Refusal, Register, TokenFile, TreeNode
from feitian_sim.checking.zones import first_failure, spans_of
from tests.checking.agreement import MODELS, agree, at_least_a_fifth_each, replays
from tests.checking.brute import EFFECTS, explains, random_history


class Plain:
    """A register that the checker does not know for one: judged by the search alone."""

    def __init__(self) -> None:
        register = Register()
        self.initial, self.step, self.observes = register.initial, register.step, register.observes


#: Client, operation, argument, result, called, returned; without a return the outcome is unknown.
Row = tuple[str, str, object, object, int, int | None]


def seen(*rows: Row, key: str = "k") -> History:
    """A history of these operations, in order of call."""
    history = History()
    for client, op, argument, result, called, returned in sorted(rows, key=lambda row: row[4]):
        operation = history.invoke(client, key, op, argument, called)
        if returned is not None:
            history.ok(operation, result, returned)
    return history


def judged(model: Deterministic, *rows: Row) -> Verdict:
    """The verdict; a legal order is replayed, to see that it is one."""
    history = seen(*rows)
    verdict = check(history.operations, model)
    assert replays(verdict, model)
    return verdict


def test_nothing_is_legal() -> None:
    assert check([], Register()).legal


def test_concurrent_reads_may_straddle_a_write() -> None:
    rows: list[Row] = [("a", "write", 1, None, 0, 10), ("b", "get", None, None, 1, 2), ("c", "get", None, 1, 3, 4)]
    assert judged(Register(), *rows).legal


def test_a_stale_read_is_illegal_and_named() -> None:
    verdict = judged(
        Register(), ("a", "write", 1, None, 0, 10), ("b", "get", None, 1, 1, 2), ("c", "get", None, None, 3, 4)
    )
    assert verdict.verdict == "illegal"
    assert verdict.failed is not None
    assert verdict.failed.client == "c"
    assert [operation.client for operation in verdict.order] == ["a", "b"]


def test_a_lost_write_is_illegal() -> None:
    rows: list[Row] = [("a", "write", 1, None, 0, 1), ("a", "write", 2, None, 2, 3), ("b", "get", None, 1, 4, 5)]
    assert judged(Register(), *rows).verdict == "illegal"


def test_an_unknown_write_may_show_up_much_later_or_never() -> None:
    unknown: Row = ("a", "write", 1, UNKNOWN, 0, None)
    old: Row = ("b", "get", None, None, 100, 110)
    new: Row = ("b", "get", None, 1, 200, 210)
    assert judged(Register(), unknown, old).legal
    assert judged(Register(), unknown, old, new).legal


def test_an_unknown_write_does_not_show_up_before_its_call_nor_vanish_again() -> None:
    assert not judged(Register(), ("b", "get", None, 1, 0, 1), ("a", "write", 1, UNKNOWN, 2, None)).legal
    rows: list[Row] = [("a", "write", 1, UNKNOWN, 0, None), ("b", "get", None, 1, 2, 3), ("b", "get", None, None, 4, 5)]
    assert not judged(Register(), *rows).legal


def test_an_operation_that_failed_had_no_effect() -> None:
    history = History()
    history.fail(history.invoke("a", "k", "write", 1, 0), 1)
    history.ok(history.invoke("b", "k", "get", None, 2), 1, 3)
    assert check(history.operations, Register()).verdict == "illegal"


def test_a_write_that_takes_effect_twice_is_illegal() -> None:
    rows: list[Row] = [
        ("a", "append", "x", UNKNOWN, 2, None),
        ("b", "create", None, None, 0, 1),
        ("b", "read", None, ("x",), 3, 4),
    ]
    assert judged(TokenFile(), *rows).legal
    assert not judged(TokenFile(), *rows, ("b", "read", None, ("x", "x"), 5, 6)).legal


def test_a_retry_that_counts_twice_is_seen_in_the_version() -> None:
    rows: list[Row] = [("a", "create", "v", None, 0, 1), ("a", "put", "w", 1, 2, 3), ("b", "stat", None, 2, 4, 5)]
    assert not judged(TreeNode(), *rows).legal


def test_of_two_racing_conditional_writes_one_wins() -> None:
    def race(first: object, second: object) -> bool:
        return judged(Register(), ("a", "cas", (1, 0), first, 0, 10), ("b", "cas", (2, 0), second, 1, 9)).legal

    assert race(1, Refusal.BAD_VERSION)
    assert race(Refusal.BAD_VERSION, 1)
    assert not race(1, 1)
    assert not race(1, 2)
    assert not race(Refusal.BAD_VERSION, Refusal.BAD_VERSION)


def test_what_a_client_does_after_its_own_return_in_the_same_nanosecond_is_after_it() -> None:
    def read_at_once(reader: str) -> bool:
        return judged(Register(), ("a", "write", 1, None, 0, 5), (reader, "get", None, None, 5, 7)).legal

    assert not read_at_once("a")
    assert read_at_once("b")


def test_an_unknown_operation_called_in_the_nanosecond_of_its_clients_return_is_after_it() -> None:
    rows: list[Row] = [("a", "write", 1, None, 0, 5), ("a", "write", 2, UNKNOWN, 5, None), ("b", "get", None, 2, 3, 5)]
    assert judged(Register(), *rows).legal
    assert not judged(Register(), *rows, ("c", "get", None, 1, 6, 7)).legal


def test_of_two_equal_unknown_operations_the_one_bound_to_its_client_does_not_hold_the_other_back() -> None:
    rows: list[Row] = [
        ("x", "create", "v", None, 0, 1),
        ("a", "exists", None, False, 2, 5),
        ("b", "exists", None, True, 2, 3),
        ("a", "delete", None, UNKNOWN, 5, None),
        ("b", "delete", None, UNKNOWN, 5, None),
    ]
    assert judged(TreeNode(), *rows).legal


def test_zones_see_a_value_read_before_it_was_written() -> None:
    history = seen(("b", "get", None, 1, 0, 1), ("a", "write", 1, None, 2, 3))
    spans = spans_of(history.operations, None)
    assert spans is not None
    assert first_failure(spans, None) is history.operations[0]


def test_zones_are_for_clients_that_call_again_at_once_but_not_where_they_meet() -> None:
    rows: list[Row] = [("a", "write", 1, None, 0, 5), ("a", "get", None, 1, 5, 7), ("b", "get", None, 1, 1, 4)]
    assert spans_of(seen(*rows).operations, None) is not None
    assert spans_of(seen(*rows, ("c", "get", None, 1, 5, 9)).operations, None) is None


def test_zones_decide_where_the_search_has_no_time() -> None:
    rows: list[Row] = [(f"c{number}", "write", number, None, 0, 100) for number in range(12)]
    rows += [("x", "get", None, number, 10 * number, 10 * number + 5) for number in (3, 5, 2, 7)]
    assert check(seen(*rows).operations, Register(), budget_steps=5).legal
    assert check(seen(*rows).operations, Plain(), budget_steps=5).verdict == "unknown"


def test_a_spent_budget_is_unknown_and_so_red() -> None:
    # Two equal values, so that zones do not tell.
    rows: list[Row] = [(f"c{number}", "write", number % 11, None, 0, 100) for number in range(12)]
    history = seen(*rows, ("x", "get", None, "never", 50, 60))
    verdict = check(history.operations, Register(), budget_steps=500)
    assert verdict.verdict == "unknown"
    assert not verdict.legal
    assert verdict.failed is not None
    assert verdict.steps < 600
    assert check(history.operations, Register()).verdict == "illegal"


def test_many_unknown_deletes_count_as_one_choice() -> None:
    rows: list[Row] = [(f"c{number}", "delete", None, UNKNOWN, number, None) for number in range(40)]
    rows += [("x", "create", number, None, 100 + 2 * number, 101 + 2 * number) for number in range(40)]
    verdict = judged(TreeNode(), *rows)
    assert verdict.legal
    rows += [("x", "create", number, None, 200 + 2 * number, 201 + 2 * number) for number in range(2)]
    verdict = judged(TreeNode(), *rows)
    assert verdict.verdict == "illegal"
    assert verdict.steps < 10_000


def test_ten_thousand_operations_need_no_recursion() -> None:
    history = History()
    for number in range(10_000):
        history.ok(history.invoke("a", "k", "put", number, number), number + 1, number)
    assert check(history.operations, Register()).legal


def test_each_key_is_judged_by_itself() -> None:
    history = History()
    history.ok(history.invoke("a", "/good", "create", "v", 0), None, 1)
    history.ok(history.invoke("a", "/bad", "get", None, 2), "v", 3)
    history.ok(history.invoke("a", "/dir/", "names", None, 4), (), 5)
    verdicts = check_all(history, lambda key: Directory() if key.endswith("/") else TreeNode())
    assert [(verdict.name, verdict.verdict) for verdict in verdicts] == [
        ("/good", "legal"),
        ("/bad", "illegal"),
        ("/dir/", "legal"),
    ]


def test_a_multi_joins_its_keys_and_is_atomic() -> None:
    def transfer(first: object, second: object) -> list[Verdict]:
        history = History()
        both = (Part("x", "write", 1), Part("y", "write", 1))
        history.ok(history.invoke("a", "x", MULTI, both, 0), (None, None), 10)
        history.ok(history.invoke("b", "x", "get", None, 1), first, 2)
        history.ok(history.invoke("b", "y", "get", None, 3), second, 4)
        history.ok(history.invoke("b", "z", "get", None, 5), None, 6)
        return check_all(history, lambda key: Register())

    assert [(verdict.name, verdict.verdict) for verdict in transfer(1, 1)] == [("x + y", "legal"), ("z", "legal")]
    # Either key alone could be explained.
    assert [verdict.verdict for verdict in transfer(1, None)] == ["illegal", "legal"]


def test_a_multi_that_was_refused_did_nothing_and_must_have_had_a_reason() -> None:
    def refused(reason: Refusal, value: object) -> str:
        history = History()
        history.ok(history.invoke("a", "x", "create", 0, 0), None, 1)
        both = (Part("x", "put", 1), Part("y", "put", 1))
        history.ok(history.invoke("a", "x", MULTI, both, 2), reason, 3)
        history.ok(history.invoke("a", "x", "get", None, 4), value, 5)
        (verdict,) = check_all(history, lambda key: TreeNode())
        return verdict.verdict

    assert refused(Refusal.NO_NODE, 0) == "legal"
    assert refused(Refusal.NO_NODE, 1) == "illegal"
    assert refused(Refusal.EXISTS, 0) == "illegal"


def test_groups_are_joined_over_common_keys() -> None:
    history = History()
    for number, keys in enumerate((("a", "b"), ("c", "d"), ("e", "e"), ("d", "b"))):
        history.invoke("x", keys[0], MULTI, tuple(Part(key, "write", number) for key in keys), number)
    assert [group.keys for group in history.groups()] == [("a", "b", "c", "d"), ("e",)]
    assert [len(group.operations) for group in history.groups()] == [3, 1]


def two_registers(chance: random.Random) -> History:
    """Up to seven operations on one of two keys or on both; results of any instant, or of another one."""
    history, values, past = History(), {"x": 0, "y": 0}, [{"x": 0, "y": 0}]
    running: list[tuple[Operation, object]] = []
    now = 0
    for number in range(1, 14):
        now += chance.randrange(2)
        if number % 2 or len(running) > 2:
            keys = chance.choice((("x",), ("y",), ("x", "y"), ("y", "x")))
            parts = tuple(Part(key, chance.choice(("get", "write")), number) for key in keys)
            seen_values = chance.choice(past) if chance.random() < 0.3 else values
            results = tuple(seen_values[part.key] if part.op == "get" else None for part in parts)
            values.update({part.key: number for part in parts if part.op == "write"})
            past.append(dict(values))
            whole = (parts[0].key, MULTI, parts) if len(parts) > 1 or chance.random() < 0.1 else parts[0]
            operation = history.invoke(f"c{number}", *whole, now)
            running.append((operation, results if operation.op == MULTI else results[0]))
        if running and chance.random() < 0.6:
            operation, result = running.pop(chance.randrange(len(running)))
            history.ok(operation, result, now)
    return history


def test_agrees_with_all_orders_of_operations_on_two_keys() -> None:
    def both(world: dict[str, object], op: str, argument: tuple[Part, ...]) -> object:
        results = []
        for key, part, detail in argument:
            results.append(world.get(key, 0) if part == "get" else None)
            if part == "write":
                world[key] = detail
        return tuple(results)

    found: Counter[bool] = Counter()
    for seed in range(2_000):
        history = two_registers(random.Random(seed))
        whole = [
            operation
            if operation.op == MULTI or operation.outcome == "unknown"
            else replace(operation, result=(operation.result,))
            for operation in history.operations
        ]
        whole = [replace(operation, argument=operation.parts) for operation in whole]
        expected = explains(whole, both)
        assert all(verdict.legal for verdict in check_all(history, lambda key: Register(0))) == expected, seed
        found[expected] += 1
    assert min(found.values()) >= 400, found


def test_zones_and_search_and_all_orders_agree_on_registers_with_unique_values() -> None:
    found: Counter[str] = Counter()
    by_zones = 0
    for seed in range(3_000):
        history = random_history(random.Random(seed), "unique", broken=seed % 5 > 0)
        operations = history.operations
        verdict, searched = check(operations, Register()), check(operations, Plain())
        legal = explains(operations, EFFECTS["unique"])
        assert verdict.legal == searched.legal == legal, (seed, operations)
        assert replays(verdict, Register()), (seed, operations)
        found[verdict.verdict] += 1
        spans = spans_of(operations, None)
        by_zones += spans is not None
        assert spans is None or (first_failure(spans, None) is None) == legal
        if not legal and spans is not None:
            assert fails_there(verdict, operations), (seed, operations)
    assert min(found["legal"], found["illegal"]) >= 600, found
    assert by_zones >= 1_000, by_zones


def fails_there(verdict: Verdict, operations: list[Operation]) -> bool:
    """Whether the history is linearizable before the return of the failed operation, and not with it."""
    assert verdict.failed is not None
    end = verdict.failed.returned_ns
    assert end is not None
    before, after = [], []
    for operation in operations:
        if operation.called_ns <= end:
            unknown = replace(operation, outcome="unknown", result=UNKNOWN, returned_ns=None)
            returned_ns = end + 1 if operation.returned_ns is None else operation.returned_ns
            before.append(operation if returned_ns < end else unknown)
            after.append(operation if returned_ns <= end else unknown)
    return explains(before, EFFECTS["unique"]) and not explains(after, EFFECTS["unique"])


def test_agrees_with_all_orders_of_small_histories() -> None:
    at_least_a_fifth_each(agree(range(5_000)))


@pytest.mark.slow
def test_agrees_with_all_orders_of_very_many_small_histories() -> None:
    """Bar R15 of the faults' document asks for 200,000 of each verdict."""
    found = agree(range(5_000, 525_000))
    at_least_a_fifth_each(found)
    assert min(sum(found[kind, verdict] for kind in MODELS) for verdict in ("legal", "illegal")) >= 200_000, found
