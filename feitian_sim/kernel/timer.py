"""A timer: the handle of one callback that the simulation will call later, unless it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Timer:
    """What :meth:`Simulation.call_later` returns: one pending callback.

    A cancelled timer stays in the queue until its time comes or the queue is compacted; it calls nothing.
    """

    __slots__ = ("args", "callback", "on_cancel", "owner", "time_ns")

    def __init__(self, time_ns: int, callback: Callable[..., object] | None, args: tuple[Any, ...]) -> None:
        self.time_ns = time_ns
        self.callback = callback
        self.args = args
        self.owner: object | None = None
        self.on_cancel: Callable[[], None] | None = None

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
        if self.on_cancel is not None:
            self.on_cancel()
