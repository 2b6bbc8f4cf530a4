"""The simulation: one clock, one queue, on which ordinary SimPy processes and plain callbacks run together.

:class:`Simulation` is a ``simpy.Environment`` whose time is integer nanoseconds. Models call
:meth:`Simulation.call_later` (a slotted timer, several times cheaper than a process); what waits is written as a
SimPy process. Events at one instant run by (time, priority, insertion), as in SimPy.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import simpy
from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, URGENT, Event, EventPriority

from feitian_sim.kernel.chance import Stream, stream_key
from feitian_sim.kernel.event_queue import EventQueue
from feitian_sim.kernel.facts import Fact, FactBus
from feitian_sim.kernel.owner import Owner
from feitian_sim.kernel.timer import Timer

#: Runs after everything of its instant that is already queued: for work that is done once per instant.
LATE = 2
_HASH_BATCH = 2048
#: Events between two looks at the widths of the queue.
_BATCH = 512
_new = object.__new__


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
        self._events = EventQueue()
        # Counts down, so that of two entries of one instant the older one is the larger.
        self._numbered = 0
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
            return Timer.dead()
        time_ns = self._now + delay_ns
        events = self._events
        # Written out, here and below: this is the busiest place of the kernel, and calls are what it would cost.
        timer = _new(Timer)
        timer.callback = callback
        timer.args = args
        timer.queue = events
        timer.time_ns = time_ns
        self._numbered = number = self._numbered - 1
        entry = (-time_ns, -priority, number, timer)
        if time_ns < events.horizon_ns:
            insort(events.ready, entry)
            return timer
        bucket = events.buckets.get(time_ns >> events.shift)
        if bucket is None:
            events.open(time_ns, entry)
        else:
            bucket.append(entry)
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
        time_ns = self._now + delay
        self._numbered -= 1
        events = self._events
        entry = (-time_ns, -priority, self._numbered, event)
        if time_ns < events.horizon_ns:
            insort(events.ready, entry)
        else:
            events.push(time_ns, entry)

    def peek(self) -> float:
        """When the next event is due; infinity when there is none."""
        next_ns = self._events.next_ns()
        return float("inf") if next_ns is None else next_ns

    def step(self) -> None:
        """Process the next event. Raises ``simpy.core.EmptySchedule`` when there is none."""
        if self._events.next_ns() is None:
            raise EmptySchedule
        self._process(1)

    def run(self, until: Any = None) -> Any:
        """Process events until none is left, a time is reached, or an event is processed (its value is returned).

        As SimPy's own, without a method call for each event. Raises ValueError for a time that has passed.
        """
        if until is not None:
            if not isinstance(until, Event):
                until = self._end_at(_integer_ns(until))
            elif until.callbacks is None:
                return until.value
            until.callbacks.append(StopSimulation.callback)
        try:
            self._process(-1)
        except StopSimulation as stop:
            return stop.args[0]
        if until is not None:
            raise RuntimeError(f"no event is left, and {until} was not triggered")
        return None

    def _end_at(self, time_ns: int) -> Event:
        if time_ns <= self._now:
            raise ValueError(f"until ({time_ns}) must be later than the present instant ({self._now})")
        end = Event(self)
        end._ok = True
        end._value = None
        self.schedule(end, URGENT, time_ns - self._now)
        return end

    def _process(self, most: int) -> None:
        """Process ``most`` events (all when negative)."""
        events = self._events
        ready, refill, hashed = events.ready, events.refill, self._event_hash is not None
        while most:
            batch = _BATCH if most < 0 else min(most, _BATCH)
            taken = skipped = 0
            try:
                for taken in range(1, batch + 1):  # noqa: B007  (read in the finally block)
                    if not ready and not refill():
                        skipped += 1
                        return
                    key, _, _, item = ready.pop()
                    if item.__class__ is Timer:
                        callback = item.callback
                        if callback is None:
                            events.drop_cancelled()
                            skipped += 1
                            continue
                        self._now = -key
                        if hashed:
                            self._note_event(-key, getattr(callback, "__qualname__", type(callback).__name__))
                        args = item.args
                        item.callback = None
                        item.args = ()
                        callback(*args)
                        continue
                    self._now = -key
                    if hashed:
                        self._note_event(-key, _event_name(item))
                    callbacks = item.callbacks
                    item.callbacks = None
                    called = 0
                    try:
                        for waiting in callbacks:
                            called += 1
                            waiting(item)
                    except StopSimulation:
                        # Whoever is yet to hear of the event hears of it first when the run goes on.
                        item.callbacks = callbacks[called:]
                        self.schedule(item, EventPriority(-1))
                        raise
                    if not item._ok and not hasattr(item, "_defused"):
                        _raise_unheard(item)
            finally:
                self.event_count += taken - skipped
            if most > 0:
                # A cancelled timer was no event.
                most -= taken - skipped
            events.relax()

    def run_until(self, time_ns: int) -> None:
        """Run to ``time_ns`` and set the clock there, also when nothing is left to do."""
        if time_ns > self._now:
            self.run(until=time_ns)

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


def _raise_unheard(event: Event) -> None:
    """An event failed and nobody dealt with it: raise its failure anew, as SimPy does."""
    failure: Any = event._value
    again = type(failure)(*failure.args)
    again.__cause__ = failure
    raise again


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
