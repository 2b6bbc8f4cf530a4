"""Timing: from a trigger to the instants at which a fault strikes, with keyed draws. Pure apart from its streams.

``at`` strikes once and ``every`` again and again, each a little later by ``jitter``. ``rate`` and ``distribution``
are renewal processes, one for each target: the clock runs while the target is in service, so that a rate is per
time in service (an annual failure rate is per disk-year of working disks) and stops while it is down. All
draws are keyed by (fault, target, purpose, n): what strikes whom and when depends on no policy.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.faults.fault import Fault
from feitian_sim.kernel import YEAR, DurationDistribution, Stream, steady

#: ``streams(entity, purpose)`` gives the fault's own stream for that entity and purpose.
Streams = Callable[[str, str], Stream]
#: Beyond this a strike is never: longer than any run, and far from overflowing integer nanoseconds.
NEVER_NS = 1_000_000 * YEAR
_NS_PER_S = 1e9


def fixed_strike_ns(fault: Fault, number: int, streams: Streams) -> int | None:
    """When ``at`` or ``every`` strikes for the ``number``-th time (from 0); None when it does not."""
    if fault.at is not None:
        planned_ns = fault.at if number == 0 else None
    elif fault.every is not None:
        planned_ns = fault.start + (number + 1) * fault.every
    else:
        planned_ns = None
    if planned_ns is None or (fault.until is not None and planned_ns > fault.until):
        return None
    return planned_ns + _jitter_ns(fault, streams)


def time_in_service_ns(fault: Fault, target: str, streams: Streams) -> int:
    """How long ``target`` works until ``rate`` or ``distribution`` strikes it next; spends one draw."""
    stream = streams(target, "time in service")
    if fault.distribution is not None:
        return min(fault.distribution.sample(stream), NEVER_NS)
    assert fault.rate, f"{fault} has neither rate nor distribution"
    mean_ns = _NS_PER_S / fault.rate
    return int(min(-steady.log(1.0 - stream.uniform()) * mean_ns, float(NEVER_NS)))


def lasting_ns(duration: DurationDistribution | None, target: str, streams: Streams) -> int | None:
    """How long the fault holds ``target`` this time; None for ever. Spends one draw when there is a duration."""
    if duration is None:
        return None
    return min(duration.sample(streams(target, "duration")), NEVER_NS)


def _jitter_ns(fault: Fault, streams: Streams) -> int:
    return int(streams("", "jitter").uniform() * fault.jitter) if fault.jitter else 0
