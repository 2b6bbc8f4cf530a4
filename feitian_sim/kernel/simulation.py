"""The simulation: one clock, one queue, on which ordinary SimPy processes and plain callbacks run together.

:class:`Simulation` is a ``simpy.Environment`` whose time is integer nanoseconds. Models call
:meth:`Simulation.call_later` (a slotted timer, several times cheaper than a process); what waits is written as a
SimPy process. Events at one instant run by (time, priority, insertion), as in SimPy.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import simpy
from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, URGENT, Event, EventPriority

from feitian_sim.kernel.chance import Stream, stream_key
from feitian_sim.kernel.event_journal import EventHash, EventRecorder, Note
from feitian_sim.kernel.event_queue import Entry, EventQueue, key_at
from feitian_sim.kernel.facts import Fact, FactBus
from feitian_sim.kernel.owner import Owner
from feitian_sim.kernel.tie_queue import TieQueue
from feitian_sim.kernel.timer import Timer

#: Runs after everything of its instant that is already queued: for work that is done once per instant.
LATE = 2
#: Events between two looks at the widths of the queue.
_BATCH = 512
_GC_THRESHOLDS = (200_000, 20, 20)
_new = object.__new__


class Simulation(simpy.Environment):
    """The clock, the queue, chance and the fact bus of one run.

    ``seed`` and ``run`` name the random substream (replications advance ``run``, never the seed). With
    ``event_hash`` every event is hashed in order; a ``recorder`` keeps their journal, in which the first difference
    between two runs is found. With ``drawn_ties`` a draw decides between events of one instant, not their insertion.
    With ``common_secrets`` keys and challenges are those of every other such simulation: what follows from them alone is
    then the same for many seeds, and need not be computed again.
    """

    #: The present as the key of an entry of normal priority, from which other keys are the shortest way: -8 * now.
    _base: int

    def __init__(
        self,
        seed: int = 0,
        run: int = 0,
        *,
        event_hash: bool = False,
        recorder: EventRecorder | None = None,
        drawn_ties: bool = False,
        common_secrets: bool = False,
    ) -> None:
        super().__init__(0)
        self.seed = seed
        # Whose secrets they are.
        self._secrets_of = (0, 0) if common_secrets else (seed, run)
        # "run" is SimPy's method; the number of the replication has its own name.
        self.run_number = run
        self.facts = FactBus(lambda: self.now)
        #: Observers that emit sampled, non-canonical facts; the runner calls them at a fixed interval.
        self.probes: list[Callable[[], None]] = []
        #: Observers that look once, when the run is over.
        self.final_probes: list[Callable[[], None]] = []
        #: Events processed so far.
        self.event_count = 0
        self._streams: dict[tuple[str, str, str], Stream] = {}
        self._events = TieQueue(self.stream("kernel.ties")) if drawn_ties else EventQueue()
        self._buckets = self._events.buckets
        # While a dead owner's generators unwind, nothing that they do may reach the queue.
        self._gagged = False
        self._event_hash = EventHash(lambda: self.now) if event_hash else None
        self.recorder = recorder
        if recorder is not None:
            recorder.attach(self)
        self._note = self._noting()

    @property
    def now(self) -> int:
        """The present instant, nanoseconds since the start."""
        return -self._base >> 3

    @property
    def _now(self) -> int:
        return -self._base >> 3

    @_now.setter
    def _now(self, time_ns: int) -> None:
        # SimPy's constructor says when it begins.
        self._base = -(time_ns << 3)

    # --- time -------------------------------------------------------------------------------------

    def call_later(self, delay_ns: int, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback(*args)`` after ``delay_ns`` nanoseconds. What may have to be taken back is a :meth:`timer`.

        Raises ValueError for a negative delay and TypeError for one that is not an integer.
        """
        if type(delay_ns) is not int:
            delay_ns = _integer_ns(delay_ns)
        # Written out as key_at() and push(): this is the busiest place of the kernel, and calls are what it would cost.
        events = self._events
        key = self._base - (delay_ns << 3)
        if key >= events.horizon:
            self._call_soon(delay_ns, (key, callback, args))
            return
        try:
            self._buckets[key >> events.shift].append((key, callback, args))
        except KeyError:
            events.open((key, callback, args))

    def call_with_priority(self, priority: int, delay_ns: int, callback: Callable[..., object], *args: Any) -> None:
        """As :meth:`call_later`, among the others of its instant by ``priority`` (0 to 6; lower first; usually 1)."""
        # As a timer, for an entry with arguments is one of normal priority.
        timer = Timer(callback, args, None)
        self._call_soon(delay_ns, (key_at(self.now + _integer_ns(delay_ns), priority), timer, None))

    def call_at(self, time_ns: int, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback(*args)`` at ``time_ns``. Raises ValueError for a time that has passed."""
        self.call_later(time_ns - self.now, callback, *args)

    def timer(self, delay_ns: int, callback: Callable[..., object], *args: Any, owner: Owner | None = None) -> Timer:
        """As :meth:`call_later`, but what it returns can be cancelled, and is when the owner dies."""
        timer = Timer(callback, args, owner)
        if type(delay_ns) is not int:
            delay_ns = _integer_ns(delay_ns)
        events = self._events
        key = self._base - (delay_ns << 3)
        if key >= events.horizon:
            self._call_soon(delay_ns, (key, timer, None))
            if self._gagged:
                # A timer that will never call must not look as if it would.
                timer.cancel()
            return timer
        try:
            self._buckets[key >> events.shift].append((key, timer, None))
        except KeyError:
            events.open((key, timer, None))
        return timer

    def _call_soon(self, delay_ns: int, entry: Entry) -> None:
        if delay_ns < 0:
            raise ValueError(f"delay_ns must not be negative: {delay_ns}")
        if not self._gagged:
            self._events.push(entry)

    @property
    def gagged(self) -> bool:
        """Whether a dead owner's generators are unwinding: nothing reaches the queue."""
        return self._gagged

    def gag(self, gagged: bool) -> bool:
        """From now on nothing reaches the queue (or does again); returns how it was before."""
        before, self._gagged = self._gagged, gagged
        if gagged != before:
            self._events.gag(gagged)
        return before

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0) -> None:
        """Queue a SimPy event. Delays are integer nanoseconds; raises TypeError for a fraction."""
        if type(delay) is not int:
            delay = _integer_ns(delay)
        events = self._events
        key = self._base + NORMAL - priority - (delay << 3)
        if key >= events.horizon:
            if self._gagged:
                return
            ready = events.ready
            # What happens at once, as most SimPy events do, is the next.
            if not ready or key > ready[-1][0]:
                ready.append((key, event, None))
            else:
                events.push((key, event, None))
            return
        try:
            self._buckets[key >> events.shift].append((key, event, None))
        except KeyError:
            events.open((key, event, None))

    def timeout(self, delay: float = 0, value: Any = None) -> simpy.Timeout:
        """SimPy's own: an event after ``delay`` nanoseconds, made here without three calls of functions."""
        if delay < 0:
            raise ValueError(f"Negative delay {delay}")
        event = _new(simpy.Timeout)
        event.env = self
        event.callbacks = []
        event._value = value
        event._delay = delay
        event._ok = True
        if type(delay) is not int:
            delay = _integer_ns(delay)
        events = self._events
        key = self._base - (delay << 3)
        if key >= events.horizon:
            if not self._gagged:
                events.push((key, event, None))
            return event
        try:
            self._buckets[key >> events.shift].append((key, event, None))
        except KeyError:
            events.open((key, event, None))
        return event

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
            with less_collection():
                self._process(-1)
        except StopSimulation as stop:
            return stop.args[0]
        if until is not None:
            raise RuntimeError(f"no event is left, and {until} was not triggered")
        return None

    def _end_at(self, time_ns: int) -> Event:
        if time_ns <= self.now:
            raise ValueError(f"until ({time_ns}) must be later than the present instant ({self.now})")
        end = Event(self)
        end._ok = True
        end._value = None
        self.schedule(end, URGENT, time_ns - self.now)
        return end

    def _process(self, most: int) -> None:
        """Process ``most`` events (all when negative)."""
        events = self._events
        pop, refill, note = events.ready.pop, events.refill, self._note
        while most:
            batch = _BATCH if most < 0 else min(most, _BATCH)
            taken = skipped = 0
            try:
                for taken in range(1, batch + 1):  # noqa: B007  (read in the finally block)
                    try:
                        key, callback, args = pop()
                    except IndexError:
                        if not refill():
                            skipped += 1
                            return
                        key, callback, args = pop()
                    if args is not None:
                        self._base = key
                        if note is not None:
                            note(callback, args)
                        if args:
                            callback(*args)
                        else:
                            callback()
                        continue
                    if callback.__class__ is Timer:
                        if not callback.active:
                            skipped += 1
                            continue
                        self._base = key + 5 & -8
                        if note is not None:
                            note(callback, None)
                        callback.call()
                        continue
                    # Without the priority, which is between -5 and 2 in a key.
                    self._base = key + 5 & -8
                    if note is not None:
                        note(callback, None)
                    callbacks = callback.callbacks
                    callback.callbacks = None
                    for waiting in callbacks:
                        waiting(callback)
                    if not callback._ok and not hasattr(callback, "_defused"):
                        _raise_unheard(callback)
            except StopSimulation:
                if args is None:
                    self._leave_over(callback, callbacks, waiting)
                raise
            finally:
                self.event_count += taken - skipped
            if most > 0:
                # A cancelled timer was no event.
                most -= taken - skipped
            events.relax(taken, skipped)

    def _leave_over(self, event: Event, callbacks: list[Any], stopper: Any) -> None:
        """A stop came amid the event's callbacks: those that are left come first when the run goes on."""
        event.callbacks = callbacks[callbacks.index(stopper) + 1 :]
        self.schedule(event, EventPriority(-1))

    def run_until(self, time_ns: int) -> None:
        """Run to ``time_ns`` and set the clock there, also when nothing is left to do."""
        if time_ns > self.now:
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

    def random_bytes(self, name: str, entity: str = "", purpose: str = "") -> bytes:
        """16 bytes that belong to this identity, without a stream: for keys and challenges."""
        return _secret(*self._secrets_of, name, entity, purpose)

    def owner(self, name: str) -> Owner:
        """A new owner: what it schedules and starts dies with it."""
        return Owner(self, name)

    def emit(self, item: Fact) -> None:
        """Publish a fact at the present instant."""
        self.facts.emit_at(-self._base >> 3, item)

    # --- hashes -----------------------------------------------------------------------------------

    def event_digest(self) -> str:
        """Hex digest over every event in order; empty when the simulation was made without ``event_hash``."""
        return "" if self._event_hash is None else self._event_hash.digest()

    def _noting(self) -> Note | None:
        """What is called for each event; None when nobody wants to know, which then costs nothing."""
        notes = [observer.note for observer in (self._event_hash, self.recorder) if observer is not None]
        if len(notes) < 2:
            return notes[0] if notes else None

        def both(what: Any, args: tuple[Any, ...] | None) -> None:
            for note in notes:
                note(what, args)

        return both


@lru_cache(1 << 14)
def _secret(seed: int, run: int, name: str, entity: str, purpose: str) -> bytes:
    return stream_key(seed, run, name, entity, purpose).to_bytes(16, "big")


@contextmanager
def less_collection() -> Iterator[None]:
    """Let Python look for cycles less often: hardly anything that a run makes is part of one."""
    thresholds = gc.get_threshold()
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


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
