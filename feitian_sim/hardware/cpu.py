"""A machine's cores: equal servers before one FIFO queue (M/M/c under Poisson jobs of exponential length).

A job is what a process computes without giving up its core: taking in a message, a checksum, an instance of a
task. A slow machine multiplies the length of the jobs that begin while it is slow.
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
        self._on_pace: list[Callable[[float], object]] = []

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
        for told in self._on_pace:
            told(factor)

    def on_pace(self, told: Callable[[float], object]) -> None:
        """Call ``told(factor)`` whenever the machine becomes slower or faster: for work that is not queued here."""
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
