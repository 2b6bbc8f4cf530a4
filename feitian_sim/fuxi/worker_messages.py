"""Messages between application masters, Tubos and workers. Each docstring says who tells whom; see :mod:`.messages`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from feitian_sim.fuxi.messages import per_item
from feitian_sim.fuxi.resources import Vector


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a worker is: its unit, what it must have downloaded, and how it behaves. ``memory_bytes``: what it really
    uses."""

    unit: int
    vector: Vector
    package: str = ""
    memory_bytes: int = 0
    #: In thread mode a worker is a thread of a process that is there already: it needs no start of its own.
    threaded: bool = False


@dataclass(frozen=True, slots=True)
class StartWorkers:
    """Application master to Tubo: start workers of one unit; the numbers are the application's. Sent twice it is one.

    ``work``: what some of them begin with as soon as they are ready; these say so by their results alone.
    """

    app: str
    attempt: int
    address: str
    spec: WorkerSpec
    workers: tuple[int, ...]
    work: tuple[tuple[int, Any], ...] = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(512, len(self.workers), 8) + 96 * len(self.work)


@dataclass(frozen=True, slots=True)
class StopWorkers:
    """Application master to Tubo: end workers and give their resources back.

    ``unused``: (unit, count) of allowances for which no worker was started, to be given back.
    """

    app: str
    attempt: int
    workers: tuple[int, ...]
    unused: tuple[tuple[int, int], ...] = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.workers) + len(self.unused), 8)


@dataclass(frozen=True, slots=True)
class WorkersReady:
    """Worker runtime to application master: workers run and are idle. Sent again until it is answered by ``Heard``."""

    app: str
    machine: str
    unit: int
    workers: tuple[int, ...]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.workers), 8)


@dataclass(frozen=True, slots=True)
class WorkersGone:
    """Tubo to application master: workers that were not asked to end are gone, or never came up; and why.

    ``unused``: allowances of the unit that nobody used for too long, and that were given back. Answered by ``Heard``.
    """

    app: str
    machine: str
    unit: int
    workers: tuple[int, ...]
    why: Literal["crashed", "memory", "launch-failed", "no-package", "revoked", "not-allowed"]
    unused: int = 0

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.workers), 8)


@dataclass(frozen=True, slots=True)
class Assign:
    """Application master to worker runtime: give workers their next work. ``work`` is what the application's code
    takes. ``forget``: pieces whose results need not be kept any more, as :class:`Forget` says."""

    app: str
    attempt: int
    address: str
    work: tuple[tuple[int, Any], ...]
    forget: tuple[Any, ...] = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.work), 96) + 12 * len(self.forget)


@dataclass(frozen=True, slots=True)
class Result:
    """How a worker's piece of work ended; ``piece`` is the application's name for it, ``output`` what it left."""

    worker: int
    piece: Any
    ok: bool
    why: str = ""
    began_ns: int = 0
    output: Any = None


@dataclass(frozen=True, slots=True)
class Results:
    """Worker runtime to application master: work that has ended; sent again until it is answered by :class:`Heard`."""

    app: str
    machine: str
    results: tuple[Result, ...]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.results), 96)


@dataclass(frozen=True, slots=True)
class Forget:
    """Application master to worker runtime: these pieces are in the snapshot; their results need not be kept any more."""

    app: str
    attempt: int
    pieces: tuple[Any, ...]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(64, len(self.pieces), 12)


@dataclass(frozen=True, slots=True)
class AskWorkers:
    """A new application master to worker runtime: which workers of the application are there, and what are they at?"""

    app: str
    attempt: int
    address: str


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker of an application: idle when ``piece`` is None."""

    worker: int
    unit: int
    piece: Any = None
    began_ns: int = 0


@dataclass(frozen=True, slots=True)
class WorkersAre:
    """Worker runtime to application master: its workers here, and results that are kept until told otherwise."""

    app: str
    machine: str
    workers: tuple[WorkerState, ...]
    kept: tuple[Result, ...] = field(default=())

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.workers) + len(self.kept), 64)
