"""How long a client tries: back-off that grows, jitter keyed by the client, a deadline for the whole operation."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from feitian_sim.kernel import SimulatedError, Simulation, Stream

Steps = Generator[Any, Any, None]


class PanguError(SimulatedError):
    """An operation on the file system failed for good."""


class PanguRefused(PanguError):
    """The master has answered that it cannot be done, and why: nothing has changed."""

    def __init__(self, reason: str, code: str) -> None:
        # SimPy raises the failure of a process anew from its arguments.
        super().__init__(reason, code)
        self.reason = reason
        self.code = code

    def __str__(self) -> str:
        return self.reason


class Patience:
    """One operation's tries. ``retries`` counts the pauses; ``on_pause`` hears how long each hold-up was."""

    __slots__ = (
        "_at_most_ns",
        "_backoff_ns",
        "_delay_ns",
        "_held_up_ns",
        "_on_pause",
        "_sim",
        "_stream",
        "_until_ns",
        "retries",
    )

    def __init__(
        self,
        sim: Simulation,
        stream: Stream,
        *,
        deadline_ns: int,
        backoff_ns: int,
        backoff_max_ns: int,
        on_pause: Callable[[int], object],
    ) -> None:
        self._sim = sim
        self._stream = stream
        self._until_ns = sim.now + deadline_ns
        self._backoff_ns = backoff_ns
        self._at_most_ns = backoff_max_ns
        self._on_pause = on_pause
        self._delay_ns = backoff_ns
        # When the present step first failed; negative while all goes well.
        self._held_up_ns = -1
        self.retries = 0

    @property
    def now_ns(self) -> int:
        """The present instant."""
        return self._sim.now

    def left_ns(self, at_most_ns: int) -> int:
        """Time for one try: ``at_most_ns``, or what is left until the deadline."""
        return max(1, min(at_most_ns, self._until_ns - self._sim.now))

    def failed_at(self, since_ns: int) -> None:
        """A try that began at ``since_ns`` has failed: the hold-up began there, unless it had begun before."""
        if self._held_up_ns < 0:
            self._held_up_ns = since_ns

    def wait(self, since_ns: int, reason: str, sooner: Any = None) -> Steps:
        """Pause before the next try, or until the event ``sooner`` happens.

        Raises :class:`PanguError` when there is no time for another try.
        """
        self.failed_at(since_ns)
        delay_ns = int(self._delay_ns * (0.5 + self._stream.uniform()))
        self._delay_ns = min(2 * self._delay_ns, self._at_most_ns)
        if self._sim.now + delay_ns >= self._until_ns:
            raise PanguError(reason)
        self.retries += 1
        pause = self._sim.timeout(delay_ns)
        yield pause if sooner is None else pause | sooner

    def progressed(self) -> None:
        """A step has succeeded: the hold-up, if there was one, is over."""
        self._delay_ns = self._backoff_ns
        if self._held_up_ns >= 0:
            self._on_pause(self._sim.now - self._held_up_ns)
            self._held_up_ns = -1
