"""Overlapping faults on one thing: counts and stacks. Pure.

A machine that is down for two reasons comes up when the last one ends; a disk that is slow twice is as slow as
both factors together until one ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Holds:
    """How many faults hold each thing in its faulty state."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def take(self, what: str, name: str) -> bool:
        """One more holds ``name``; whether it is the first."""
        count = self._counts.get((what, name), 0) + 1
        self._counts[what, name] = count
        return count == 1

    def release(self, what: str, name: str) -> bool:
        """One less; whether it was the last."""
        count = self._counts.pop((what, name)) - 1
        if count:
            self._counts[what, name] = count
        return not count

    def count(self, what: str, name: str) -> int:
        """How many hold ``name`` now."""
        return self._counts.get((what, name), 0)


class Stack(Generic[V]):
    """The values that are in force for each name, in the order in which they began."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, dict[object, V]] = {}

    def add(self, name: str, value: V) -> Callable[[], None]:
        """Put ``value`` in force; call the result to end it."""
        token = object()
        self._values.setdefault(name, {})[token] = value

        def end() -> None:
            del self._values[name][token]

        return end

    def of(self, name: str) -> tuple[V, ...]:
        """What is in force for ``name``."""
        return tuple(self._values.get(name, {}).values())
