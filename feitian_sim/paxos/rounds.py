"""Accept rounds under way: batches of consecutive slots, each with the set of members that have accepted it.

Votes are a set, so an answer that arrives twice counts once; and a round's slots become chosen in order only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from feitian_sim.paxos.core import Core


class Round:
    """One batch. ``tickets``: of its proposals, slot by slot; ``record``: number of the leader's own record of it."""

    __slots__ = ("accepted", "first", "last", "record", "resent", "sent_ns", "tickets", "values")

    def __init__(self, first: int, values: tuple[tuple[Any, int], ...], tickets: tuple[Any, ...], record: int) -> None:
        assert len(values) == len(tickets) > 0, "a round without a value"
        self.first = first
        self.last = first + len(values) - 1
        self.values = values
        self.tickets = tickets
        self.record = record
        self.accepted = 0
        self.sent_ns = 0
        #: How often it was sent again.
        self.resent = 0


class Rounds:
    """Those that are not chosen yet, in order of their slots."""

    __slots__ = ("_core", "_open")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._open: deque[Round] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Round]:
        return iter(self._open)

    def begin(self, round_: Round) -> None:
        """A round begins."""
        assert not self._open or round_.first == self._open[-1].last + 1, "rounds leave a hole"
        self._open.append(round_)

    def accepted(self, member: int, first: int, last: int) -> None:
        """A member has accepted the slots ``first`` to ``last``, durably."""
        for one in self._open:
            if first <= one.first and one.last <= last:
                one.accepted |= 1 << member

    def own_durable(self) -> None:
        """Count the leader's own vote for what is durable with it."""
        core = self._core
        for one in self._open:
            if one.record > core.durable:
                break
            one.accepted |= 1 << core.me

    def take_chosen(self) -> Round | None:
        """Remove and return the first round, if a quorum of the members has accepted it."""
        if self._open and self._core.has_quorum(self._open[0].accepted):
            return self._open.popleft()
        return None

    def clear(self) -> list[Round]:
        """Remove and return all."""
        rest = list(self._open)
        self._open.clear()
        return rest
