"""``explain KEY``: what a key of the scenario or a metric means, from the models themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario.metrics import library
from feitian_sim.scenario.model import Scenario
from feitian_sim.scenario.nodes import describe
from feitian_sim.scenario.overrides import key_path
from feitian_sim.scenario.problems import dotted, nearest, shortened
from feitian_sim.scenario.shapes import Branch, annotation_of, branches, field_names, inner

_PLAIN = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_BOUNDS = ((Gt, "gt", ">"), (Ge, "ge", ">="), (Lt, "lt", "<"), (Le, "le", "<="))


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of one key or metric; ``inside`` are the names one can go on with."""

    key: str
    type: str
    unit: str
    default: str
    allowed: str
    description: str
    inside: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [self.key]
        for name in ("type", "unit", "default", "allowed"):
            if value := getattr(self, name):
                lines.append(f"  {name + ':':<9}{value}")
        lines += ["", f"  {self.description}"] if self.description else []
        width = max((len(name) for name, _ in self.inside), default=0)
        lines += [""] if self.inside else []
        lines += [f"    {name:<{width}}  {text}".rstrip() for name, text in self.inside]
        return "\n".join(lines)


def explain(key: str) -> Explanation:
    """Explain a dotted key (``pangu.placement``, ``faults.disk-fail.rate``) or a metric. Raises ScenarioError."""
    metrics = library()
    try:
        metric, statistic = metrics.split(key)
    except ValueError:
        return _explain_key(key)
    which = f"{statistic} of " if statistic else ""
    inside = tuple((name, "") for name in metric.names()) if metric.statistics and not statistic else ()
    kind = "metric with many values" if metric.statistics else "metric"
    return Explanation(key, kind, metric.unit or "count", "", "", f"{which}{metric.definition}", inside)


def keys(prefix: str = "") -> list[str]:
    """The keys under ``prefix``, for completion."""
    return [name for name, _ in _explain_key(prefix).inside] if prefix else list(field_names(Scenario))


def _explain_key(key: str) -> Explanation:
    path = key_path(key.replace("[]", ""))
    if path is None:
        raise ScenarioError(f"{key!r} is not a key: write, for example, pangu.repair.rate or faults.disk-fail")
    found, field = [Branch(None, Scenario)], None
    for depth, part in enumerate(path):
        if isinstance(part, int):
            continue
        steps = [(step, at) for branch in _items(found) for step, at in _named(branch, part)]
        if not steps:
            raise ScenarioError(_no_such_key(dotted(path[:depth]), str(part), found))
        field = next((at for _, at in steps if at is not None), field)
        found = [step for step, _ in steps]
    return _explanation(key, found, field)


def _no_such_key(parent: str, part: str, found: list[Branch]) -> str:
    names = [name for name, _ in _inside(found)]
    before = f"{parent}." if parent else ""
    near = nearest(before + part, [*(before + name for name in names), *library().ids()])
    hint = f"; did you mean {near!r}?" if near else ""
    what = f"{part!r} in {parent}" if parent else f"key or metric {part!r}"
    return f"there is no {what}{hint} (allowed: {shortened(sorted(names))})"


def _items(found: Iterable[Branch]) -> list[Branch]:
    """Lists stand for their items, so that ``faults.rate`` needs no index."""
    result: list[Branch] = []
    for branch in found:
        item = inner(branch, 0) if branch.model is None and get_origin(branch.annotation) in (tuple, list) else []
        result += _items(part for annotation in item for part in branches(annotation)) if item else [branch]
    return result


def _named(branch: Branch, part: str) -> list[tuple[Branch, FieldInfo | None]]:
    if branch.tag == part:
        return [(branch, None)]
    if branch.model is not None:
        field = field_names(branch.model).get(part)
        return [(step, field) for step in branches(annotation_of(field))] if field is not None else []
    return [(step, None) for annotation in inner(branch, part) for step in branches(annotation)]


def _explanation(key: str, found: list[Branch], field: FieldInfo | None) -> Explanation:
    values = [branch for branch in found if branch.annotation is not type(None)]
    models = [branch.model for branch in values if branch.model]
    description = (field.description or "") if field else ""
    if not description or (len(models) == 1 and _doc(models[0]) and key.endswith(str(values[0].tag))):
        description = (_doc(models[0]) or "").strip() if models else description
    default = "" if field is None or field.is_required() else _default(field)
    kinds = dict.fromkeys(_type(branch) for branch in values)
    return Explanation(
        key, " or ".join(kinds), "", default, _allowed(values, field), " ".join(description.split()), _inside(values)
    )


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return ""
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, (tuple, list, dict)):
        return "empty" if not value else describe(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type(branch: Branch) -> str:
    for item in branch.metadata:
        if isinstance(item, WithJsonSchema) and item.json_schema:
            return str(item.json_schema.get("description", "text"))
    if branch.model is not None:
        return "a mapping"
    origin = get_origin(branch.annotation)
    if origin in (tuple, list):
        return "a list"
    if origin is dict:
        return "a mapping"
    return _PLAIN.get(branch.annotation, "one of these" if get_args(branch.annotation) else "anything")


def _allowed(values: list[Branch], field: FieldInfo | None) -> str:
    names = [
        str(value)
        for branch in values
        if get_origin(branch.annotation) not in (tuple, list, dict)
        for value in get_args(branch.annotation)
    ]
    bounds = [
        f"{sign} {getattr(item, name)}"
        for item in (field.metadata if field else [])
        for kind, name, sign in _BOUNDS
        if isinstance(item, kind)
    ]
    return shortened([*names, *bounds])


def _inside(found: Iterable[Branch]) -> tuple[tuple[str, str], ...]:
    """What one can ask for next: the kinds of a tagged union, or the keys of a mapping."""
    items = [branch for branch in _items(found) if branch.model is not None]
    if len(items) > 1:
        return tuple((branch.tag or "", _first_sentence(_doc(branch.model))) for branch in items if branch.model)
    return tuple(
        (name, _first_sentence(field.description))
        for branch in items
        if branch.model
        for name, field in field_names(branch.model).items()
    )


def _doc(model: type[BaseModel]) -> str:
    # A generic model that was given its type has no docstring of its own.
    origin = model.__pydantic_generic_metadata__["origin"] or model
    return origin.__doc__ or ""


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").split()).split(". ")[0].rstrip(".")
