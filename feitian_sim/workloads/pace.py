"""Open and closed loads of operations that are callbacks: when the next one begins.

A closed load has workers, each of which begins an operation when its last one has ended and it has thought; an open load
begins one at each arrival, and drops those beyond what may be in flight.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.kernel import SECOND, DurationDistribution, Simulation
from feitian_sim.workloads.arrival import Arrivals
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import OperationDropped
from feitian_sim.workloads.paced_config import Arrival, PacedLoad

Ended = Callable[[bool], None]
#: Begins one operation of a worker (or arrival number) and calls back with whether it succeeded.
Begin = Callable[[int, Ended], object]
#: A worker whose operation failed at the very instant waits so long, lest refusals stop the clock.
_BREATH_NS = SECOND


class Pace:
    """The pace of one load; ``workers`` is None for an open one, and begin evenly over ``ramp_ns``."""

    def __init__(
        self,
        context: LoadContext,
        name: str,
        begin: Begin,
        *,
        workers: int | None,
        arrival: Arrival | None,
        think: DurationDistribution | None = None,
        ramp_ns: int = 0,
        stop_ns: int | None = None,
        limit: int | None = None,
        max_in_flight: int = 10_000,
    ) -> None:
        self._context = context
        self._sim: Simulation = context.sim
        self._name = name
        self._begin = begin
        self._workers = workers
        self._arrival = arrival
        self._think = think
        self._ramp_ns = ramp_ns
        self._stop_ns = stop_ns
        self._limit = limit
        self._max_in_flight = max_in_flight
        self.begun = 0
        self.succeeded = 0
        self.failed = 0
        self.dropped = 0

    @classmethod
    def of(cls, context: LoadContext, name: str, begin: Begin, config: PacedLoad) -> Pace:
        """The pace that a load's own lines ask for."""
        return cls(
            context,
            name,
            begin,
            workers=config.client_count(len(context.datacenter.machines)),
            arrival=config.arrival,
            think=config.think,
            ramp_ns=config.ramp,
            stop_ns=config.stop,
            limit=config.limit,
            max_in_flight=config.max_in_flight,
        )

    @property
    def in_flight(self) -> int:
        """Operations that have begun and not ended."""
        return self.begun - self.succeeded - self.failed

    def start(self) -> None:
        """Begin now."""
        if self._workers is None:
            assert self._arrival is not None, "a load is open or closed"
            self._arrivals = Arrivals(
                self._arrival, self._sim.now, self._context.stream(self._name, "arrivals", "arrival")
            )
            self._schedule_arrival()
            return
        thinking = self._think is not None
        self._pauses = [
            self._context.stream(self._name, f"client-{number}", "think")
            for number in range(self._workers if thinking else 0)
        ]
        for worker in range(self._workers):
            after_ns = self._ramp_ns * worker // self._workers
            if after_ns:
                self._sim.call_later(after_ns, self._next, worker)
            else:
                self._next(worker)

    def check(self) -> list[str]:
        """What does not add up."""
        if self.in_flight >= 0:
            return []
        return [f"load {self._name}: {self.begun} begun, {self.succeeded} succeeded and {self.failed} failed"]

    def _may_begin(self) -> bool:
        in_time = self._stop_ns is None or self._sim.now < self._stop_ns
        return in_time and (self._limit is None or self.begun < self._limit)

    def _next(self, worker: int) -> None:
        if not self._may_begin():
            return
        self.begun += 1
        began_ns = self._sim.now

        def ended(ok: bool) -> None:
            if ok:
                self.succeeded += 1
            else:
                self.failed += 1
            pause_ns = self._think.sample(self._pauses[worker]) if self._think is not None else 0
            if not ok and self._sim.now == began_ns:
                pause_ns = max(pause_ns, _BREATH_NS)
            if pause_ns:
                self._sim.call_later(pause_ns, self._next, worker)
            else:
                self._next(worker)

        self._begin(worker, ended)

    def _schedule_arrival(self) -> None:
        if self._limit is not None and self._arrivals.number >= self._limit:
            return
        number, time_ns = self._arrivals.number, self._arrivals.next_ns()
        if self._stop_ns is None or time_ns < self._stop_ns:
            self._sim.call_at(time_ns, self._arrive, number)

    def _arrive(self, number: int) -> None:
        if self.in_flight >= self._max_in_flight:
            self.dropped += 1
            self._sim.emit(OperationDropped(self._name, number, "call", f"{self.in_flight} were in flight"))
        else:
            self.begun += 1
            self._begin(number, self._ended)
        self._schedule_arrival()

    def _ended(self, ok: bool) -> None:
        if ok:
            self.succeeded += 1
        else:
            self.failed += 1
