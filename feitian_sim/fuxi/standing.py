"""How everybody stands at a moment: what oracles are shown of the scheduler's books, as plain amounts.

Nothing here decides anything, and nothing of what decides is asked: only who holds, waits and is told to go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from feitian_sim.fuxi.books import Machine, total
from feitian_sim.fuxi.ledger import Ledger
from feitian_sim.fuxi.locality_tree import LocalityTree
from feitian_sim.fuxi.quota import Group, add, vector_of
from feitian_sim.fuxi.resources import Vector

_MASTER = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """``room``: how many its quota allows (-1: any number). ``unclaimed``: for how many nothing is kept free."""

    app: str
    unit: int
    group: str
    vector: Vector
    room: int
    unclaimed: int
    avoid: tuple[int, ...]


class Standing:
    """A look at the books of one scheduler. ``preempts``: whether anybody is taken anything back."""

    __slots__ = ("_groups", "_ledger", "_tree", "preempts")

    def __init__(self, ledger: Ledger, tree: LocalityTree, groups: Sequence[Group], preempts: bool) -> None:
        self._ledger = ledger
        self._tree = tree
        self._groups = groups
        self.preempts = preempts

    def waiting(self) -> Iterator[Waiting]:
        """All that wait, in no order that means anything."""
        for unit in self._tree.waiting():
            room = unit.group.room(unit.shape)
            avoid = tuple(machine.index for machine in self._ledger.machines if unit.avoid >> machine.index & 1)
            yield Waiting(
                unit.app.name,
                unit.number,
                unit.group.name,
                unit.shape.vector,
                -1 if room is None else room,
                unit.wanted - total(unit.claimed),
                avoid,
            )

    def groups(self) -> Iterator[tuple[str, Vector, Vector, Vector]]:
        """Of each group: its name, what it uses without what is returning, what is kept for it, what it is sure of."""
        for group in self._groups:
            stays = tuple(used - back for used, back in zip(group.used, group.returning, strict=True))
            yield group.name, stays, vector_of(group.claimed), vector_of(group.minimum)

    def coming(self, machine: int) -> Vector:
        """What is free on a machine or returning there, and kept for nobody."""
        of = self._ledger.machines[machine]
        amounts = list(of.open_free())
        for unit in of.units:
            add(amounts, unit.shape, unit.returning.get(machine, 0))
        return vector_of(amounts)

    def held(self, machine: int) -> dict[str, Vector]:
        """What workers of each group may keep on a machine."""
        amounts: dict[str, list[int]] = {}
        of: Machine = self._ledger.machines[machine]
        for unit in of.units:
            if unit.number != _MASTER and machine in unit.held:
                group = amounts.setdefault(unit.group.name, [0] * len(of.capacity))
                add(group, unit.shape, unit.held[machine])
        return {name: vector_of(amount) for name, amount in amounts.items()}
