"""Keys where a swappable part is named: by an id, by an id with options, or as a class of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.plugins import fields_of, is_reference
from feitian_sim.scenario.problems import KeyPath, Problem, dotted, suggestion


def kind_and_options(value: str | dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """``{kind: copyset, scatter_width: 4}`` as ``"copyset"`` and its options."""
    if isinstance(value, str):
        return value, {}
    return value.get("kind"), {name: option for name, option in value.items() if name != "kind"}


def choice_is_known(
    draft: Draft,
    path: KeyPath,
    value: str | dict[str, Any],
    table: Mapping[str, type[BaseModel]],
    what: str,
    called: str,
) -> Iterator[Problem]:
    """The part named at ``path`` is one of the table or the user's own, and its options are fields of it."""
    kind, options = kind_and_options(value)
    where = (*path, "kind") if isinstance(value, dict) else path
    if is_reference(kind):
        return
    if not isinstance(kind, str) or kind not in table:
        known = suggestion(str(kind), [*table, "file.py:Class"])
        yield draft.problem(where, f"{dotted(path)}: there is no {what} {kind!r}{known}")
        return
    names = fields_of(table[kind])
    for name in options:
        if name not in names:
            message = f"{called} {kind} has no option {name!r}{suggestion(name, names)}"
            yield draft.problem((*path, name), message, at_key=True)
    try:
        TypeAdapter(table[kind]).validate_python({name: options[name] for name in options if name in names})
    except ValidationError as error:
        for found in error.errors():
            yield draft.problem((*path, *found["loc"]), f"{called} {kind}: {found['msg']}")
