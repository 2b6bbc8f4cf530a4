"""Reads that must see everything acknowledged before them: at once under the lease, else after a round.

A round that began after the read, and that a quorum has answered, shows that nobody else led when the read was asked
(Ongaro's thesis, 2014, sec. 6.4). Reads that come while a round is under way share the next one.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from feitian_sim.paxos.core import Core
from feitian_sim.paxos.effects import Ready
from feitian_sim.paxos.lease import LeaderLease


class Reads:
    """The reads of one leadership that wait."""

    __slots__ = ("_asked_ns", "_core", "_lease", "_waiting")

    def __init__(self, core: Core, lease: LeaderLease) -> None:
        self._core = core
        self._lease = lease
        # (when it was asked, its ticket), in order.
        self._waiting: deque[tuple[int, Any]] = deque()
        # When the last round began.
        self._asked_ns = -(1 << 62)

    def __len__(self) -> int:
        return len(self._waiting)

    def asked(self, now_ns: int) -> None:
        """A round begins."""
        self._asked_ns = now_ns

    def add(self, ticket: Any, now_ns: int, *, established: bool) -> bool:
        """Answer a read now, if the lease allows; else keep it, and say whether a round must begin for it."""
        if established and now_ns < self._lease.until_ns(self._core.members, now_ns):
            self._core.out.append(Ready(ticket))
            return False
        self._waiting.append((now_ns, ticket))
        return len(self._waiting) == 1

    def release(self, now_ns: int) -> bool:
        """Answer those whose round a quorum has answered; whether a round must begin for those that are left."""
        waiting = self._waiting
        if not waiting:
            return False
        heard_ns = self._lease.quorum_sent_ns(self._core.members, now_ns)
        while waiting and waiting[0][0] <= heard_ns:
            self._core.out.append(Ready(waiting.popleft()[1]))
        return bool(waiting) and self._asked_ns < waiting[0][0]

    def clear(self) -> list[Any]:
        """Remove and return all."""
        rest = [ticket for _, ticket in self._waiting]
        self._waiting.clear()
        return rest
