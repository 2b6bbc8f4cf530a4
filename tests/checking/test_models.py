"""The reference models, one claim at a time; and over random runs against the second writing of the same rules."""

from __future__ import annotations

import random
from typing import Any

import pytest

from feitian_sim.checking.history import UNKNOWN, Part
from feitian_sim.checking.models import Deterministic, Directory, Refusal, Register, Together, TokenFile, TreeNode
from tests.checking.brute import EFFECTS, OPS

NO_NODE, EXISTS, BAD_VERSION = Refusal.NO_NODE, Refusal.EXISTS, Refusal.BAD_VERSION


def told(model: Deterministic, *calls: tuple[Any, ...]) -> list[object]:
    """The results of operations one after the other."""
    state, results = model.initial(), []
    for op, *argument in calls:
        result, state = model.apply(state, op, argument[0] if argument else None)
        results.append(result)
    return results


def test_a_register_counts_its_writes() -> None:
    calls = (("get",), ("put", "a"), ("stat",), ("cas", ("b", 0)), ("cas", ("b", 1)), ("get",), ("write", "c"), ("get",))
    assert told(Register(), *calls) == [None, 1, 1, BAD_VERSION, 2, "b", None, "c"]


def test_a_register_may_begin_with_a_value() -> None:
    assert told(Register("first"), ("get",), ("stat",)) == ["first", 0]


def test_a_path_without_a_node_refuses_all_but_create_and_exists() -> None:
    calls = (("get",), ("stat",), ("put", "v"), ("cas", ("v", 0)), ("delete",), ("exists",))
    assert told(TreeNode(), *calls) == [NO_NODE, NO_NODE, NO_NODE, NO_NODE, NO_NODE, False]


def test_a_nodes_version_counts_each_write_once_and_begins_anew() -> None:
    calls = (("create", "a"), ("create", "b"), ("put", "c"), ("cas", ("d", 1)), ("cas", ("e", 1)), ("stat",), ("get",))
    assert told(TreeNode(), *calls) == [None, EXISTS, 1, 2, BAD_VERSION, 2, "d"]
    calls = (("create", "a"), ("put", "b"), ("delete", 0), ("delete", 1), ("exists",), ("create", "c"), ("stat",))
    assert told(TreeNode(), *calls) == [None, 1, BAD_VERSION, None, False, None, 0]


def test_a_directory_lists_its_names_sorted() -> None:
    calls = (("create", "b"), ("create", "a"), ("create", "b"), ("names",), ("delete", "c"), ("delete", "b"), ("names",))
    assert told(Directory(), *calls) == [None, None, EXISTS, ("a", "b"), NO_NODE, None, ("a",)]


def test_a_directory_believes_not_empty_of_what_is_there() -> None:
    assert Directory().step(("a/",), "delete", "a/", Refusal.NOT_EMPTY) == (True, ("a/",))
    assert not Directory().step((), "delete", "a/", Refusal.NOT_EMPTY)[0]


def test_a_file_tells_positions() -> None:
    calls = (("append", 1), ("create",), ("create",), ("append", 1), ("append", 2), ("read",), ("delete",), ("read",))
    assert told(TokenFile(), *calls) == [NO_NODE, None, EXISTS, 0, 1, (1, 2), None, NO_NODE]


def test_several_keys_change_together_or_not_at_all() -> None:
    model = Together(("x", "y"), lambda key: TreeNode())
    create = (Part("x", "create", 1), Part("y", "create", 2))
    clash = (Part("x", "put", 9), Part("y", "create", 3))
    both = (Part("x", "get", None), Part("y", "get", None))
    assert told(model, ("multi", create), ("multi", clash), ("multi", both)) == [(None, None), EXISTS, (1, 2)]


def test_a_part_sees_what_the_parts_before_it_did() -> None:
    model = Together(("x",), lambda key: TreeNode())
    parts = (Part("x", "create", 1), Part("x", "put", 2), Part("x", "get", None))
    assert told(model, ("multi", parts)) == [(None, 1, 2)]


@pytest.mark.parametrize("model", [Register(), TreeNode(), TokenFile()])
def test_an_operation_that_there_is_not_is_a_mistake(model: Deterministic) -> None:
    with pytest.raises(ValueError, match="has no operation fly"):
        model.apply(model.initial(), "fly", None)


@pytest.mark.parametrize(("kind", "model"), [("register", Register()), ("tree", TreeNode()), ("file", TokenFile())])
def test_results_are_those_of_the_rules_written_a_second_time(kind: str, model: Deterministic) -> None:
    for seed in range(300):
        chance, world, state = random.Random(seed), {}, model.initial()
        for number in range(20):
            op = chance.choice(OPS[kind])
            argument: Any = (number, chance.randrange(4)) if op == "cas" else None if op == "delete" else number
            before = state
            right, state = model.apply(before, op, argument)
            assert right == EFFECTS[kind](world, op, argument), (seed, number, op)
            assert model.step(before, op, argument, right) == (True, state)
            assert model.step(before, op, argument, UNKNOWN) == (True, state)
            assert not model.step(before, op, argument, "wrong")[0]
            assert not model.observes(op, right) or state == before
            assert hash(state) == hash(state)
