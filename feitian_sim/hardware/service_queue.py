"""One FIFO queue before equal servers: what cores and disk heads have in common.

A job belongs to an owner. When the owner dies its jobs vanish, waiting or in service, and the servers that they
held serve the next at once (DESIGN rule 4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from feitian_sim.kernel import Owner, Simulation

#: How long a job takes at full speed: nanoseconds, or what tells them at the instant its service begins.
Service = int | Callable[[], int]


class Job:
    """One thing to be served."""

    __slots__ = ("args", "at_once", "callback", "dropped", "owner", "service")

    def __init__(self, service: Service, owner: Owner, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.service = service
        self.owner = owner
        self.callback = callback
        self.args = args
        self.dropped = False
        #: Whether its end is the hardware's own affair, which waits for no process.
        self.at_once = False

    def event_carried(self) -> tuple[str, Callable[..., object], tuple[Any, ...]]:
        """Whose job it is, and what its end is about to call."""
        return self.owner.name, self.callback, self.args


class ServiceQueue:
    """``servers`` equal servers and one queue, first come first served."""

    def __init__(self, sim: Simulation, servers: int) -> None:
        self._sim = sim
        self.servers = servers
        #: Service times are multiplied by this; a job in service keeps the factor with which it began.
        self.slow_factor = 1.0
        #: Owners whose jobs take longer than others', and by how much.
        self.slow_owners: dict[Owner, float] = {}
        self._held = False
        # Those whose time ended while the servers were held.
        self._stuck: list[Job] = []
        self._waiting: deque[Job] = deque()
        self._served: dict[Job, None] = {}
        # Owners that will tell when they die; one registration serves all jobs of an owner.
        self._owners: dict[Owner, Callable[[], None]] = {}

    @property
    def busy(self) -> int:
        """Servers at work."""
        return len(self._served)

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    def submit(self, service: Service, owner: Owner, callback: Callable[..., object], *args: Any) -> Job | None:
        """Queue a job; ``callback(*args)`` is called at its end. A dead owner's job is dropped."""
        if not owner.alive:
            return None
        if owner not in self._owners:
            self._owners[owner] = partial(self._free, owner)
            owner.on_death(self._owners[owner])
        job = Job(service, owner, callback, args)
        if len(self._served) < self.servers and not self._held:
            self._begin(job)
        else:
            self._waiting.append(job)
        return job

    def hold(self, held: bool) -> None:
        """Let no job begin or end; or let all go on."""
        self._held = held
        if not held:
            stuck, self._stuck = self._stuck, []
            for job in stuck:
                self._end(job)
            self._fill()

    def clear(self) -> None:
        """Drop every job: nothing is called back."""
        self._waiting.clear()
        for job in self._served:
            job.dropped = True
        self._served.clear()
        for owner, callback in self._owners.items():
            owner.forget_death(callback)
        self._owners.clear()

    def _begin(self, job: Job) -> None:
        self._served[job] = None
        service_ns = job.service
        if service_ns.__class__ is not int:
            service_ns = job.service()  # type: ignore[operator]
        if self.slow_factor != 1.0:
            service_ns = int(service_ns * self.slow_factor)
        if self.slow_owners and job.owner in self.slow_owners:
            service_ns = int(service_ns * self.slow_owners[job.owner])
        self._sim.call_later(service_ns, self._end, job)

    def _end(self, job: Job) -> None:
        if job.dropped:
            return
        if self._held:
            self._stuck.append(job)
            return
        del self._served[job]
        if self._waiting:
            self._fill()
        owner = job.owner
        if owner.deferred is None or job.at_once:
            job.callback(*job.args)
        else:
            owner.deferred.append((job.callback, job.args))

    def _fill(self) -> None:
        while self._waiting and len(self._served) < self.servers and not self._held:
            self._begin(self._waiting.popleft())

    def _free(self, owner: Owner) -> None:
        del self._owners[owner]
        if self._waiting:
            self._waiting = deque(job for job in self._waiting if job.owner is not owner)
        for job in [job for job in self._served if job.owner is owner]:
            job.dropped = True
            del self._served[job]
        self._fill()
