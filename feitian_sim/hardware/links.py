"""Directed links: what flows and messages cross, with their state.

A link has a nominal capacity (bytes per second) and a state that faults change: up or down, a share of its
capacity, a probability of losing a message, an added delay, clogged or not (nothing moves, nothing is lost). Disks are
links too, so that one solver shares all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_FIRST = 256


class Links:
    """All links of a data centre, in the order in which they were added."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.classes: list[str] = []
        self.by_name: dict[str, int] = {}
        #: What a flow can use now, bytes per second; 0 when the link is down. Longer than ``names``.
        self.capacity: npt.NDArray[np.float64] = np.zeros(_FIRST)
        self._nominal: list[float] = []
        self._factor: list[float] = []
        self._up: list[bool] = []
        # A link hangs on the switches at its ends: how many of them are down.
        self._dark: list[int] = []
        #: Share of messages lost, and added one-way delay: only for links that have any.
        self.loss: dict[int, float] = {}
        self.delay_ns: dict[int, int] = {}
        self._clogged: dict[int, None] = {}
        self.any_clogged = False
        self._degraded: dict[int, None] = {}
        #: Whether any link is down, slow, lossy, late or clogged.
        self.any_degraded = False

    def add(self, name: str, capacity: float, link_class: str) -> int:
        """A new link; returns its id."""
        assert name not in self.by_name, f"two links are called {name}"
        link = len(self.names)
        self.by_name[name] = link
        self.names.append(name)
        self.classes.append(link_class)
        self._nominal.append(capacity)
        self._factor.append(1.0)
        self._up.append(True)
        self._dark.append(0)
        if link == len(self.capacity):
            self.capacity = np.concatenate([self.capacity, np.zeros(link)])
        self.capacity[link] = capacity
        return link

    def set_nominal(self, link: int, capacity: float) -> None:
        """Change what the link could carry at its best."""
        self._nominal[link] = capacity
        self._settle(link)

    def set_state(self, link: int, *, up: bool, factor: float, loss: float, delay_ns: int) -> None:
        """Set the whole state that faults determine."""
        self._up[link] = up
        self._factor[link] = factor
        _set_or_drop(self.loss, link, loss)
        _set_or_drop(self.delay_ns, link, delay_ns)
        self._settle(link)

    def set_powered(self, link: int, powered: bool) -> None:
        """A switch at one of its ends went down (False) or came back (True)."""
        self._dark[link] += -1 if powered else 1
        self._settle(link)

    def set_clogged(self, link: int, clogged: bool) -> None:
        """Nothing moves over the link (True), or it moves on (False)."""
        if clogged:
            self._clogged[link] = None
        else:
            self._clogged.pop(link, None)
        self.any_clogged = bool(self._clogged)
        self._settle(link)

    def is_clogged(self, path: tuple[int, ...]) -> bool:
        """Whether nothing moves over one of these links."""
        return self.any_clogged and not self._clogged.keys().isdisjoint(path)

    def is_up(self, link: int) -> bool:
        """Whether anything passes."""
        return self._up[link] and not self._dark[link] and self._factor[link] > 0.0

    def is_slow(self, link: int) -> bool:
        """Whether a fault has taken a part of its capacity."""
        return self._factor[link] != 1.0

    def is_degraded(self, link: int) -> bool:
        """Whether it is down, slow, lossy, late or clogged."""
        return link in self._degraded

    def all_well(self, path: tuple[int, ...]) -> bool:
        """Whether none of these links is."""
        return self._degraded.keys().isdisjoint(path)

    def nominal_bytes_per_s(self, link: int) -> float:
        """What a link carries when nothing is wrong with it."""
        return float(self._nominal[link])

    def _settle(self, link: int) -> None:
        self.capacity[link] = self._nominal[link] * self._factor[link] if self.is_up(link) else 0.0
        is_lossy_or_late = link in self.loss or link in self.delay_ns or link in self._clogged
        if not self.is_up(link) or self._factor[link] != 1.0 or is_lossy_or_late:
            self._degraded[link] = None
        else:
            self._degraded.pop(link, None)
        self.any_degraded = bool(self._degraded)


def _set_or_drop(table: dict[int, float] | dict[int, int], link: int, value: float) -> None:
    if value:
        table[link] = value  # type: ignore[assignment]
    else:
        table.pop(link, None)
