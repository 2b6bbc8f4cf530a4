"""How well a machine is, as its Tubo sees it: a score from 0 (of no use) to 100.

It is the worse of two shares: disks that work, and launches that succeeded among the last ones. A few launches say
nothing.
"""

from __future__ import annotations

from collections import deque

#: Launches that are remembered, and from how many on they count. Source: own assumption.
_REMEMBERED = 10
_FEWEST = 3
BEST = 100


class Launches:
    """How the last launches of a machine ended."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=_REMEMBERED)

    def ended(self, ok: bool) -> None:
        """One more."""
        self._last.append(ok)

    @property
    def score(self) -> int:
        """The share that succeeded, in percent."""
        count = len(self._last)
        return BEST if count < _FEWEST else BEST * sum(self._last) // count


def health(launches: int, working_disks: int, disks: int) -> int:
    """The score of a machine."""
    return min(launches, BEST * working_disks // disks if disks else BEST)
