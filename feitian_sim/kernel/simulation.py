"""The simulation: one clock, one queue, on which ordinary SimPy processes and plain callbacks run together.

:class:`Simulation` is a ``simpy.Environment`` whose time is integer nanoseconds. Models call
:meth:`Simulation.call_later` (a slotted timer, several times cheaper than a process); what waits is written as a
SimPy process. Events at one instant run by (time, priority, insertion), as in SimPy.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from typing import Any

import simpy
from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, Event, EventPriority

from feitian_sim.kernel.chance import Stream, stream_key
from feitian_sim.kernel.facts import Fact, FactBus
from feitian_sim.kernel.owner import Owner
from feitian_sim.kernel.timer import Timer

#: Runs after everything of its instant that is already queued: for work that is done once per instant.
LATE = 2
_COMPACT_AT_LEAST = 4096
_HASH_BATCH = 2048


class Simulation(simpy.Environment):
    """The clock, the queue, chance and the fact bus of one run.

    ``seed`` and ``run`` name the random substream (replications advance ``run``, never the seed). With
    ``event_hash`` every event is hashed in order, for finding the first difference between two runs.
    """

    _now: int

    def __init__(self, seed: int = 0, run: int = 0, *, event_hash: bool = False) -> None:
        super().__init__(0)
        self.seed = seed
        # "run" is SimPy's method; the number of the replication has its own name.
        self.run_number = run
        self.facts = FactBus(lambda: self._now)
        #: Observers that emit sampled, non-canonical facts; the runner calls them at a fixed interval.
        self.probes: list[Callable[[], None]] = []
        #: Observers that look once, when the run is over.
        self.final_probes: list[Callable[[], None]] = []
        #: Events processed so far.
        self.event_count = 0
        self._streams: dict[tuple[str, str, str], Stream] = {}
        self._cancelled = 0
        # While a dead owner's generators unwind, nothing that they do may reach the queue.
        self._gagged = False
        self._event_hash = blake2b(digest_size=16) if event_hash else None
        self._event_lines: list[str] = []

    @property
    def now(self) -> int:
        """The present instant, nanoseconds since the start."""
        return self._now

    # --- time -------------------------------------------------------------------------------------

    def call_later(self, delay_ns: int, callback: Callable[..., object], *args: Any, priority: int = NORMAL) -> Timer:
        """Call ``callback(*args)`` after ``delay_ns`` nanoseconds; returns a handle that can be cancelled.

        Raises ValueError for a negative delay and TypeError for one that is not an integer.
        """
        if delay_ns.__class__ is not int:
            delay_ns = _integer_ns(delay_ns)
        if delay_ns < 0:
            raise ValueError(f"delay_ns must not be negative: {delay_ns}")
        if self._gagged:
            # A timer that will never call must not look as if it would.
            return Timer(0, None, ())
        timer = Timer(self._now + delay_ns, callback, args)
        timer.on_cancel = self._note_cancelled
        heappush(self._queue, (timer.time_ns, priority, next(self._eid), timer))  # type: ignore[misc]
        return timer

    def call_at(self, time_ns: int, callback: Callable[..., object], *args: Any) -> Timer:
        """Call ``callback(*args)`` at ``time_ns``. Raises ValueError for a time that has passed."""
        return self.call_later(time_ns - self._now, callback, *args)

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0) -> None:
        """Queue a SimPy event. Delays are integer nanoseconds; raises TypeError for a fraction."""
        if self._gagged:
            return
        if delay.__class__ is not int:
            delay = _integer_ns(delay)
        heappush(self._queue, (self._now + delay, priority, next(self._eid), event))

    def step(self) -> None:
        """Process the next event. Raises ``simpy.core.EmptySchedule`` when there is none."""
        try:
            time_ns, priority, number, event = heappop(self._queue)
        except IndexError:
            raise EmptySchedule from None
        if isinstance(event, Timer):
            self._fire(event)
            return
        # SimPy's own step does the rest; it takes the event from the queue itself.
        if self._event_hash is not None:
            self._note_event(time_ns, _event_name(event))  # type: ignore[arg-type]
        self.event_count += 1
        heappush(self._queue, (time_ns, priority, number, event))
        super().step()

    def _fire(self, timer: Timer) -> None:
        callback, time_ns = timer.callback, timer.time_ns
        if callback is None:
            self._cancelled -= 1
            return
        self._now = time_ns
        timer.callback = None
        self.event_count += 1
        if self._event_hash is not None:
            self._note_event(time_ns, getattr(callback, "__qualname__", type(callback).__name__))
        try:
            callback(*timer.args)
        except StopSimulation:
            raise
        finally:
            timer.args = ()

    def run_until(self, time_ns: int) -> None:
        """Run to ``time_ns`` and set the clock there, also when nothing is left to do."""
        if time_ns > self._now:
            super().run(until=time_ns)

    def _note_cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled >= _COMPACT_AT_LEAST and self._cancelled * 2 > len(self._queue):
            self._queue[:] = [
                entry for entry in self._queue if not isinstance(entry[3], Timer) or entry[3].callback is not None
            ]
            heapify(self._queue)
            self._cancelled = 0

    # --- chance, owners, facts --------------------------------------------------------------------

    def stream(self, name: str, entity: str = "", purpose: str = "") -> Stream:
        """The stream of draws with this identity; asking again gives the same object."""
        key = (name, entity, purpose)
        stream = self._streams.get(key)
        if stream is None:
            stream = Stream(stream_key(self.seed, self.run_number, name, entity, purpose))
            self._streams[key] = stream
        return stream

    def owner(self, name: str) -> Owner:
        """A new owner: what it schedules and starts dies with it."""
        return Owner(self, name)

    def emit(self, item: Fact) -> None:
        """Publish a fact at the present instant."""
        self.facts.emit(item)

    # --- hashes -----------------------------------------------------------------------------------

    def event_digest(self) -> str:
        """Hex digest over every event in order; empty when the simulation was made without ``event_hash``."""
        if self._event_hash is None:
            return ""
        self._flush_events()
        return self._event_hash.hexdigest()

    def _note_event(self, time_ns: int, handler: str) -> None:
        self._event_lines.append(f"{time_ns} {handler}")
        if len(self._event_lines) >= _HASH_BATCH:
            self._flush_events()

    def _flush_events(self) -> None:
        if self._event_lines and self._event_hash is not None:
            self._event_hash.update(("\n".join(self._event_lines) + "\n").encode())
            self._event_lines.clear()


def _integer_ns(value: Any) -> int:
    whole = int(value)
    if whole != value:
        raise TypeError(
            f"simulated time is integer nanoseconds, not {value!r}: write round(seconds * 10**9), "
            "or use the units of feitian_sim.kernel.units"
        )
    return whole


def _event_name(event: Event) -> str:
    for callback in event.callbacks or ():
        process = getattr(callback, "__self__", None)
        if isinstance(process, simpy.Process):
            return f"{type(event).__name__}->{process.name}"
    return type(event).__name__
