"""``fuxi.schedule``: fairness, machine choice and preemption, by an id, with options, or a class of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from feitian_sim.fuxi.fairness import FAIRNESS
from feitian_sim.fuxi.machine_choice import MACHINE_CHOICES
from feitian_sim.fuxi.preemption import PREEMPTION
from feitian_sim.scenario.choices import choice_is_known
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.problems import KeyPath, Problem

_PARTS: Mapping[str, tuple[Mapping[str, type[BaseModel]], str]] = {
    "fairness": (FAIRNESS, "fairness policy"),
    "machine_choice": (MACHINE_CHOICES, "machine choice"),
    "preemption": (PREEMPTION, "preemption policy"),
}


def scheduling_is_known(draft: Draft) -> Iterator[Problem]:
    """Each policy is one of its table or the user's own, and its options are fields of it."""
    fuxi = draft.scenario.fuxi
    for name, (table, what) in _PARTS.items():
        path: KeyPath = ("fuxi", "schedule", name)
        if fuxi is not None and draft.sound(path):
            yield from choice_is_known(draft, path, getattr(fuxi.schedule, name), table, what, f"the {what}")
