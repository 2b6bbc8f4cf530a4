"""What the master's core wants done: returned by it, carried out by its driver.

The core applies a record to its state when it returns the :class:`Log`. What depends on the record stands in its
``then`` and cannot happen before the record is durable; and since any answer may have been given with knowledge of
records that are not durable yet, the driver also holds every :class:`Reply` and :class:`Send` until all records logged
before it are.
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
    """Repair many chunks at once: the same job as a :class:`Send` of a clone command for each (rule 5).

    ``chunks``, ``sources``, ``targets``, ``lengths``: int64 columns of one length; all sources are in one rack, all
    targets in another. ``slots``: clones that run at once, a share of the cluster's. Ends with
    ``Master.bundle_done(number, now)``.
    """

    number: int
    chunks: Any
    sources: Any
    targets: Any
    lengths: Any
    slots: float


@dataclass(frozen=True, slots=True)
class Log:
    """Write a record, and when it is durable apply it and do ``then``."""

    record: Record
    then: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Tell the operator that a server holds nothing any more and may be switched off."""

    server: int


Effect = Reply | Send | Emit | WakeAt | Bundle | Log | Release
