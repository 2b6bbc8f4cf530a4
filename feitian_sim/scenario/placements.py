"""``pangu.placement`` and ``pangu.rebalance``: by an id, by an id with options, or a class of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from feitian_sim.pangu.placement import POLICIES
from feitian_sim.pangu.rebalance import REBALANCERS
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.plugins import fields_of, is_reference
from feitian_sim.scenario.problems import KeyPath, Problem, dotted, suggestion

_PATH: KeyPath = ("pangu", "placement")
_REBALANCE: KeyPath = ("pangu", "rebalance")
#: Policies that never put two replicas of a chunk on one rack.
_ONE_REPLICA_PER_RACK = (
    "pangu", "rack-spread", "two-choices", "available-space", "tiered", "node-group", "crush", "rendezvous", "cell",
)  # fmt: skip


def kind_and_options(placement: str | dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """``{kind: copyset, scatter_width: 4}`` as ``"copyset"`` and its options."""
    if isinstance(placement, str):
        return placement, {}
    return placement.get("kind"), {name: value for name, value in placement.items() if name != "kind"}


def wants_racks(placement: str | dict[str, Any]) -> bool:
    """Whether the placement needs as many racks as replicas."""
    return kind_and_options(placement)[0] in _ONE_REPLICA_PER_RACK


def placement_is_known(draft: Draft) -> Iterator[Problem]:
    """The policy is one of the table or the user's own, and its options are fields of it."""
    yield from _choice_is_known(draft, _PATH, POLICIES, "policy", "the placement")


def rebalance_is_known(draft: Draft) -> Iterator[Problem]:
    """The rebalancer is one of the table or the user's own, and its options are fields of it."""
    yield from _choice_is_known(draft, _REBALANCE, REBALANCERS, "rebalancer", "the rebalancer")


def _choice_is_known(
    draft: Draft, path: KeyPath, table: Mapping[str, type[BaseModel]], what: str, called: str
) -> Iterator[Problem]:
    pangu = draft.scenario.pangu
    if pangu is None or not draft.sound(path):
        return
    value = getattr(pangu, str(path[-1]))
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
