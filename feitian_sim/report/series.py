"""Series: from facts to the numbers that a figure shows. Pure arithmetic over columns.

An operation that moved bytes between two instants is spread evenly over them, so that a rate is what the
network carried and not a comb of completions. Several runs become a median with the band from the smallest to
the largest run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Nothing is faster than this, so that an operation without duration keeps a finite rate.
_SHORTEST_S = 1e-3


@dataclass(frozen=True, slots=True)
class Series:
    """Values over x; ``low`` and ``high`` are the band over runs, absent for a single run."""

    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None

    @property
    def largest(self) -> float:
        """The largest finite value shown, 0 when there is none."""
        shown = self.y if self.high is None else np.concatenate([self.y, self.high])
        finite = shown[np.isfinite(shown)]
        return float(finite.max()) if len(finite) else 0.0


def edges(duration_s: float, window_s: float) -> Floats:
    """Window edges from 0 to the duration; the last window may be shorter."""
    count = max(1, int(np.ceil(duration_s / window_s - 1e-9)))
    return np.append(np.arange(count) * window_s, duration_s)


def spread_rate(start_s: Floats, end_s: Floats, amounts: Floats, window_edges: Floats) -> Floats:
    """Amount per second in each window, each amount spread evenly from its start to its end."""
    if not len(start_s):
        return np.zeros(len(window_edges) - 1)
    end_s = np.maximum(end_s, start_s + _SHORTEST_S)
    rates = amounts / (end_s - start_s)
    times = np.concatenate([start_s, end_s])
    order = np.argsort(times, kind="stable")
    times = times[order]
    slopes = np.cumsum(np.concatenate([rates, -rates])[order])
    moved = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(times))])
    at_edges = np.interp(window_edges, times, moved)
    rates_shown: Floats = np.maximum(np.round(np.diff(at_edges) / np.diff(window_edges), 3), 0.0)
    return rates_shown


def counts(times_s: Floats, window_edges: Floats) -> Floats:
    """How many instants fall into each window."""
    return np.histogram(times_s, bins=window_edges)[0].astype(np.float64)


def peaks(times_s: Floats, steps: Floats, window_edges: Floats) -> Floats:
    """The highest level reached in each window by a count that changes by steps; at one instant falls come first."""
    order = np.lexsort((steps, times_s))
    times_s, levels = times_s[order], np.cumsum(steps[order])
    highest = held(times_s, levels, window_edges[:-1])
    np.maximum.at(highest, window_of(times_s, window_edges), levels)
    return highest


def window_of(times_s: Floats, window_edges: Floats) -> npt.NDArray[np.int64]:
    """The window into which each instant falls; the end of the run belongs to the last one."""
    index = np.searchsorted(window_edges, times_s, side="right") - 1
    return np.clip(index, 0, len(window_edges) - 2).astype(np.int64)


def window_percentiles(times_s: Floats, values: Floats, window_edges: Floats, percent: float) -> Floats:
    """The percentile of the values in each window; NaN where too few values make it up.

    A percentile p needs at least 1/(1-p) values: one hundred for p99.
    """
    needed = max(2, round(100 / (100 - percent)))
    result = np.full(len(window_edges) - 1, np.nan)
    order = np.argsort(times_s, kind="stable")
    times_s, values = times_s[order], values[order]
    bounds = np.searchsorted(times_s, window_edges, side="left")
    bounds[-1] = len(times_s)
    for window, (first, last) in enumerate(pairwise(bounds)):
        if last - first >= needed:
            result[window] = np.percentile(values[first:last], percent)
    return result


def held(times_s: Floats, values: Floats, at_s: Floats, before: float = 0.0) -> Floats:
    """The last value known at each instant; ``before`` until the first is known."""
    if not len(times_s):
        return np.full(len(at_s), before)
    index = np.searchsorted(times_s, at_s, side="right") - 1
    return np.where(index >= 0, values[np.maximum(index, 0)].astype(np.float64), before)


def over_runs(x: Floats, runs: Sequence[Floats]) -> Series:
    """Median of the runs with the band from the smallest to the largest; the run itself when it is alone."""
    if len(runs) == 1:
        return Series(x, runs[0])
    stacked = np.stack(runs)
    known = ~np.isnan(stacked).all(axis=0)
    middle, low, high = (np.full(len(x), np.nan) for _ in range(3))
    middle[known] = np.nanmedian(stacked[:, known], axis=0)
    low[known] = np.nanmin(stacked[:, known], axis=0)
    high[known] = np.nanmax(stacked[:, known], axis=0)
    return Series(x, middle, low, high)


def thinned(x: Floats, y: Floats, points: int = 1000) -> tuple[Floats, Floats]:
    """At most that many points of a curve by rank, with both ends: half of them evenly, half ever denser at the end."""
    if len(x) <= points:
        return x, y
    evenly = np.linspace(0, len(x) - 1, points // 2)
    denser = len(x) - np.geomspace(len(x), 1, points // 2)
    kept = np.unique(np.round(np.concatenate([evenly, denser])).astype(np.int64))
    return x[kept], y[kept]
