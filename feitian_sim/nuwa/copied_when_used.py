"""A dictionary to try changes on: it copies of another what is looked at, and leaves that as it is.

A tree has tens of thousands of nodes, and a change touches a few.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Protocol, Self, TypeVar


class Copied(Protocol):
    """What can be copied."""

    def copy(self) -> Self:
        """One of its own with the same content."""
        ...


Key = TypeVar("Key")
Value = TypeVar("Value", bound=Copied)


class CopiedWhenUsed(dict[Key, Value], Generic[Key, Value]):
    """Reads as ``origin`` until it is changed. It holds what has been looked at: it cannot be listed or counted."""

    def __init__(self, origin: Mapping[Key, Value]) -> None:
        super().__init__()
        self._origin = origin
        self._gone: dict[Key, None] = {}

    def __missing__(self, key: Key) -> Value:
        """Copy it when it is asked for the first time."""
        if key in self._gone:
            raise KeyError(key)
        value = self[key] = self._origin[key].copy()
        return value

    def __contains__(self, key: object) -> bool:
        """Whether it is there still."""
        return super().__contains__(key) or (key not in self._gone and key in self._origin)

    def get(self, key: Key, default: Value | None = None) -> Value | None:  # type: ignore[override]
        """The value, or ``default``."""
        if key in self:
            return self[key]
        return default

    def pop(self, key: Key) -> Value:  # type: ignore[override]
        """Take it out, of here alone."""
        value = self[key]
        super().pop(key)
        self._gone[key] = None
        return value
