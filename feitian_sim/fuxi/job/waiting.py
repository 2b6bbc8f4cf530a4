"""Instances that wait for a worker, by where their input lies (F8): each is taken once, in constant time.

A worker on a machine gets an instance whose input is on that machine, else in its rack, else the one that has waited
longest. Lists hold an instance several times; who takes one from a list passes over those that are gone already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

Near = Literal["machine", "rack", "any"]


class WaitingInstances:
    """What waits of one task. ``places``: of each instance the machines that have its input, or none at all."""

    def __init__(self, places: Sequence[Sequence[int]], racks: Sequence[int]) -> None:
        self._places = places
        self._racks = racks
        self._waits: dict[int, None] = {}
        self._order: deque[int] = deque()
        self._by_machine: dict[int, deque[int]] = {}
        self._by_rack: dict[int, deque[int]] = {}

    def __len__(self) -> int:
        return len(self._waits)

    def __iter__(self) -> Iterator[int]:
        return iter(self._waits)

    @property
    def has_places(self) -> bool:
        """Whether any instance has input somewhere."""
        return bool(self._places)

    def add(self, instances: Iterable[int]) -> None:
        """These wait from now on, behind the others."""
        for instance in instances:
            if instance not in self._waits:
                self._waits[instance] = None
                self._line_up(instance, first=False)

    def put_back(self, instance: int) -> None:
        """It was being run and must be run again: before the others, for somebody may wait for it already."""
        if instance not in self._waits:
            self._waits[instance] = None
            self._line_up(instance, first=True)

    def _line_up(self, instance: int, *, first: bool) -> None:
        (self._order.appendleft if first else self._order.append)(instance)
        if not self._places:
            return
        racks: dict[int, None] = {}
        for machine in self._places[instance]:
            line = self._by_machine.setdefault(machine, deque())
            (line.appendleft if first else line.append)(instance)
            racks[self._racks[machine]] = None
        for rack in racks:
            line = self._by_rack.setdefault(rack, deque())
            (line.appendleft if first else line.append)(instance)

    def take(self, machine: int, may: Callable[[int], bool]) -> tuple[int, Near] | None:
        """The instance that a worker on a machine should have, and how near its input is; None: none may run there."""
        if not self._waits:
            return None
        if self._places:
            line = self._by_machine.get(machine)
            if line is not None and (found := self._first(line, may)) is not None:
                return found, "machine"
            line = self._by_rack.get(self._racks[machine])
            if line is not None and (found := self._first(line, may)) is not None:
                return found, "rack"
        found = self._first(self._order, may)
        return None if found is None else (found, "any")

    def discard(self, instance: int) -> None:
        """It waits no more."""
        self._waits.pop(instance, None)

    def _first(self, line: deque[int], may: Callable[[int], bool]) -> int | None:
        passed: list[int] = []
        found = None
        while line:
            instance = line.popleft()
            if instance not in self._waits:
                continue
            if may(instance):
                del self._waits[instance]
                found = instance
                break
            passed.append(instance)
        line.extendleft(reversed(passed))
        return found

    def preferences(self, most: int) -> dict[int, int]:
        """On which machines how many workers would best be, for the first ``most`` that wait: inputs dealt out evenly."""
        wanted: dict[int, int] = {}
        if not self._places:
            return wanted
        for number, instance in enumerate(self._waits):
            if number == most:
                break
            places = self._places[instance]
            if places:
                best = min(places, key=lambda machine: wanted.get(machine, 0))
                wanted[best] = wanted.get(best, 0) + 1
        return wanted
