"""The programming framework of services: what a role's own code says of a request (``program: file.py:Class``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class RequestSight:
    """What a program is told of a request."""

    app: str
    partition: int
    key: int
    write: bool
    size_bytes: int


@runtime_checkable
class RoleProgram(Protocol):
    """Says what a request costs. It is pure: a request that is asked again costs the same."""

    def compute_ns(self, request: RequestSight) -> int:
        """Time on a healthy core."""
        ...
