"""The programming framework: what a task of the user's own says about its instances (``program: file.py:Class``).

A program is pure: asked twice it answers the same, for a failed instance is run again and a straggler has a backup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class InstanceSight:
    """What a program is told of the instance that it is asked about."""

    job: str
    task: str
    number: int
    #: Of the task.
    instances: int
    input_bytes: int


@runtime_checkable
class TaskProgram(Protocol):
    """Says what an instance computes and what it leaves."""

    def compute_ns(self, instance: InstanceSight) -> int:
        """Time on a healthy core."""
        ...

    def output_bytes(self, instance: InstanceSight) -> int:
        """Bytes that it leaves."""
        ...
