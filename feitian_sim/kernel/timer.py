"""Timers: callbacks to come that can be taken back.

Most of what a simulation schedules is never taken back: ``call_later`` returns nothing, and its entry in the queue is
a bare tuple, the cheapest thing that Python can make. A deadline is nearly always cancelled: ``timer`` returns one of
these, which its entry stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feitian_sim.kernel.owner import Owner


class Timer:
    """One pending callback, which an owner's death takes back with all else that it planned.

    A cancelled timer stays in the queue until its turn comes or the queue throws out what is stale; it calls nothing.
    """

    __slots__ = ("args", "callback", "owner")

    def __init__(self, callback: Callable[..., object] | None, args: tuple[Any, ...], owner: Owner | None) -> None:
        self.callback = callback
        self.args = args
        self.owner = owner

    @property
    def active(self) -> bool:
        """Whether the callback is still to come."""
        return self.callback is not None and (self.owner is None or self.owner.alive)

    def call(self) -> None:
        """Call back now; the simulation does, when its time has come."""
        owner = self.owner
        if owner is not None and owner.deferred is not None:
            owner.deferred.append((self._call_late, ()))
            return
        callback, args = self.callback, self.args
        self.cancel()
        assert callback is not None
        callback(*args)

    def _call_late(self) -> None:
        """Its owner goes on: it may have taken the timer back by now."""
        if self.active:
            self.call()

    def cancel(self) -> None:
        """Forget the callback. Cancelling twice, or after the call, is harmless."""
        self.callback = None
        self.args = ()
