"""Whatever is put in place of whatever: problems with a line, never another error, and good ones round-trip."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feitian_sim.scenario.load import Loaded, load_text
from feitian_sim.scenario.problems import KeyPath, Problem, ScenarioProblems
from feitian_sim.scenario.source import parse

TEXT = Path(__file__).with_name("full.yaml").read_text(encoding="utf-8")
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 10**30, float("nan"), float("inf")),
    *("x", "", "3s", "1e999s", "9" * 400 + "s", "-5%", "mine.py:X"),
    *([], {}, [{}], [[]], ["x"], {"kind": "x"}, {"kind": None}, {"kind": [1]}, {"kind": {}}, {"": 1}),
)


def paths(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from paths(value, (*path, key))


def flow(value: Any) -> str:
    """A value as YAML in flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, float):
        return {"nan": ".nan", "inf": ".inf"}.get(repr(value), repr(value))
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def outcome(text: str) -> tuple[Loaded | None, tuple[Problem, ...]]:
    try:
        return load_text(text, name="s.yaml"), ()
    except ScenarioProblems as error:
        return None, error.problems


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD, ids=[repr(odd)[:20] for odd in ODD])
def test_any_value_anywhere_is_taken_or_refused_with_a_line(odd: Any) -> None:
    data = parse(TEXT, "s.yaml")[0].data
    for path in paths(data):
        mutant = copy.deepcopy(data)
        inner: Any = mutant
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = odd
        loaded, problems = outcome(flow(mutant))
        assert all(problem.position.line == 1 for problem in problems), (path, problems)
        if loaded is not None:
            assert load_text(loaded.resolved_yaml()).scenario == loaded.scenario, path
