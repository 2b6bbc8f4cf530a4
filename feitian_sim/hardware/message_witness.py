"""The fate of each message, told as facts to whoever checks it; no model listens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from feitian_sim.hardware.facts import MessageArrived, MessageLeft, MessageLost
from feitian_sim.kernel import Simulation

if TYPE_CHECKING:
    from feitian_sim.hardware.topology import Station

Told = Callable[..., object]


class MessageWitness:
    """Sees every message leave, and what becomes of it."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._last = 0

    def follow(self, source: Station, target: Station, deliver: Told, on_loss: Told | None) -> tuple[Told, Told | None]:
        """The same callbacks, each of which says so first. What copies do is no message's fate."""
        self._last += 1
        number = self._last
        self._sim.emit(MessageLeft(number, source.name, target.name, on_loss is not None))
        lost = None if on_loss is None else partial(self._tell, MessageLost(number), on_loss)
        return partial(self._tell, MessageArrived(number), deliver), lost

    def _tell(self, fate: MessageArrived | MessageLost, then: Told, *args: Any) -> None:
        self._sim.emit(fate)
        then(*args)
