"""Which token was shown last for each key of a service: nothing is taken under an older one. Pure.

It is the place at which alone exclusion can be enforced (see :mod:`feitian_sim.nuwa.fenced`): a worker that was stopped
between looking at its lease and sending its write goes on later, and is refused here. Partitions are split, so what is
fenced are ranges of keys.
"""

from __future__ import annotations

from bisect import bisect_right


class FencedKeys:
    """The newest token that was shown for each key from 0 below ``keys``."""

    def __init__(self, keys: int) -> None:
        self.keys = keys
        # Ranges: where each begins, and its token.
        self._lows = [0]
        self._tokens = [0]

    def _cut(self, at: int) -> int:
        """The position of the range that begins at ``at``, made if there is none."""
        place = bisect_right(self._lows, at) - 1
        if self._lows[place] != at:
            place += 1
            self._lows.insert(place, at)
            self._tokens.insert(place, self._tokens[place - 1])
        return place

    def newest(self, low: int, high: int) -> int:
        """The newest token of these keys."""
        first = bisect_right(self._lows, low) - 1
        last = bisect_right(self._lows, high - 1)
        return max(self._tokens[first:last])

    def touch(self, low: int, high: int, token: int) -> bool:
        """Work on these keys under a token; False when a newer one was shown for any of them."""
        assert 0 <= low < high <= self.keys, f"{low} to {high} of {self.keys} keys"
        newest = self.newest(low, high)
        if token <= 0 or token < newest:
            return False
        first = self._cut(low)
        last = self._cut(high) if high < self.keys else len(self._lows)
        if last - first > 1 or self._tokens[first] != token:
            self._lows[first:last] = [low]
            self._tokens[first:last] = [token]
        return True

    def ranges(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where each range begins, and its token: all that is known, to be written down."""
        return tuple(self._lows), tuple(self._tokens)

    def restore(self, lows: tuple[int, ...], tokens: tuple[int, ...]) -> None:
        """Know what was written down."""
        self._lows, self._tokens = list(lows), list(tokens)
