"""Scale: which unit an axis gets, so that its numbers have one to four digits.

Bytes are decimal (1 MB = 10^6 B), as in network and disk rates. Times on the x axis count from the start of
the simulation.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Scale(NamedTuple):
    """An axis shows ``value / factor`` and is labelled with ``unit``."""

    factor: float
    unit: str


_BYTES = (Scale(1.0, "B"), Scale(1e3, "kB"), Scale(1e6, "MB"), Scale(1e9, "GB"), Scale(1e12, "TB"), Scale(1e15, "PB"))
_RUN_TIMES = (Scale(1.0, "s"), Scale(60.0, "min"), Scale(3600.0, "h"), Scale(86400.0, "d"))
_LATENCIES = (Scale(1e-6, "µs"), Scale(1e-3, "ms"), Scale(1.0, "s"))
#: Widths of time windows that people find round.
_ROUND_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)


def run_time(duration_s: float) -> Scale:
    """Unit of the time axis of a run; a unit is left when the axis would show more than 300 of it (120 h)."""
    limits_s = (300.0, 300 * 60.0, 120 * 3600.0)
    for scale, limit_s in zip(_RUN_TIMES, limits_s, strict=False):
        if duration_s <= limit_s:
            return scale
    return _RUN_TIMES[-1]


def amount(largest_bytes: float) -> Scale:
    """Unit of an axis of bytes."""
    return _largest_below(_BYTES, largest_bytes)


def rate(largest_bytes_per_s: float) -> Scale:
    """Unit of an axis of bytes per second."""
    scale = amount(largest_bytes_per_s)
    return Scale(scale.factor, f"{scale.unit}/s")


def latency(typical_s: float) -> Scale:
    """Unit of an axis of latencies."""
    return _largest_below(_LATENCIES, typical_s)


def round_window_s(duration_s: float, windows: int) -> float:
    """A round width that cuts the duration into about that many windows."""
    wanted_s = duration_s / windows
    for width_s in _ROUND_S:
        if width_s >= wanted_s:
            return float(width_s)
    return math.ceil(wanted_s / 86400) * 86400.0


def clock(seconds: float) -> str:
    """A time for a legend: ``32.1 s``, ``10 min 32 s``, ``2 h 05 min``, ``12.3 d``."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    if seconds < 86400:
        hours, rest = divmod(round(seconds / 60), 60)
        return f"{hours} h {rest:02d} min" if rest else f"{hours} h"
    return f"{seconds / 86400:.1f} d"


def _largest_below(scales: tuple[Scale, ...], value: float) -> Scale:
    fitting = [scale for scale in scales if scale.factor <= abs(value)]
    return fitting[-1] if fitting else scales[0]
