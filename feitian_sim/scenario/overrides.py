"""``--set a.b[2].c=VALUE``: any key of a scenario from the command line.

The value is YAML. Optional sections that the file leaves out are created on the way, an index one past the end
of a list appends to it, and a key that holds a dot is written ``sweep['pangu.placement']``. What the key means is
checked with the rest of the scenario; a problem of it reads ``--set key: message``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from feitian_sim.scenario.nodes import Source, describe
from feitian_sim.scenario.problems import KeyPath, Position, Problem, ScenarioProblems, dotted
from feitian_sim.scenario.source import parse

DefaultOf = Callable[[KeyPath], Any]

_PART = re.compile(r"\.?(?P<name>[A-Za-z_][\w-]*)|\[(?P<index>\d+)\]|\[(?P<quote>['\"])(?P<text>.+?)(?P=quote)\]")


def split(text: str) -> tuple[KeyPath, Any]:
    """``"a.b[2]=3"`` as ``(("a", "b", 2), 3)``. Raises ScenarioProblems."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise _refused(text, "write key=value, for example cluster.racks=20")
    path = key_path(name)
    if path is None:
        raise _refused(name, "not a key: write, for example, pangu.replicas or faults[0].at")
    try:
        source, problems = parse(value, _place(name).file)
    except ScenarioProblems as error:
        raise _refused(name, error.problems[0].message) from None
    if problems:
        raise _refused(name, problems[0].message)
    return path, source.data


def key_path(name: str) -> KeyPath | None:
    """``"a.b[2]"`` as ``("a", "b", 2)``; None if it is no key."""
    path: list[str | int] = []
    position, text = 0, name.strip()
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or (not path and text[0] in ".["):
            return None
        path.append(int(part["index"]) if part["index"] else part["name"] or part["text"])
        position = part.end()
    return tuple(path) or None


def apply(source: Source, overrides: Iterable[str], default_of: DefaultOf = lambda _: None) -> list[Problem]:
    """Set each ``key=value`` in ``source``, in order; returns what could not be set."""
    problems: list[Problem] = []
    for override in overrides:
        try:
            path, value = split(override)
            put(source, path, value, default_of)
        except ScenarioProblems as error:
            problems += error.problems
    return problems


def put(source: Source, path: KeyPath, value: Any, default_of: DefaultOf = lambda _: None) -> None:
    """Set one key, creating the mappings and lists on the way. Raises ScenarioProblems.

    ``default_of`` gives the plain data that stands at a key path by default, or None.
    """
    place = _place(dotted(path))
    container: Any = source.data
    for depth, part in enumerate(path):
        here = path[: depth + 1]
        _check_fits(container, part, path, depth)
        last = depth == len(path) - 1
        present = part in container if isinstance(part, str) else part < len(container)
        inner = container[part] if present else None
        if last or inner is None:
            inner = value if last else _start(default_of(here), path[depth + 1])
            source.forget(here)
            source.keys[here] = source.values[here] = place
            if isinstance(part, int) and not present:
                container.append(inner)
            else:
                container[part] = inner
        container = inner


def _start(default: Any, part: str | int) -> Any:
    """What a section holds before a key of it is set: its default, so that a ``kind`` need not be repeated."""
    wanted: type = list if isinstance(part, int) else dict
    return default if isinstance(default, wanted) else wanted()


def _check_fits(container: Any, part: str | int, path: KeyPath, depth: int) -> None:
    name, whole = dotted(path[:depth]), dotted(path)
    if isinstance(part, str) and not isinstance(container, dict):
        raise _refused(whole, f"{name} is {describe(container)}, not a mapping with a key {part!r}")
    if isinstance(part, int) and not isinstance(container, list):
        raise _refused(whole, f"{name} is {describe(container)}, not a list with an item {part}")
    if isinstance(part, int) and part > len(container):
        raise _refused(whole, f"{name} has {len(container)} items, so there is no {name}[{part}]; they count from 0")


def _place(name: str) -> Position:
    return Position(f"--set {name.strip()}")


def _refused(name: str, message: str) -> ScenarioProblems:
    return ScenarioProblems([Problem(_place(name), message, name)])


def split_axes(settings: Iterable[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """What ``--set`` of a sweep says: keys with one value, and axes with several, separated by commas.

    A comma within brackets, braces or quotes belongs to its value. Raises ScenarioProblems.
    """
    single: list[str] = []
    axes: dict[str, tuple[str, ...]] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise _refused(setting, "write key=value, or an axis as key=value,value")
        values = _at_top_level(text)
        if len(values) == 1:
            single.append(setting)
            continue
        if not all(values):
            raise _refused(key, f"the axis {text!r} has an empty value")
        axes[key.strip()] = tuple(values)
    return tuple(single), axes


def _at_top_level(text: str) -> list[str]:
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
