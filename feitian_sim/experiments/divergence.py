"""Where two journals part: the window by bisection over checkpoints, the event in it, and the first fact that differs.

The chain of a journal differs ever after it differed once, so the first differing checkpoint is found by bisection.
Between it and the one before stand lines of both runs, compared one by one: an event differs when its instant, owner,
handler or arguments do, or when it is the same and emitted other facts. Facts of one instant are compared as the digest
sees them, in no order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import Any

from feitian_sim.kernel import SECOND
from feitian_sim.kernel.event_journal import Checkpoint, EventLine, FactLine

BEFORE_FIRST = -1
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Window:
    """Two runs are the same before event ``first`` and differ before event ``end``."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first event that differs: its number, the last one that is common, and what each run has there.

    A run without such an event ended before it. Where both did the same and emitted other facts, the events are equal
    and ``same_event`` is true.
    """

    number: int
    common: EventLine | None
    first: EventLine | None
    second: EventLine | None

    @property
    def same_event(self) -> bool:
        """Whether it is one event that had another outcome."""
        if self.first is None or self.second is None:
            return self.number == BEFORE_FIRST
        return self.first.compared == self.second.compared

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "number": self.number,
            "same_event": self.same_event,
            "last_common": event_document(self.common),
            "first": event_document(self.first),
            "second": event_document(self.second),
        }


@dataclass(frozen=True, slots=True)
class FactDivergence:
    """The first canonical fact that differs, as either run has it: at the same instant, or what came next there.

    None where a run has nothing in its place: no other fact at that instant, or no more facts.
    """

    first: FactLine | None
    second: FactLine | None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {"first": fact_document(self.first), "second": fact_document(self.second)}


def event_document(event: EventLine | None) -> dict[str, Any] | None:
    """An event for JSON."""
    if event is None:
        return None
    return {"number": event.number, "time_ns": event.time_ns, **event.name._asdict()}


def fact_document(fact: FactLine | None) -> dict[str, Any] | None:
    """A fact for JSON."""
    if fact is None:
        return None
    kind, *values = fact.line.split(_SEPARATOR)
    return {"event": fact.number, "time_ns": fact.time_ns, "kind": kind, "values": values}


def window_of(first: Sequence[Checkpoint], second: Sequence[Checkpoint]) -> Window | None:
    """Between which events two journals part, by their checkpoints; None when they are the same."""
    if first[-1].chain == second[-1].chain and first[-1].number == second[-1].number:
        return None
    chains = {checkpoint.number: checkpoint.chain for checkpoint in second}
    shared = [(checkpoint.number, checkpoint.chain) for checkpoint in first if checkpoint.number in chains]
    parted = bisect_left(shared, True, key=lambda each: chains[each[0]] != each[1])
    before = shared[parted - 1][0] if parted else 0
    if parted < len(shared):
        return Window(before, shared[parted][0])
    # Nothing that both have differs: one of them ended first. Its end, and what the other did next, tell.
    return Window(before, min(first[-1].number, second[-1].number) + 1)


def located(
    window: Window,
    lines: tuple[Iterable[EventLine], Iterable[EventLine]],
    facts: tuple[Iterable[FactLine], Iterable[FactLine]],
) -> Divergence | None:
    """The first event of the window that differs; ``lines`` begin one before it, if there is one. None: nothing does."""
    emitted = tuple(_by_event(each, window) for each in facts)
    if not window.first and emitted[0].get(BEFORE_FIRST) != emitted[1].get(BEFORE_FIRST):
        return Divergence(BEFORE_FIRST, None, None, None)
    common: EventLine | None = None
    for first, second in zip_longest(*lines):
        number = (first or second).number
        if number >= window.end:
            break
        if number >= window.first:
            if first is None or second is None or first.compared != second.compared:
                return Divergence(number, common, first, second)
            if emitted[0].get(number) != emitted[1].get(number):
                return Divergence(number, common, first, second)
        common = first
    return None


def _by_event(facts: Iterable[FactLine], window: Window) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for fact in facts:
        if window.first <= fact.number < window.end or fact.number == BEFORE_FIRST:
            found.setdefault(fact.number, []).append(fact.line)
    return found


def first_fact(first: Iterable[FactLine], second: Iterable[FactLine]) -> FactDivergence | None:
    """The first canonical fact that differs; None when what happened is the same."""
    for one, other in zip_longest(_instants(first), _instants(second)):
        if one is None or other is None:
            return FactDivergence(one[0] if one else None, other[0] if other else None)
        if one[0].time_ns != other[0].time_ns:
            return FactDivergence(one[0], other[0])
        missing, added = _only(one, other), _only(other, one)
        if missing or added:
            return FactDivergence(missing, added)
    return None


def _instants(facts: Iterable[FactLine]) -> Iterator[list[FactLine]]:
    return (list(group) for _, group in groupby(facts, key=attrgetter("time_ns")))


def _only(one: list[FactLine], other: list[FactLine]) -> FactLine | None:
    """The first fact of ``one`` that ``other`` has not, or not as often."""
    left = Counter(fact.line for fact in other)
    for fact in one:
        if not left[fact.line]:
            return fact
        left[fact.line] -= 1
    return None


def event_words(event: EventLine | None) -> str:
    """An event in one line."""
    if event is None:
        return "no event: the run had ended"
    name = event.name
    given = f"({name.detail})" if name.detail else ""
    where = f"  [{name.source}]" if name.source else ""
    return f"event {event.number:,} at {seconds(event.time_ns)}  {name.owner or '-'}  {name.handler}{given}{where}"


def fact_words(fact: FactLine | None) -> str:
    """A fact in one line."""
    if fact is None:
        return "no such fact"
    kind, *values = fact.line.split(_SEPARATOR)
    by = "before the first event" if fact.number == BEFORE_FIRST else f"by event {fact.number:,}"
    return f"{kind}({', '.join(values)}) at {seconds(fact.time_ns)} {by}"


def seconds(time_ns: int) -> str:
    """An instant to the nanosecond: the difference may be one."""
    return f"{time_ns // SECOND}.{time_ns % SECOND:09} s"


def divergence_words(divergence: Divergence, labels: tuple[str, str] = ("A", "B")) -> list[str]:
    """The last common event, and what each run has after it."""
    if divergence.number == BEFORE_FIRST:
        return ["they differ before the first event, in what was set up"]
    common = event_words(divergence.common) if divergence.common else "none: they differ from the first event on"
    lines = [f"last common event  {common}"]
    if divergence.same_event:
        return [*lines, f"then in both       {event_words(divergence.first)}", "                   with other facts"]
    width = max(map(len, labels))
    for label, event in zip(labels, (divergence.first, divergence.second), strict=True):
        lines.append(f"then in {label:<{width}}  {' ' * max(0, 9 - width)}{event_words(event)}")
    return lines
