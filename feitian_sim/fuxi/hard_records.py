"""The FuxiMaster's hard state, record by record: what a new one must know before it hears from anybody.

Applications' descriptions when they are submitted, that they have ended, and which machines are disabled; nothing that
changes while an application runs (VLDB 2014, sec. 4.3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feitian_sim.fuxi.messages import Kind


@dataclass(frozen=True, slots=True)
class AppRecord:
    """An application that was submitted. ``number`` counts submissions."""

    number: int
    app: str
    kind: Kind
    user: str
    group: str
    description: Any
    size_bytes: int
    submitted_ns: int


@dataclass(frozen=True, slots=True)
class EndRecord:
    """An application has ended; ``number`` is that of its :class:`AppRecord`."""

    number: int
    app: str
    ok: bool
    why: str


@dataclass(frozen=True, slots=True)
class DisabledRecord:
    """Machines that are disabled, with since when and why: all of them."""

    machines: tuple[tuple[str, int, str], ...]


HardRecord = AppRecord | EndRecord | DisabledRecord


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a new FuxiMaster finds: applications that go on, the outcomes of those that ended, disabled machines.

    ``numbers``: submissions so far.
    """

    numbers: int = 0
    apps: tuple[AppRecord, ...] = ()
    ended: tuple[tuple[str, bool, str], ...] = ()
    disabled: tuple[tuple[str, int, str], ...] = ()
