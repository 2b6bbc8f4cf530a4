"""Popularity: which of n files an operation is about. Pure; one uniform per choice.

Under Zipf's law the file of rank k (from 1) is chosen in proportion to 1 / k^exponent; rank is the position in the
list, so that files that a load adds later are less popular than the first, and the choice among n files costs one
binary search in the running sums.
"""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel import steady
from feitian_sim.workloads.popularity_config import Popularity, ZipfPopularity

_FIRST = 1024


class Chooser:
    """Turns a uniform draw into the position of a file."""

    __slots__ = ("_popularity", "_sums")

    def __init__(self, popularity: Popularity) -> None:
        self._popularity = popularity
        self._sums = np.zeros(0)

    def position(self, uniform: float, count: int) -> int:
        """Which of ``count`` files lies at quantile ``uniform`` of popularity."""
        assert count > 0, f"a choice among {count} files"
        if not isinstance(self._popularity, ZipfPopularity):
            return min(int(uniform * count), count - 1)
        if count > len(self._sums):
            self._grow(self._popularity.exponent, count)
        sums = self._sums[:count]
        return min(int(np.searchsorted(sums, uniform * sums[-1], side="right")), count - 1)

    def _grow(self, exponent: float, count: int) -> None:
        # Running sums of a longer list begin with those of the shorter: growing changes no earlier choice.
        size = max(_FIRST, 2 * len(self._sums), count)
        self._sums = np.cumsum(steady.powers(np.arange(1, size + 1, dtype=np.float64), -exponent))
