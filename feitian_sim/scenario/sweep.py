"""The axes of a sweep: every axis names a key, and every value on it makes a valid scenario."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

from feitian_sim.scenario.draft import Draft, draft_of
from feitian_sim.scenario.model import Scenario
from feitian_sim.scenario.nodes import Source
from feitian_sim.scenario.overrides import key_path, put
from feitian_sim.scenario.problems import Problem, ScenarioProblems, suggestion
from feitian_sim.scenario.shapes import default_at

#: Beyond so many values an axis is only sampled: each is a whole validation.
_VALUES_TRIED = 64


def axes_are_valid(draft: Draft) -> Iterator[Problem]:
    """What is wrong with the sweep of a scenario that is otherwise right."""
    for key, values in draft.scenario.sweep.items():
        path = key_path(key)
        if path is None or path[0] in {"sweep", "extends", "name", "seed", "runs"}:
            names = sorted(set(Scenario.model_fields) - {"sweep", "name", "seed", "runs"})
            message = f"{key!r} is not a key that can be swept{suggestion(key, names)}"
            yield draft.problem(("sweep", key), message, at_key=True)
            continue
        yield from _axis(draft, key, values)


def _axis(draft: Draft, key: str, values: tuple[Any, ...]) -> Iterator[Problem]:
    path = key_path(key)
    assert path is not None, key
    seen: set[str] = set()
    for index, value in enumerate(values[:_VALUES_TRIED]):
        trial = Source(copy.deepcopy(draft.source.data), dict(draft.source.keys), dict(draft.source.values))
        trial.data.pop("sweep", None)
        try:
            put(trial, path, copy.deepcopy(value), partial(default_at, Scenario))
        except ScenarioProblems as error:
            yield draft.problem(("sweep", key), error.problems[0].message, at_key=True)
            return
        for problem in draft_of(trial)[1]:
            about_key = problem.message.startswith("unknown key")
            if problem.message not in seen:
                seen.add(problem.message)
                at = ("sweep", key) if about_key else ("sweep", key, index)
                yield draft.problem(at, problem.message, at_key=about_key)
