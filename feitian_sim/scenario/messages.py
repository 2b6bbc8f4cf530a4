"""From pydantic's errors to problems: where, what was found, what is allowed, the nearest valid name.

Each error's ``loc`` is followed through the data to the key or value that it is about. An unknown key is reported at
the key, a wrong value at the value, a missing key at the mapping that lacks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from feitian_sim.scenario.nodes import Source, describe
from feitian_sim.scenario.problems import KeyPath, Problem, dotted, nearest, shortened, suggestion
from feitian_sim.scenario.shapes import Branch, Place, annotation_of, branches, field_names, locate

_COMPARISONS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "bool": "true or false",
    "model": "a mapping",
    "model_attributes": "a mapping",
    "dict": "a mapping",
    "mapping": "a mapping",
    "list": "a list",
    "tuple": "a list",
    "none": "nothing",
    "finite": "a finite number",
}


def problems_of(source: Source, model: type[BaseModel], errors: Iterable[ErrorDetails]) -> list[Problem]:
    """One problem for each error; where a value may have several shapes, only about the one that was meant."""
    placed = [(locate(model, source.data, error["loc"]), error) for error in errors]
    return [
        _problem(source, place, error)
        for place, error in placed
        if not _is_other_shape(place, error, placed)
        and not _is_misspelt(place, error, placed)
        and not _is_emptied(place, error, placed)
    ]


def _is_other_shape(place: Place, error: ErrorDetails, placed: Sequence[tuple[Place, ErrorDetails]]) -> bool:
    """Whether ``error`` only says that the value is not of a shape that nobody meant."""
    depth = len(place.path)
    return error["type"].endswith("_type") and any(
        not other["type"].endswith("_type") and where.path[:depth] == place.path for where, other in placed
    )


def _is_misspelt(place: Place, error: ErrorDetails, placed: Sequence[tuple[Place, ErrorDetails]]) -> bool:
    """Whether the missing key is there under a wrong name, which its own problem says."""
    return error["type"] == "missing" and any(
        other["type"] == "extra_forbidden"
        and where.path[:-1] == place.path
        and nearest(str(where.path[-1]), _names(where.parents)) == place.rest[-1]
        for where, other in placed
        if place.rest
    )


def _is_emptied(place: Place, error: ErrorDetails, placed: Sequence[tuple[Place, ErrorDetails]]) -> bool:
    """Whether a list is too short only since items of it are wrong, which their own problems say."""
    depth = len(place.path)
    return error["type"] == "too_short" and any(
        other is not error and where.path[:depth] == place.path for where, other in placed
    )


def _names(parents: Iterable[Branch]) -> list[str]:
    return [name for branch in parents if branch.model for name in field_names(branch.model)]


def _problem(source: Source, place: Place, error: ErrorDetails) -> Problem:
    kind, path = error["type"], place.path
    name = dotted(path)
    if kind == "extra_forbidden":
        return Problem(source.key(path), _unknown_key(place), name)
    if kind == "missing":
        return Problem(source.key(path), _missing(place), dotted((*path, *place.rest)))
    if kind == "union_tag_invalid":
        tagged = isinstance(error["input"], dict)
        where = source.value((*path, "kind")) if tagged else source.value(path)
        return Problem(where, _unknown_kind(name, place, str(error["ctx"]["tag"])), name)
    if kind == "union_tag_not_found":
        return Problem(source.value(path), _no_kind(name, place, error["input"]), name)
    tagged = len(_kinds(place)) > 1 and kind in {"model_attributes_type", "model_type", "dict_type"}
    message = _no_kind(name, place, error["input"]) if tagged else _value_message(place, error)
    where = source.value(path)
    # A problem of --set names its key already.
    return Problem(where, f"{name}: {message}" if name and where.line and not tagged else message, name)


def _unknown_key(place: Place) -> str:
    key = str(place.path[-1])
    names = _names(place.parents)
    parent = dotted(place.path[:-1])
    near = suggestion(key, names)
    if "did you mean" not in near and (home := _home(key, place.parents)):
        near = f"; did you mean {parent + '.' if parent else ''}{home}.{key}?{near}"
    return f"unknown key {key!r}{f' in {parent}' if parent else ''}{near}"


def _home(key: str, parents: Iterable[Branch]) -> str | None:
    """The sibling section in which ``key`` is known."""
    for branch in parents:
        for name, field in field_names(branch.model).items() if branch.model else ():
            inside = [part.model for part in branches(annotation_of(field)) if part.model]
            if any(key in field_names(model) for model in inside):
                return name
    return None


def _missing(place: Place) -> str:
    key = str((place.rest or place.path)[-1])
    meaning = _meaning(place, key)
    parent = dotted(place.path)
    return f"{key!r} is missing{f' in {parent}' if parent else ''}{f': {meaning}' if meaning else ''}"


def _meaning(place: Place, key: str) -> str | None:
    fields = [field_names(branch.model).get(key) for branch in place.parents if branch.model]
    return next((field.description for field in fields if field and field.description), None)


def _kinds(place: Place) -> list[str]:
    return sorted(branch.tag for branch in place.allowed if branch.tag)


def _unknown_kind(name: str, place: Place, found: str) -> str:
    return f"{name}: there is no kind {found!r}{suggestion(found, _kinds(place))}"


def _no_kind(name: str, place: Place, found: Any) -> str:
    kinds = shortened(_kinds(place))
    if isinstance(found, dict):
        return f"{name}: 'kind' is missing (allowed: {kinds})"
    return f"{name} must be a mapping with a 'kind' (allowed: {kinds}); found {describe(found)}"


def _value_message(place: Place, error: ErrorDetails) -> str:
    kind, found = error["type"], describe(error["input"])
    context = error.get("ctx", {})
    if kind in {"value_error", "assertion_error"}:
        return str(context.get("error", error["msg"]))
    if kind in {"literal_error", "enum"}:
        return f"{found} is not allowed here{suggestion(str(error['input']), _literals(place))}"
    if kind in _COMPARISONS:
        limit, words = _COMPARISONS[kind]
        return f"must be {words} {context[limit]}; found {found}"
    if kind == "string_pattern_mismatch":
        return f"{found} does not fit: {_meaning(place, str(place.path[-1])) or context['pattern']}"
    if kind == "int_from_float":
        return f"must be a whole number; found {found}"
    subject, _, complaint = kind.rpartition("_")
    if complaint in {"type", "parsing", "number"} and subject in _WANTED:
        quote = f" (write '{error['input']}' in quotes)" if subject == "string" and _is_number(error["input"]) else ""
        return f"must be {_WANTED[subject]}; found {found}{quote}"
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}; found {found}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _literals(place: Place) -> list[str]:
    return [str(value) for branch in place.allowed for value in get_args(branch.annotation)]


def odd_values(source: Source, value: Any, data: Any, path: KeyPath = ()) -> Iterator[Problem]:
    """What pydantic lets pass: true where a number belongs, and numbers that are not finite.

    ``value`` is the model (or a part of it) that was made of ``data``.
    """
    if isinstance(data, bool) and isinstance(value, (int, float)) and not isinstance(value, bool):
        yield Problem(source.value(path), f"{dotted(path)}: must be a number; found {describe(data)}", dotted(path))
    if isinstance(data, float) and not isfinite(data):
        yield Problem(source.value(path), f"{dotted(path)}: must be a finite number; found {data}", dotted(path))
    if isinstance(data, dict):
        for key, item in data.items():
            inside = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
            yield from odd_values(source, inside, item, (*path, key))
    if isinstance(data, list):
        matched = value if isinstance(value, (tuple, list)) and len(value) == len(data) else [None] * len(data)
        for index, item in enumerate(data):
            yield from odd_values(source, matched[index], item, (*path, index))
