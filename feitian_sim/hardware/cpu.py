"""A machine's cores: equal servers before one FIFO queue (M/M/c under Poisson jobs of exponential length).

A job is what a process computes without giving up its core: taking in a message, a checksum, an instance of a
task. A slow machine multiplies the length of the jobs that begin while it is slow, a slow process that of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.hardware.service_queue import ServiceQueue
from feitian_sim.kernel import Owner, Simulation


class Cpu:
    """The cores of one machine."""

    __slots__ = ("_halted", "_on_pace", "_queue")

    def __init__(self, sim: Simulation, cores: int) -> None:
        self._queue = ServiceQueue(sim, cores)
        self._halted = False
        self._on_pace: list[Callable[[], object]] = []

    @property
    def cores(self) -> int:
        """Jobs that can run at once."""
        return self._queue.servers

    @property
    def busy(self) -> int:
        """Cores at work."""
        return self._queue.busy

    @property
    def waiting(self) -> int:
        """Jobs that wait for a core."""
        return self._queue.waiting

    @property
    def slow_factor(self) -> float:
        """By how much jobs take longer than on a healthy machine."""
        return self._queue.slow_factor

    @slow_factor.setter
    def slow_factor(self, factor: float) -> None:
        assert factor > 0, f"a core cannot be {factor} times slower"
        self._queue.slow_factor = factor
        self._tell_pace()

    def slow_down(self, owner: Owner, factor: float) -> None:
        """Let the jobs of ``owner`` that begin from now on take ``factor`` times as long; 1 lets them go as others'."""
        assert factor > 0, f"a process cannot be {factor} times slower"
        if factor == 1.0:
            self._queue.slow_owners.pop(owner, None)
        else:
            if owner not in self._queue.slow_owners:
                owner.on_death(lambda: self._queue.slow_owners.pop(owner, None))
            self._queue.slow_owners[owner] = factor
        self._tell_pace()

    def pace_of(self, owner: Owner | None) -> float:
        """How many times longer than on a healthy machine the work of ``owner`` takes."""
        own = self._queue.slow_owners.get(owner, 1.0) if owner is not None else 1.0
        return self._queue.slow_factor * own

    def _tell_pace(self) -> None:
        for told in self._on_pace:
            told()

    def on_pace(self, told: Callable[[], object]) -> None:
        """Call ``told()`` whenever the machine or one of its processes becomes slower or faster (:meth:`pace_of`).

        This is for work that is not queued here.
        """
        self._on_pace.append(told)

    def submit(self, service_ns: int, owner: Owner, callback: Callable[..., object], *args: Any) -> None:
        """Compute for ``service_ns``, then call ``callback(*args)``. The owner's death takes the job with it."""
        if not self._halted:
            self._queue.submit(service_ns, owner, callback, *args)

    def halt(self) -> None:
        """The machine went down: every job is gone, and none is taken until :meth:`resume`."""
        self._halted = True
        self._queue.clear()

    def resume(self) -> None:
        """The machine is up again."""
        self._halted = False
