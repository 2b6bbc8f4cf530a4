"""A timer: the handle of one callback that the simulation will call later, unless it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feitian_sim.kernel.event_queue import EventQueue


class Timer:
    """What :meth:`Simulation.call_later` returns: one pending callback.

    A cancelled timer stays in the queue until its turn comes or the queue is compacted; it calls nothing.
    """

    __slots__ = ("args", "callback", "queue", "time_ns")

    callback: Callable[..., object] | None
    args: tuple[Any, ...]
    queue: EventQueue | None
    time_ns: int

    @classmethod
    def dead(cls) -> Timer:
        """A timer that was never to call anything."""
        timer = cls()
        timer.callback, timer.args, timer.queue, timer.time_ns = None, (), None, 0
        return timer

    @property
    def active(self) -> bool:
        """Whether the callback is still to come."""
        return self.callback is not None

    def cancel(self) -> None:
        """Forget the callback. Cancelling twice, or after the call, is harmless."""
        if self.callback is None:
            return
        self.callback = None
        self.args = ()
        if self.queue is not None:
            self.queue.note_cancelled()
