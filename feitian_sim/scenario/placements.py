"""``pangu.placement``: a policy by its id, by its id with options, or the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from feitian_sim.pangu.placement import POLICIES
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.plugins import fields_of, is_reference
from feitian_sim.scenario.problems import KeyPath, Problem, suggestion

_PATH: KeyPath = ("pangu", "placement")
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
    pangu = draft.scenario.pangu
    if pangu is None or not draft.sound(_PATH):
        return
    kind, options = kind_and_options(pangu.placement)
    where = (*_PATH, "kind") if isinstance(pangu.placement, dict) else _PATH
    if is_reference(kind):
        return
    if not isinstance(kind, str) or kind not in POLICIES:
        known = suggestion(str(kind), [*POLICIES, "file.py:Class"])
        yield draft.problem(where, f"pangu.placement: there is no policy {kind!r}{known}")
        return
    names = fields_of(POLICIES[kind])
    for name in options:
        if name not in names:
            message = f"the placement {kind} has no option {name!r}{suggestion(name, names)}"
            yield draft.problem((*_PATH, name), message, at_key=True)
    try:
        TypeAdapter(POLICIES[kind]).validate_python({name: options[name] for name in options if name in names})
    except ValidationError as error:
        for found in error.errors():
            yield draft.problem((*_PATH, *found["loc"]), f"the placement {kind}: {found['msg']}")
