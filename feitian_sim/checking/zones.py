"""A register whose written values are all different: judged in n log n, by zones.

If each value is written once, each read names its write, and the operations of a value must stand together in any order
that explains them. Gibbons and Korach ("Testing shared memories", SIAM Journal on Computing 1997) showed what this
asks of time. The zone of a value lies between the first return and the last call among its operations. It is *forward* if
that return comes before that call: then the register held the value throughout. Otherwise it is *backward*, and the
value may have been there for a moment anywhere in it. The history is linearizable if and only if no value is read
before its write is called, no two forward zones overlap and no forward zone contains a backward one.

A search of all orders may take millions of steps to say so where writes tell no versions and nothing fits.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from feitian_sim.checking.history import Operation

_NEVER = 1 << 62
_Event = tuple[int, int, Operation]


class Span(NamedTuple):
    """An operation of a register between the ranks of its call and its return in time."""

    operation: Operation
    called: int
    returned: int
    value: Hashable

    @property
    def writes(self) -> bool:
        """Whether it is a write; else it is a read."""
        return self.operation.op == "write"


def spans_of(operations: Iterable[Operation], initial: Hashable) -> list[Span] | None:
    """The reads and writes of a register, or None if the rule does not apply.

    It does not where there are other operations than "get" and "write", where two writes have the same value
    or the initial one, and where two clients meet in a nanosecond in which one of them returns and calls again.
    """
    taking = [operation for operation in operations if operation.outcome != "fail"]
    if any(operation.op not in ("get", "write") for operation in taking):
        return None
    written = [operation.argument for operation in taking if operation.op == "write"]
    if len({*written, initial}) <= len(written):
        return None
    ranks = _ranks(taking)
    if ranks is None:
        return None
    called, returned = ranks
    return [
        Span(
            operation,
            called[operation],
            returned.get(operation, _NEVER),
            operation.argument if operation.op == "write" else operation.result,
        )
        for operation in taking
        if operation.op == "write" or operation.outcome == "ok"
    ]


def _ranks(operations: Iterable[Operation]) -> tuple[dict[Operation, int], dict[Operation, int]] | None:
    events: list[_Event] = [(operation.called_ns, 0, operation) for operation in operations]
    events += [(operation.returned_ns, 1, operation) for operation in operations if operation.returned_ns is not None]
    events.sort(key=lambda event: (event[0], event[1], event[2].number))
    ranks: tuple[dict[Operation, int], dict[Operation, int]] = ({}, {})
    for _, instant in groupby(events, key=lambda event: event[0]):
        meeting = list(instant)
        clients = dict.fromkeys(operation.client for _, _, operation in meeting)
        if len(clients) == 1:
            # A client's own operations are in order, whatever the instant.
            meeting.sort(key=lambda event: (event[2].number, event[1]))
        elif any(_follow(one, other) for one in meeting for other in meeting):
            return None
        for _, kind, operation in meeting:
            ranks[kind][operation] = len(ranks[0]) + len(ranks[1])
    return ranks


def _follow(one: _Event, other: _Event) -> bool:
    """Whether at one instant a client's operation returns and its next one is called."""
    ends, begins = one[1] == 1, other[1] == 0
    return ends and begins and one[2].client == other[2].client and one[2].number < other[2].number


def first_failure(spans: Sequence[Span], initial: Hashable) -> Operation | None:
    """The operation with whose return the history ceases to be linearizable; None if it never does."""
    if _explained(spans, initial, _NEVER):
        return None
    # Each beginning of a linearizable history is one: the first bad one can be found by halving.
    ends = sorted((span for span in spans if span.returned < _NEVER), key=lambda span: span.returned)
    good, bad = -1, len(ends) - 1
    while bad - good > 1:
        middle = (good + bad) // 2
        if _explained(spans, initial, ends[middle].returned):
            good = middle
        else:
            bad = middle
    return ends[bad].operation


def _explained(spans: Sequence[Span], initial: Hashable, until: int) -> bool:
    """Whether what had happened up to this rank is linearizable; what had not returned by then is unknown."""
    #: By value: the call of its write and its return. The initial value was written before all.
    written: dict[Hashable, tuple[int, int]] = {initial: (-2, -1)}
    for span in spans:
        if span.writes and span.called <= until:
            written[span.value] = (span.called, span.returned if span.returned <= until else _NEVER)
    zones = {value: (returned, called) for value, (called, returned) in written.items()}
    for span in spans:
        if not span.writes and span.returned <= until:
            zone = zones.get(span.value)
            if zone is None or span.returned < written[span.value][0]:
                return False
            zones[span.value] = min(zone[0], span.returned), max(zone[1], span.called)
    # A write of unknown outcome that nobody has read need not have happened; its zone ends never, so it is in no other.
    forward = sorted(zone for zone in zones.values() if zone[0] < zone[1])
    if any(later[0] < earlier[1] for earlier, later in pairwise(forward)):
        return False
    return not _contained(forward, sorted((call, end) for end, call in zones.values() if call < end))


def _contained(forward: list[tuple[int, int]], backward: list[tuple[int, int]]) -> bool:
    """Whether a forward zone contains a backward one. Both sorted, the forward ones apart from each other."""
    place = 0
    for start, end in backward:
        while place < len(forward) and forward[place][1] < start:
            place += 1
        if place < len(forward) and forward[place][0] < start and end < forward[place][1]:
            return True
    return False
