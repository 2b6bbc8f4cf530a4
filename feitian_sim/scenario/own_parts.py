"""The places of a scenario where a class of the user's own may stand, and what must hold for it there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.plugins import OwnClass, instance_of, is_reference, load_class
from feitian_sim.scenario.problems import KeyPath, Position, Problem, ScenarioProblems, dotted

#: Key -> the class that a user's own extends, with the methods that it must have.
PLACES: Mapping[KeyPath, tuple[str, tuple[str, ...]]] = {
    ("pangu", "placement"): (
        "feitian_sim.pangu.placement.PlacementPolicy",
        ("prepare", "place", "place_many", "satisfied"),
    ),
    ("pangu", "rebalance"): ("feitian_sim.pangu.rebalance.Rebalancer", ("plan", "placement")),
    ("fuxi", "schedule", "fairness"): ("feitian_sim.fuxi.fairness.FairnessPolicy", ("key",)),
    ("fuxi", "schedule", "machine_choice"): ("feitian_sim.fuxi.machine_choice.MachineChoice", ("choose", "at_once")),
    ("fuxi", "schedule", "preemption"): ("feitian_sim.fuxi.preemption.PreemptionPolicy", ("rank",)),
}


@dataclass(frozen=True, slots=True)
class OwnPart:
    """A user's class at its place in the scenario, with its options."""

    key: str
    own: OwnClass
    options: Mapping[str, Any]
    position: Position

    @property
    def reference(self) -> str:
        """As the scenario names it: ``file.py:Class``."""
        return self.own.reference

    @property
    def file(self) -> Path:
        """The file that holds it."""
        return self.own.file

    def create(self) -> Any:
        """A new object of it, so that no run sees what another left behind. Raises ScenarioProblems."""
        return instance_of(self.own, dict(self.options), self.position)


@dataclass(frozen=True, slots=True)
class Named:
    """A class that a scenario names: where, with which options, and what must hold for it there."""

    path: KeyPath
    reference: str
    options: Mapping[str, Any]
    contract: str
    methods: tuple[str, ...]
    #: The key that messages point at, where it is not the path itself.
    place: KeyPath = ()


def named_by_parts(draft: Draft) -> Iterator[Named]:
    """The users' own parts of the platform."""
    for path, (contract, methods) in PLACES.items():
        value = _at(draft.source.data, path)
        options = dict(value) if isinstance(value, dict) else {}
        reference = options.pop("kind", None) if isinstance(value, dict) else value
        if isinstance(reference, str) and is_reference(reference):
            place = (*path, "kind") if isinstance(value, dict) else path
            yield Named(path, reference, options, contract, methods, place)


def find(draft: Draft, base_dir: Path, named: Iterable[Named]) -> tuple[tuple[OwnPart, ...], list[Problem]]:
    """The users' own classes that a scenario names, loaded and tried, and what is wrong with them."""
    parts: list[OwnPart] = []
    problems: list[Problem] = []
    for one in named:
        position = draft.source.value(one.place or one.path)
        try:
            own = load_class(one.reference, base_dir, position)
            part = OwnPart(dotted(one.path), own, one.options, position)
            _check_methods(part.create(), part, one)
            parts.append(part)
        except ScenarioProblems as error:
            problems += error.problems
    return tuple(parts), problems


def _check_methods(made: Any, part: OwnPart, named: Named) -> None:
    missing = [name for name in named.methods if not callable(getattr(made, name, None))]
    if missing:
        place, line = part.own.place
        message = (
            f"{part.reference} ({place}:{line}) does not fit {part.key}: it has no {', '.join(missing)}; "
            f"extend {named.contract}"
        )
        raise ScenarioProblems([Problem(part.position, message, part.key)])


def _at(data: Any, path: KeyPath) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data
