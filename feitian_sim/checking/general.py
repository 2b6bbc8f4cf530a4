"""What must hold of every simulation: time, the dead, and what was begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant


class TimeNeverGoesBack(Invariant):
    """G1."""

    id = "G1"
    needs = ("nuwa-history", "file-history")
    claim = "facts come in order of time"

    def __init__(self) -> None:
        super().__init__()
        self._last_ns = 0

    def hears(self) -> Mapping[str, Hears]:
        """Facts that come all the time."""
        return dict.fromkeys(("history.invoked", "history.returned", "nuwa.applied", "pangu.operation"), self._next)

    def _next(self, now_ns: int, _: Any) -> None:
        self.evaluated += 1
        if now_ns < self._last_ns:
            self.broken(now_ns, f"a fact of {now_ns} ns came after one of {self._last_ns} ns")
        self._last_ns = now_ns


class DeadIsDead(Invariant):
    """G4: an incarnation that was killed says, applies and writes nothing."""

    id = "G4"
    needs = ("nuwa",)
    claim = "a process that has died has no further effect"

    def __init__(self) -> None:
        super().__init__()
        self._dead: dict[tuple[str, str], int] = {}
        self._down: dict[str, None] = {}
        self._machines: dict[tuple[str, int], str] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Lives and deaths, and whatever only a living server can do."""
        return {
            "hardware.process_started": self._started,
            "hardware.process_ended": self._ended,
            "hardware.machine_crashed": self._crashed,
            "hardware.machine_restarted": self._restarted,
            "pangu.master_ready": self._spoke,
            "pangu.stored": self._stored,
        }

    def _started(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if fact.machine in self._down:
            self.broken(now_ns, f"{fact.role} began on {fact.machine}, which is down")
        self._dead.pop((fact.machine, fact.role), None)

    def _ended(self, now_ns: int, fact: Any) -> None:
        self._dead[fact.machine, fact.role] = fact.incarnation

    def _crashed(self, now_ns: int, fact: Any) -> None:
        self._down[fact.machine] = None

    def _restarted(self, now_ns: int, fact: Any) -> None:
        self._down.pop(fact.machine, None)

    def _spoke(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if fact.machine in self._down or (fact.machine, "pangu.master") in self._dead:
            self.broken(now_ns, f"a dead master on {fact.machine} began its reign")

    def _stored(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if fact.server in self._down or (fact.server, "pangu.chunkserver") in self._dead:
            self.broken(now_ns, f"a dead chunk server on {fact.server} stored version {fact.version} of {fact.chunk}")


class EverythingEnds(Invariant):
    """G6: an operation ends once, and only one that a fault could touch ends without a known outcome."""

    id = "G6"
    needs = ("nuwa-history", "file-history")
    claim = "what is begun ends at most once; an unknown outcome has a fault before it"

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[tuple[str, int], None] = {}
        self._is_faulty = False

    def hears(self) -> Mapping[str, Hears]:
        """Operations and faults."""
        return {"history.invoked": self._begun, "history.returned": self._ended, "faults.started": self._struck}

    def _struck(self, now_ns: int, fact: Any) -> None:
        self._is_faulty = True

    def _begun(self, now_ns: int, fact: Any) -> None:
        self._open[fact.client, fact.number] = None

    def _ended(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if self._open.pop((fact.client, fact.number), 0) == 0:
            self.broken(now_ns, f"operation {fact.number} of {fact.client} ended twice")
        if fact.outcome == "unknown" and not self._is_faulty:
            self.broken(now_ns, f"operation {fact.number} of {fact.client} is unknown ({fact.result}) without a fault")
