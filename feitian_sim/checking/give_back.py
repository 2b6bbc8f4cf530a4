"""What a quota group is sure of it gets back from those that borrow it (FX2g)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant
from feitian_sim.checking.resources import vector_of

Amounts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's books at a moment: what it may keep, what is kept free for it besides, what it is sure of."""

    stays: Amounts
    claimed: Amounts
    minimum: Amounts

    @property
    def borrowed(self) -> Amounts:
        """What it has beyond what it is sure of; nowhere above zero: it borrows nothing."""
        return tuple(has - sure for has, sure in zip(self.stays, self.minimum, strict=True))

    def is_owed(self, vector: Amounts) -> bool:
        """Whether one more of this stays within what it is sure of."""
        places = zip(vector, self.stays, self.claimed, self.minimum, strict=True)
        return all(not more or has + kept + more <= sure for more, has, kept, sure in places)


class BorrowedIsGivenBack(Invariant):
    """FX2g: the bound is one interval of the FuxiMaster's; by then somebody has been told to go, and the room is kept.

    A machine counts if all that borrowers have there, with what is free or returning, makes room for one more, and they
    would borrow still if all of that were gone: nothing that they are sure of is touched. More than that may be taken
    back; whoever is left without even this has a right to complain.
    """

    id = "FX2g"
    needs = ("fuxi-groups",)
    claim = "who asks within what his quota group is sure of, while others borrow, has room made at the next adjustment"

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0
        self._preempts = False
        self._groups: dict[str, _Group] = {}
        self._coming: dict[str, Amounts] = {}
        self._held: dict[str, dict[str, Amounts]] = {}
        # Who was left waiting beside what could be given back, now and at the moment before: application, unit, machine.
        self._left: dict[tuple[str, int, str], None] = {}
        self._left_before: dict[tuple[str, int, str], None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """How all stand when a FuxiMaster has adjusted what they have."""
        return {
            "fuxi.adjusted": self._adjusted,
            "fuxi.group_stands": self._stands,
            "fuxi.machine_free": self._is_free,
            "fuxi.group_holds": self._holds,
            "fuxi.unit_waits": self._waits,
        }

    def _adjusted(self, now_ns: int, fact: Any) -> None:
        self._left_before = self._left if fact.epoch == self._epoch else {}
        self._left = {}
        self._epoch, self._preempts = fact.epoch, fact.preempts
        self._groups, self._coming, self._held = {}, {}, {}

    def _stands(self, now_ns: int, fact: Any) -> None:
        self._groups[fact.group] = _Group(vector_of(fact.stays), vector_of(fact.claimed), vector_of(fact.minimum))

    def _is_free(self, now_ns: int, fact: Any) -> None:
        self._coming[fact.machine] = vector_of(fact.coming)

    def _holds(self, now_ns: int, fact: Any) -> None:
        self._held.setdefault(fact.machine, {})[fact.group] = vector_of(fact.vector)

    def _waits(self, now_ns: int, fact: Any) -> None:
        vector = vector_of(fact.vector)
        others = {name: group for name, group in self._groups.items() if name != fact.group and max(group.borrowed) > 0}
        room_is_made = fact.unclaimed <= 0
        if not self._preempts or not others or not (room_is_made or self._groups[fact.group].is_owed(vector)):
            return
        self.evaluated += 1
        if room_is_made:
            return
        avoided = dict.fromkeys(fact.avoid.split())
        for machine in self._coming:
            if machine in avoided or not self._makes_room(machine, vector, others):
                continue
            key = (fact.app, fact.unit, machine)
            self._left[key] = None
            if key in self._left_before:
                text = f"{fact.app}/{fact.unit} of group {fact.group}, which is sure of what it asks for, waits"
                self.broken(now_ns, f"{text} beside what {', '.join(others)} could give back on {machine}")

    def _makes_room(self, machine: str, vector: Amounts, others: Mapping[str, _Group]) -> bool:
        there = self._coming[machine]
        for name, amounts in self._held.get(machine, {}).items():
            group = others.get(name)
            if group is not None and any(more > back for more, back in zip(group.borrowed, amounts, strict=True)):
                there = tuple(have + back for have, back in zip(there, amounts, strict=True))
        return all(have >= need for have, need in zip(there, vector, strict=True))
