"""Bugs in how time is measured: by the reading that may be set, not by the one that never goes back."""

from __future__ import annotations

from typing import Any

from feitian_sim.hardware import MachineClock
from feitian_sim.kernel import Owner, Timer
from feitian_sim.nuwa.expiry import Expiry
from feitian_sim.nuwa.server import NuwaServer
from feitian_sim.replog import ReplicatedLog
from feitian_sim.replog.quiet import Quiet
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
#: Its sessions are so short that a seed sees their silence judged, again and again, while the clocks are wrong.
_SHORT_SESSIONS = "scenarios/check/watches.yaml"
_overdue = Expiry.overdue
_expire_silent = NuwaServer._expire_silent


class _TimeOfDay:
    """A clock of which the wall reading is taken for the monotonic one."""

    def __init__(self, clock: MachineClock, hit: Hit) -> None:
        self._clock = clock
        self._hit = hit
        self.on_change = clock.on_change

    @property
    def monotonic_ns(self) -> int:
        if self._clock.wall_ns != self._clock.monotonic_ns:
            self._hit()
        return self._clock.wall_ns

    def timer(self, owner: Owner, reading_ns: int, callback: Any) -> Timer:
        return owner.timer(max(0, reading_ns - self._clock.wall_ns), callback)


def _lease_by_the_time_of_day(patch: Patch, hit: Hit) -> None:
    clock = property(lambda self: _TimeOfDay(self.machine.clock, hit), lambda self, value: None)
    patch.setattr(ReplicatedLog, "_clock", clock)
    # Nothing may be left out that such a clock would count otherwise.
    patch.setattr(Quiet, "begin", lambda self, leader: False)


def _silence_by_the_time_of_day(patch: Patch, hit: Hit) -> None:
    def expire_silent(self: NuwaServer) -> None:
        clock = self.machine.clock
        # Of one that is behind it would look again and again.
        wrong_ns = max(0, clock.wall_ns - clock.monotonic_ns)

        def overdue(expiry: Expiry, now_ns: int) -> list[int]:
            if wrong_ns:
                hit()
            return _overdue(expiry, now_ns + wrong_ns)

        Expiry.overdue = overdue  # type: ignore[method-assign]
        try:
            _expire_silent(self)
        finally:
            Expiry.overdue = _overdue  # type: ignore[method-assign]

    patch.setattr(NuwaServer, "_expire_silent", expire_silent)


MUTANTS: tuple[Mutant, ...] = (
    _m(
        "CL-01",
        "leases and patience are measured by the time of day",
        "CockroachDB and etcd: leases under clock jumps",
        ("NW6", "NW6b", "NW9L", "NW15"),
        _lease_by_the_time_of_day,
        profile="clocks",
    ),
    _m(
        "CL-02",
        "a leader judges the silence of sessions by the time of day",
        "ZOOKEEPER-1366",
        ("NW9",),
        _silence_by_the_time_of_day,
        _SHORT_SESSIONS,
        "clocks",
    ),
)
