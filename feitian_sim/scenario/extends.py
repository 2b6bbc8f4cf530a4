"""``extends: other.yaml``: a scenario as the difference from another.

The name is relative to the file that says it. Mappings merge key by key, everything else (lists, values) is
replaced; so is a mapping whose ``kind`` changes, since the options of one kind mean nothing to another. Positions
keep pointing to the file in which a value stands.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from feitian_sim.scenario.nodes import Source, describe
from feitian_sim.scenario.problems import KeyPath, Problem, ScenarioProblems
from feitian_sim.scenario.source import read

KEY = "extends"


def read_extended(path: Path, shown: str | None = None) -> tuple[Source, list[Problem]]:
    """The scenario at ``path`` with what it extends merged in, and the problems so far.

    Raises ScenarioProblems when a file of the chain cannot be read, or extends itself.
    """
    return _read(path, shown or str(path), ())


def _read(path: Path, shown: str, chain: tuple[Path, ...]) -> tuple[Source, list[Problem]]:
    source, problems = read(path, shown)
    if KEY not in source.data:
        return source, problems
    place = source.value((KEY,))
    name = source.data.pop(KEY)
    source.forget((KEY,))
    if not isinstance(name, str) or not name:
        message = f"extends names one other scenario file, relative to this one; found {describe(name)}"
        raise ScenarioProblems([*problems, Problem(place, message, KEY)])
    chain = (*chain, path.resolve())
    target = path.parent / name
    if target.resolve() in chain:
        message = f"{name} extends itself, through {' -> '.join(file.name for file in chain)}"
        raise ScenarioProblems([*problems, Problem(place, message, KEY)])
    try:
        base, found = _read(target, os.path.join(os.path.dirname(shown), name), chain)
    except ScenarioProblems as error:
        why = Problem(place, f"the file that this one extends has problems: {name}", KEY)
        raise ScenarioProblems([*problems, why, *error.problems]) from None
    _merge(base, source, ())
    # The whole is the file that was asked for.
    base.values[()] = source.values[()]
    return base, found + problems


def _merge(base: Source, over: Source, path: KeyPath) -> None:
    """Lay the mapping of ``over`` at ``path`` on that of ``base``."""
    below, above = _at(base.data, path), _at(over.data, path)
    for key, value in above.items():
        here = (*path, key)
        old = below.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not _changes_kind(old, value):
            base.keys[here], base.values[here] = over.keys[here], over.values[here]
            _merge(base, over, here)
            continue
        below[key] = value
        base.forget(here)
        for mine, theirs in ((base.keys, over.keys), (base.values, over.values)):
            mine.update({place: at for place, at in theirs.items() if place[: len(here)] == here})


def _changes_kind(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return "kind" in new and new["kind"] != old.get("kind")


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data
