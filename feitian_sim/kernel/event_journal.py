"""The journal of events: what a run did, in order, so that the first difference between two runs can be found.

:class:`EventHash` hashes every event, no more. :class:`EventRecorder` names each event and chains the names, and the
canonical facts that the event emitted, in one hash, of which it keeps a checkpoint every so many events: since the
hash is chained, two journals that differ once differ ever after, and the first checkpoint that differs is found by
bisection. In a window of event numbers it keeps the whole lines. Events are numbered from 0 in order; what is emitted
before the first belongs to number -1. A line's place in the source is kept and not compared: a line that is
added at the head of a file moves all below it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import compress, decompress

import simpy
from simpy.events import Event

from feitian_sim.kernel.event_names import EventName, event_name
from feitian_sim.kernel.facts import Fact, fact_line
from feitian_sim.kernel.timer import Timer

if TYPE_CHECKING:
    from feitian_sim.kernel.simulation import Simulation

#: Called for each event before it is handled, with its entry in the queue.
Note = Callable[[Any, tuple[Any, ...] | None], None]
CHECKPOINT_EVERY = 4096
_HASH_BATCH = 2048
_BETWEEN = "\x1e"


class Checkpoint(NamedTuple):
    """The chain after ``number`` events, and the instant of the last of them."""

    number: int
    time_ns: int
    chain: str


class EventLine(NamedTuple):
    """One event."""

    number: int
    time_ns: int
    name: EventName

    @property
    def compared(self) -> tuple[int, str, str, str]:
        """What must be the same in both runs."""
        return (self.time_ns, self.name.owner, self.name.handler, self.name.detail)


class FactLine(NamedTuple):
    """One canonical fact, with the event that emitted it."""

    number: int
    time_ns: int
    line: str


class EventHash:
    """A digest over every event in order."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._hash = blake2b(digest_size=16)
        self._lines: list[str] = []

    def note(self, what: Any, args: tuple[Any, ...] | None) -> None:
        """Take in an event."""
        handler = what.callback if what.__class__ is Timer else what
        self._lines.append(f"{self._now()} {_handler_name(handler)}")
        if len(self._lines) >= _HASH_BATCH:
            self._flush()

    def digest(self) -> str:
        """Hex digest of the events so far."""
        self._flush()
        return self._hash.hexdigest()

    def _flush(self) -> None:
        if self._lines:
            self._hash.update(("\n".join(self._lines) + "\n").encode())
            self._lines.clear()


class EventRecorder:
    """Keeps the journal of one simulation, to which it is given when that is made.

    ``first`` and ``end`` bound the numbers of the events whose lines are kept; without ``end``, to the last.
    """

    def __init__(self, every: int = CHECKPOINT_EVERY, first: int = 0, end: int | None = 0) -> None:
        assert every > 0
        self.every = every
        self.first = first
        self.end = end
        self.checkpoints: list[Checkpoint] = []
        #: Every canonical fact, in the order in which they were emitted.
        self.facts: list[FactLine] = []
        #: Events so far.
        self.count = 0
        self._until = 1 << 62 if end is None else end
        self._hash = blake2b(digest_size=16)
        self._chained: list[str] = []
        self._times = array("q")
        self._numbers_of_names = array("q")
        # Names without their details: there are few. Details are nearly all different, and are packed by the block.
        self._names: dict[tuple[str, str, str], int] = {}
        self._details: list[str] = []
        self._packed: list[bytes] = []
        self._now: Callable[[], int] = lambda: 0

    def attach(self, sim: Simulation) -> None:
        """Listen to ``sim``."""
        self._now = lambda: sim.now
        sim.facts.subscribe("*", self._take)

    def note(self, what: Any, args: tuple[Any, ...] | None) -> None:
        """Take in an event that is about to be handled."""
        number, now_ns = self.count, self._now()
        if number and not number % self.every:
            self._check()
        name = event_name(what, args)
        self._chained.append(f"{now_ns} {name.owner} {name.handler} {name.detail}")
        self.count = number + 1
        if self.first <= number < self._until:
            self._times.append(now_ns)
            few = (name.owner, name.handler, name.source)
            self._numbers_of_names.append(self._names.setdefault(few, len(self._names)))
            self._details.append(name.detail)
            if len(self._details) >= _HASH_BATCH:
                self._pack()

    def finish(self) -> None:
        """Put the last checkpoint, which closes the journal; more than once is harmless."""
        if not self.checkpoints or self._chained or self.checkpoints[-1].number != self.count:
            self._check()

    @property
    def digest(self) -> str:
        """The chain over everything so far."""
        self.finish()
        return self.checkpoints[-1].chain

    @property
    def names(self) -> list[tuple[str, str, str]]:
        """Every (owner, handler, source) in the window, by its number."""
        return list(self._names)

    def columns(self) -> tuple[array[int], array[int]]:
        """Times and numbers of names of the events in the window, in order."""
        return self._times, self._numbers_of_names

    def details(self) -> Iterator[str]:
        """The details of the events in the window, in order."""
        for block in self._packed:
            yield from decompress(block).decode().split(_BETWEEN)
        yield from self._details

    def lines(self) -> Iterator[EventLine]:
        """The events in the window."""
        names = self.names
        rows = zip(self._times, self._numbers_of_names, self.details(), strict=True)
        for place, (time_ns, which, detail) in enumerate(rows):
            owner, handler, source = names[which]
            yield EventLine(self.first + place, time_ns, EventName(owner, handler, detail, source))

    def _pack(self) -> None:
        self._packed.append(compress(_BETWEEN.join(self._details).encode(), 1))
        self._details.clear()

    def _take(self, time_ns: int, item: Fact) -> None:
        if item.canonical:
            line = fact_line(item)
            self.facts.append(FactLine(self.count - 1, time_ns, line))
            self._chained.append(line)

    def _check(self) -> None:
        self._hash.update(("\n".join(self._chained) + "\n").encode())
        self._chained.clear()
        if self.checkpoints and self.checkpoints[-1].number == self.count:
            self.checkpoints.pop()
        self.checkpoints.append(Checkpoint(self.count, self._now(), self._hash.hexdigest()))


def _handler_name(handler: Any) -> str:
    if not isinstance(handler, Event):
        return getattr(handler, "__qualname__", type(handler).__name__)
    for callback in handler.callbacks or ():
        process = getattr(callback, "__self__", None)
        if isinstance(process, simpy.Process):
            return f"{type(handler).__name__}->{process.name}"
    return type(handler).__name__
