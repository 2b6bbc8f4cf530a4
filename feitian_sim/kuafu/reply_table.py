"""The reply table of a process: a request that comes again is not done again, but answered again (at most once).

A caller numbers the calls that must not run twice (:class:`Once`). The process that serves them keeps what it answered
until the call's deadline has passed, after which no retry can come. The table does not survive the process: a retry says
which incarnation it was first sent to, and one of another incarnation, which cannot know whether the call ran, says
just that. (Birrell and Nelson, "Implementing remote procedure calls", TOCS 1984.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from feitian_sim.kuafu.calls import CallError, IncomingCall


class Once(NamedTuple):
    """What makes two requests the same: the caller's name, which no other process ever has, and its number.

    ``again``: whether it was sent before; ``incarnation``: of the server as far as the caller knew it then, else 0.
    """

    caller: str
    number: int
    until_ns: int
    again: bool
    incarnation: int


class Entry:
    """A call that runs, or its end; ``waiting``: the same call, come again meanwhile."""

    __slots__ = ("end", "waiting")

    def __init__(self) -> None:
        self.end: tuple[Any, CallError | None] | None = None
        self.waiting: list[IncomingCall] = []


class ReplyTable:
    """The table of one incarnation of a process. ``answer(call, message, error)`` ends a call."""

    def __init__(self, incarnation: int, answer: Callable[[IncomingCall, Any, CallError | None], object]) -> None:
        self._incarnation = incarnation
        self._answer = answer
        self._entries: dict[tuple[str, int], Entry] = {}
        self._ends: deque[tuple[int, tuple[str, int]]] = deque()
        #: Calls that were answered from the table.
        self.repeated = 0

    def __len__(self) -> int:
        return len(self._entries)

    def admit(self, call: IncomingCall, once: Once, now_ns: int) -> bool:
        """Whether the call is to be done; if not, it is or will be answered from here."""
        self._forget(now_ns)
        key = (once.caller, once.number)
        entry = self._entries.get(key)
        if entry is None:
            if once.again and once.incarnation != self._incarnation:
                text = "another incarnation was asked first, and may have done it"
                self._answer(call, None, CallError("uncertain", call.server.address, text))
                return False
            self._entries[key] = Entry()
            self._ends.append((once.until_ns, key))
            return True
        self.repeated += 1
        if entry.end is None:
            entry.waiting.append(call)
        else:
            self._answer(call, *entry.end)
        return False

    def ended(self, once: Once, message: Any, error: CallError | None) -> None:
        """A call has been done: its other copies get the same answer."""
        entry = self._entries.get((once.caller, once.number))
        if entry is None or entry.end is not None:
            return
        entry.end = (message, error)
        waiting, entry.waiting = entry.waiting, []
        for call in waiting:
            self._answer(call, message, error)

    def _forget(self, now_ns: int) -> None:
        # In order of arrival, not of deadline: one that ends later keeps those behind it a little longer.
        while self._ends and self._ends[0][0] < now_ns:
            _, key = self._ends.popleft()
            del self._entries[key]
