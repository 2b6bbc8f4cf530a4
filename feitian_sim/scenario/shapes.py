"""The shape of a scenario: walking pydantic annotations by key, item and ``kind``.

Both messages and ``explain`` ask the same thing: which models, and so which keys and kinds, are allowed at a
place. The answer comes from the models' own annotations, so nothing is written down twice.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

from feitian_sim.scenario.problems import KeyPath


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of an annotation: its tag in a tagged union (or None) and its type."""

    tag: str | None
    annotation: Any
    metadata: tuple[Any, ...] = ()

    @property
    def model(self) -> type[BaseModel] | None:
        """The model, if this branch is one."""
        found = self.annotation
        return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def branches(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[Branch]:
    """The alternatives of ``annotation``, unions and ``Annotated`` taken apart."""
    origin = get_origin(annotation)
    if hasattr(annotation, "__value__"):
        yield from branches(annotation.__value__, metadata)
    elif origin is Annotated:
        inner, *more = get_args(annotation)
        yield from branches(inner, (*metadata, *more))
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            # What annotates the whole union (a default, a discriminator) says nothing about one branch.
            yield from branches(part)
    else:
        tag = next((item.tag for item in metadata if isinstance(item, Tag)), None)
        yield Branch(tag or _kind(annotation), annotation, metadata)


def _kind(annotation: Any) -> str | None:
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return None
    field = annotation.model_fields.get("kind")
    values = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    return str(values[0]) if values else None


def field_names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the name that a scenario uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def annotation_of(field: FieldInfo) -> Any:
    """The annotation of a field with its metadata."""
    return field.rebuild_annotation()


def inner(branch: Branch, part: str | int) -> list[Any]:
    """What stands under ``part`` (a key, or any index of a list) of one branch: at most one annotation."""
    if branch.model is not None:
        field = field_names(branch.model).get(str(part))
        return [annotation_of(field)] if field is not None else []
    origin, args = get_origin(branch.annotation), get_args(branch.annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [args[1]]
    if isinstance(origin, type) and issubclass(origin, Sequence) and isinstance(part, int):
        return [args[0]]
    return []


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pydantic error lies.

    ``path`` is the part of it that is in the data, ``rest`` what is not; ``allowed`` may stand there, ``parents`` may
    hold it.
    """

    path: KeyPath
    rest: KeyPath
    allowed: tuple[Branch, ...]
    parents: tuple[Branch, ...]


def locate(model: type[BaseModel], data: Any, loc: Sequence[str | int]) -> Place:
    """Follow a pydantic ``loc`` through data and annotations; tags of unions in it narrow what is allowed."""
    allowed: list[Branch] = list(branches(model))
    parents: list[Branch] = []
    path: list[str | int] = []
    rest: list[str | int] = []
    narrowed = True
    for part in loc:
        tagged = [branch for branch in allowed if branch.tag == part]
        if tagged and not narrowed:
            allowed, narrowed = tagged, True
            continue
        below = [found for branch in allowed for found in inner(branch, part)]
        if not rest and _has(data, part):
            data = data[part]
            path.append(part)
        elif not rest and below and _is_left_out(allowed, part):
            # What the model wraps stands there by itself.
            pass
        elif below or not _is_type_name(part):
            rest.append(part)
        else:
            continue
        parents = allowed
        allowed = [branch for annotation in below for branch in branches(annotation)]
        narrowed = len(allowed) < 2
    return Place(tuple(path), tuple(rest), tuple(allowed), tuple(parents))


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def _is_left_out(allowed: Sequence[Branch], part: str | int) -> bool:
    """Whether a scenario may write what stands under this key in place of the mapping that holds it."""
    return any(getattr(branch.model, "short_for", None) == part for branch in allowed)


def _is_type_name(part: str | int) -> bool:
    # In a plain union pydantic puts the name of the tried type into the loc: "str", "function-before[...]".
    return isinstance(part, str) and (part[:1].isupper() or "[" in part or part in {"str", "int", "float", "bool"})


def default_at(model: type[BaseModel], path: KeyPath) -> Any:
    """The plain data of the default at ``path``, if it is a mapping; None otherwise."""
    found = list(branches(model))
    field: FieldInfo | None = None
    for part in path:
        fields = [field_names(branch.model).get(str(part)) for branch in found if branch.model]
        field = next((at for at in fields if at is not None), None)
        found = [step for branch in found for annotation in inner(branch, part) for step in branches(annotation)]
    value = None if field is None else field.get_default(call_default_factory=True, validated_data={})
    return value.model_dump(mode="json", exclude_none=True, by_alias=True) if isinstance(value, BaseModel) else None
