"""What a JobMaster decided: told to the driver, which does it and empties the lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

#: How an application names a piece of work: task, instance, attempt.
Piece = tuple[int, int, int]


class Want(NamedTuple):
    """Want so many more workers (or fewer) of a task; ``preferences``: changes by machine."""

    task: int
    delta: int
    preferences: dict[int, int]
    #: The whole list of machines to avoid, when it has changed.
    avoid: tuple[int, ...] | None = None


class Order(NamedTuple):
    """Give a worker an instance."""

    worker: int
    machine: int
    task: int
    instance: int
    attempt: int
    backup: bool

    @property
    def piece(self) -> Piece:
        """Its name."""
        return self.task, self.instance, self.attempt


class Attempt(NamedTuple):
    """An attempt of an instance that is over."""

    task: int
    instance: int
    attempt: int
    machine: int
    began_ns: int
    ok: bool
    backup: bool
    why: str


@dataclass(slots=True)
class Effects:
    """All that is to be done after an event, each kind in its order."""

    wants: list[Want] = field(default_factory=list)
    #: Workers to start, by (machine, task).
    starts: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    #: Workers to stop, by (machine, task), whose units the job gives back by this.
    stops: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    #: Workers to stop whose units were taken back.
    revoked: dict[int, list[int]] = field(default_factory=dict)
    #: Units that are gone with their processes, by (machine, task).
    gone: dict[tuple[int, int], int] = field(default_factory=dict)
    #: Units that were granted and are not used, by (machine, task).
    unused: dict[tuple[int, int], int] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    #: Results that need not be kept any more, by machine.
    forget: dict[int, list[Piece]] = field(default_factory=dict)
    bad: list[tuple[int, str]] = field(default_factory=list)
    #: What is over, for facts.
    attempts: list[Attempt] = field(default_factory=list)
    committed: list[Piece] = field(default_factory=list)
    lost: list[Piece] = field(default_factory=list)
    tasks_started: list[int] = field(default_factory=list)
    tasks_ended: list[int] = field(default_factory=list)
    #: The job is over: whether well, and why.
    ended: tuple[bool, str] | None = None
