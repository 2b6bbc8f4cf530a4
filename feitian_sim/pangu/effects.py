"""What the master's core wants done: returned by it, carried out by its driver.

What depends on a write stands in :class:`Log`'s ``then``: it cannot happen before the write is durable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feitian_sim.kernel import Fact
from feitian_sim.pangu.records import Record


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the request with this ticket."""

    ticket: int
    message: Any


@dataclass(frozen=True, slots=True)
class Send:
    """Call a chunk server; its answer comes back through ``Master.answered`` or ``Master.unanswered``.

    ``hold_ns`` is waited before the call goes out.
    """

    server: int
    message: Any
    deadline_ns: int
    hold_ns: int = 0


@dataclass(frozen=True, slots=True)
class Emit:
    """Publish a fact."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call ``Master.wake`` at this time, or as soon as it has passed."""

    time_ns: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """Repair many chunks at once: the same job as a :class:`Send` of a clone command for each (rule 5)."""

    number: int
    chunks: Any
    sources: Any
    targets: Any
    total_bytes: int
    slots: int


@dataclass(frozen=True, slots=True)
class Log:
    """Write a record, and when it is durable apply it and do ``then``."""

    record: Record
    then: tuple[Effect, ...]


Effect = Reply | Send | Emit | WakeAt | Bundle | Log
