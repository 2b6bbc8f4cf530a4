"""A scenario on its way: what can be checked although other parts of it are wrong.

All problems are to be shown at once, those that need the whole (a fault in a rack that is not there) beside those of
single values. So when pydantic refuses a scenario, what it refused is left out, and the checks go on with the rest:
each asks whether the parts that it looks at are :meth:`Draft.sound`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from feitian_sim.scenario.messages import odd_values, problems_of
from feitian_sim.scenario.model import Scenario
from feitian_sim.scenario.nodes import Source
from feitian_sim.scenario.problems import KeyPath, Problem, dotted
from feitian_sim.scenario.shapes import locate

#: Sections whose items stand for themselves: a wrong one is left out alone.
_LISTS = ("load", "faults", "operations", "expect")
#: In place of required parts that are wrong; no check looks at them.
_STAND_INS: Mapping[str, Any] = {
    "name": "unnamed",
    "duration": "1s",
    "cluster": {"racks": 1, "machines_per_rack": 1},
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A model with the positions of its source, and what in it must not be trusted."""

    scenario: Scenario
    source: Source
    unsound: frozenset[KeyPath] = frozenset()
    #: For each list section the indices of the source that its items have.
    indices: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def sound(self, *paths: KeyPath) -> bool:
        """Whether nothing at, above or below any of ``paths`` was left out."""
        return not any(bad[: len(path)] == path or path[: len(bad)] == bad for path in paths for bad in self.unsound)

    def items(self, section: str) -> list[tuple[KeyPath, Any]]:
        """The items of a list section, each with its key path in the source."""
        found = getattr(self.scenario, section)
        return [((section, index), item) for index, item in zip(self._indices(section), found, strict=True)]

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False) -> Problem:
        """A problem of the value (or the key) at ``path``."""
        place = self.source.key(path) if at_key else self.source.value(path)
        return Problem(place, message, dotted(path))

    def _indices(self, section: str) -> Sequence[int]:
        return self.indices.get(section, range(len(getattr(self.scenario, section))))


def draft_of(source: Source) -> tuple[Draft | None, list[Problem]]:
    """The scenario as far as it can be understood, and what is wrong with single values."""
    try:
        scenario = Scenario.model_validate(source.data)
        return Draft(scenario, source), list(odd_values(source, scenario, source.data))
    except ValidationError as error:
        errors = error.errors()
    problems = problems_of(source, Scenario, errors)
    draft = _without(source, errors, 2) or _without(source, errors, 1)
    if draft is not None:
        problems += odd_values(source, draft.scenario, source.data)
    return draft, problems


def _without(source: Source, errors: Sequence[ErrorDetails], depth: int) -> Draft | None:
    """The draft without what the errors are about, cut at ``depth`` keys from the top."""
    data = copy.deepcopy(source.data)
    unsound: set[KeyPath] = set()
    dropped: dict[str, set[int]] = {section: set() for section in _LISTS}
    for error in errors:
        path = locate(Scenario, source.data, error["loc"]).path
        if not error["loc"]:
            return None
        section = str(error["loc"][0])
        if section in _LISTS and len(path) > 1 and isinstance(path[1], int):
            dropped[section].add(path[1])
        elif error["type"] == "extra_forbidden":
            _cut(data, path)
        else:
            cut = path[:depth] or (section,)
            unsound.add(cut)
            _cut(data, cut)
    indices = {}
    for section in _LISTS:
        found = data.get(section)
        if isinstance(found, list):
            indices[section] = [index for index in range(len(found)) if index not in dropped[section]]
            data[section] = [found[index] for index in indices[section]]
    for key, value in _STAND_INS.items():
        data.setdefault(key, value)
    try:
        return Draft(Scenario.model_validate(data), source, frozenset(unsound), indices)
    except ValidationError:
        return None


def _cut(data: Any, path: KeyPath) -> None:
    for part in path[:-1]:
        if not isinstance(data, (dict, list)) or (isinstance(data, dict) and part not in data):
            return
        data = data[part]  # type: ignore[index]
    if isinstance(data, dict):
        data.pop(path[-1], None)
