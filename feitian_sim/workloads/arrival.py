"""Arrivals of an open load: when the n-th operation comes, whatever became of the earlier ones. Pure."""

from __future__ import annotations

from feitian_sim.kernel import Stream, steady
from feitian_sim.workloads.paced_config import Arrival, PoissonArrival

_NS_PER_S = 1e9


class Arrivals:
    """The instants of one load's arrivals, in order; draw n of ``stream`` belongs to arrival n."""

    __slots__ = ("_arrival", "_start_ns", "_stream", "_time_ns", "number")

    def __init__(self, arrival: Arrival, start_ns: int, stream: Stream) -> None:
        self._arrival = arrival
        self._start_ns = start_ns
        self._time_ns = start_ns
        self._stream = stream
        #: Arrivals given out so far: the number of the next.
        self.number = 0

    def next_ns(self) -> int:
        """The instant of the next arrival."""
        mean_ns = _NS_PER_S / self._arrival.rate
        self.number += 1
        if isinstance(self._arrival, PoissonArrival):
            self._time_ns += int(-steady.log(1.0 - self._stream.uniform()) * mean_ns)
        else:
            # From the start, not from the last arrival: rounding does not add up.
            self._time_ns = self._start_ns + int(self.number * mean_ns)
        return self._time_ns
