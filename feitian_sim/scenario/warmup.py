"""Warm-up: the part at the start of a run that statistics leave out, as given or as found by MSER-5.

MSER-5 (White, Simulation 69, 1997) looks at a series for the start that does not belong: it leaves out as many leading
batches of five values as make the standard error of the mean of the rest least. The series is what was completed in each
of a thousand windows: operations of Pangu's clients and requests of other loads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from feitian_sim.kernel.metric import Tables

_WINDOWS = 1000
_BATCH = 5
_COMPLETED = ("pangu.operation", "hardware.request")


def found_warmup_s(tables: Tables, least_s: float) -> float:
    """The warm-up of a run in seconds, at least ``least_s``; that alone where nothing was completed."""
    times = np.concatenate([tables.column(kind, "time_s") for kind in _COMPLETED])
    if not len(times):
        return least_s
    series, edges = np.histogram(times, bins=_WINDOWS, range=(0.0, tables.duration_s))
    return max(least_s, float(edges[mser5(series.tolist())]))


def mser5(values: Sequence[float]) -> int:
    """How many values at the start are warm-up: a multiple of five.

    The second half is not searched: a minimum there says that the series is too short.
    """
    batches = np.array(values[: len(values) // _BATCH * _BATCH], dtype=np.float64).reshape(-1, _BATCH).mean(axis=1)
    if len(batches) < 4:
        return 0
    errors = [float(np.var(batches[first:])) / (len(batches) - first) for first in range(len(batches) // 2 + 1)]
    return _BATCH * int(np.argmin(errors))
