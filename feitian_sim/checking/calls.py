"""What Kuafu promises of calls, judged end to end: by the numbers that callers and servers of a load give their requests.

Those numbers are no part of the protocol; no reply table and no request id is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant


class AtMostOnce(Invariant):
    """KF1: over all servers and all their incarnations, since a request stands for one effect."""

    id = "KF1"
    needs = ("rpc",)
    claim = "a call that must not run twice runs at most once, however often and wherever it is sent again"

    def __init__(self) -> None:
        super().__init__()
        self._ran: dict[tuple[str, int], str] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Requests that are served."""
        return {"kuafu.rpc_run": self._served}

    def _served(self, now_ns: int, fact: Any) -> None:
        if fact.repeatable:
            return
        self.evaluated += 1
        before = self._ran.get((fact.load, fact.number))
        if before is not None:
            self.broken(now_ns, f"request {fact.number} of {fact.load} ran at {before} and again at {fact.server}")
        self._ran[fact.load, fact.number] = fact.server


class RepliesMatch(Invariant):
    """KF2."""

    id = "KF2"
    needs = ("rpc",)
    claim = "a reply is the reply to the request that was asked, and to one that has run"

    def __init__(self) -> None:
        super().__init__()
        self._ran: dict[tuple[str, int], None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Requests that are served, and their ends."""
        return {"kuafu.rpc_run": self._served, "kuafu.rpc_ended": self._ended}

    def _served(self, now_ns: int, fact: Any) -> None:
        self._ran[fact.load, fact.number] = None

    def _ended(self, now_ns: int, fact: Any) -> None:
        if fact.error:
            return
        self.evaluated += 1
        if fact.answered != fact.number:
            self.broken(now_ns, f"request {fact.number} of {fact.load} got the reply to {fact.answered}")
        if (fact.load, fact.number) not in self._ran:
            self.broken(now_ns, f"request {fact.number} of {fact.load} got a reply and never ran")


class EndsByItsDeadline(Invariant):
    """KF6."""

    id = "KF6"
    needs = ("rpc",)
    claim = "every call ends once, by its deadline"

    def __init__(self) -> None:
        super().__init__()
        self._ended_before: dict[tuple[str, int], None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Ends of calls."""
        return {"kuafu.rpc_ended": self._ended}

    def _ended(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if fact.late_ns > 0:
            self.broken(now_ns, f"request {fact.number} of {fact.load} ended {fact.late_ns} ns after its deadline")
        if (fact.load, fact.number) in self._ended_before:
            self.broken(now_ns, f"request {fact.number} of {fact.load} ended twice")
        self._ended_before[fact.load, fact.number] = None
