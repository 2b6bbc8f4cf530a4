"""A piece of work, as the application's code gives it to a worker; and what a worker offers it.

A :class:`Work` is made by the application's master, travels in :class:`~feitian_sim.fuxi.worker_messages.Assign`, and is
run by the worker runtime of the machine, one at a time on each worker. It is a small slotted object with callbacks: no
process of its own, since there are millions. It must not be changed once it is sent; what one run of it needs to
remember it keeps in an object of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu import Endpoint
from feitian_sim.pangu.client import PanguClient

#: ``done(ok, why, output)``: how the work has ended.
Done = Callable[[bool, str, Any], object]


class WorkContext(Protocol):
    """A worker, as its work sees it."""

    @property
    def sim(self) -> Simulation:
        """The simulation."""
        ...

    @property
    def owner(self) -> Owner:
        """The worker's process: what belongs to it vanishes with it."""
        ...

    @property
    def machine(self) -> Machine:
        """Where it runs."""
        ...

    @property
    def datacenter(self) -> DataCenter:
        """The hardware, for flows between machines."""
        ...

    @property
    def app(self) -> str:
        """The application."""
        ...

    @property
    def worker(self) -> int:
        """The worker's number in it."""
        ...

    @property
    def endpoint(self) -> Endpoint:
        """That of the machine's worker runtime, for calls of the work's own; it may change with the runtime's life."""
        ...

    def compute(self, duration_ns: int, then: Callable[..., object], *args: Any) -> None:
        """Compute for so long, as on a healthy machine, then call ``then(*args)``.

        On cores that are the worker's own: a slow machine or process stretches what is left of it, and what is left
        shrinks again when the machine recovers.
        """
        ...

    def pangu(self) -> PanguClient:
        """The machine's client of Pangu. Raises SimulatedError in a cell without Pangu."""
        ...


class Work(Protocol):
    """One piece of work."""

    @property
    def piece(self) -> Any:
        """The application's name for it: what ``Result.piece`` says."""
        ...

    def start(self, context: WorkContext, done: Done) -> None:
        """Begin. Call ``done`` once, then or later; all that is started meanwhile belongs to ``context.owner``."""
        ...
