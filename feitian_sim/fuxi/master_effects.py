"""What the FuxiMaster's core wants done: returned by it, carried out by its driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from feitian_sim.fuxi.hard_records import HardRecord
from feitian_sim.kernel import Fact

#: Whom a message goes to, which says by what name its answer is known: allowances and orders to a Tubo, grants to an app.
Stream = Literal["allow", "start", "end-master", "end-app", "grant"]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the request with this ticket."""

    ticket: int
    message: Any


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the request with this ticket that it cannot be done, and why."""

    ticket: int
    why: str


@dataclass(frozen=True, slots=True)
class Send:
    """Call; the end comes back through ``Master.answered``, with None when there was no answer.

    ``machine``: of the Tubo, by number; ``app``: the application that it is about, empty for allowances.
    """

    stream: Stream
    address: str
    message: Any
    machine: int = -1
    app: str = ""


@dataclass(frozen=True, slots=True)
class Keep:
    """Write hard state; ``Master.kept(record)`` when it is."""

    record: HardRecord


@dataclass(frozen=True, slots=True)
class Emit:
    """Publish a fact."""

    fact: Fact


Effect = Reply | Refuse | Send | Keep | Emit
