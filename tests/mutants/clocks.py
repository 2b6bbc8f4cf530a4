"""Bugs in how time is measured: by the wrong reading of a clock, or as if no clock ever went wrong."""

from __future__ import annotations

from typing import Any

from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.expiry import Expiry
from feitian_sim.nuwa.server import NuwaServer
from feitian_sim.paxos.lease import LeaderLease
from feitian_sim.replog import ReplicatedLog
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_overdue = Expiry.overdue
_read = ReplicatedLog.read
_expire_silent = NuwaServer._expire_silent
_lease_until = NuwaClient.lease_until_ns


def _lease_by_the_time_of_day(patch: Patch, hit: Hit) -> None:
    def read(self: ReplicatedLog, on_ready: Any, on_lost: Any) -> None:
        if not self.ready:
            on_lost("this member reads its log")
            return
        # The end of the lease was noted by the monotonic reading.
        if self.is_leader and self.machine.clock.wall_ns < self.lease_until_ns:
            if self.machine.clock.monotonic_ns >= self.lease_until_ns:
                hit()
            on_ready()
        else:
            _read(self, on_ready, on_lost)

    patch.setattr(ReplicatedLog, "read", read)


def _silence_by_the_time_of_day(patch: Patch, hit: Hit) -> None:
    def expire_silent(self: NuwaServer) -> None:
        clock = self.machine.clock
        wrong_ns = clock.wall_ns - clock.monotonic_ns

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


def _session_by_the_time_of_day(patch: Patch, hit: Hit) -> None:
    def lease_until_ns(self: NuwaClient) -> int:
        wrong_ns = self.machine.clock.wall_ns - self.machine.clock.monotonic_ns
        if wrong_ns:
            hit()
        # The end was noted by the wall clock when it was right.
        return _lease_until.fget(self) - wrong_ns  # type: ignore[attr-defined]

    patch.setattr(NuwaClient, "lease_until_ns", property(lease_until_ns))

    def arm_end(self: NuwaClient) -> None:
        if self._end is not None:
            self._end.cancel()
        wrong_ns = self.machine.clock.wall_ns - self.machine.clock.monotonic_ns
        due_ns = self._contact_ns + self.timeout_ns - wrong_ns
        self._end = self._clock.timer(self._owner, due_ns, self._out_of_touch)

    patch.setattr(NuwaClient, "_arm_end", arm_end)


def _lease_without_epsilon(patch: Patch, hit: Hit) -> None:
    def until_ns(self: LeaderLease, members: tuple[int, ...], now_ns: int) -> int:
        hit()
        return self.quorum_sent_ns(members, now_ns) + self._length_ns + _EPSILON_NS

    patch.setattr(LeaderLease, "until_ns", until_ns)


#: Of the scenario that hunts it: the whole margin.
_EPSILON_NS = 5_000_000

MUTANTS: tuple[Mutant, ...] = (
    _m(
        "CL-01",
        "a leader judges its lease by the time of day",
        "CockroachDB and etcd: leases under clock jumps",
        ("NW6", "NW7"),
        _lease_by_the_time_of_day,
        profile="clocks",
    ),
    _m(
        "CL-02",
        "a leader judges the silence of sessions by the time of day",
        "ZOOKEEPER-1366",
        ("NW9",),
        _silence_by_the_time_of_day,
        profile="clocks",
    ),
    _m(
        "CL-03",
        "who holds a lock judges its session by the time of day",
        "Chubby; Redlock (Kleppmann 2016)",
        ("NW11", "NW7"),
        _session_by_the_time_of_day,
        "scenarios/check/locks.yaml",
        "clocks",
    ),
    _m("CL-04", "a lease has no margin for drift", "PG-09", ("NW6",), _lease_without_epsilon, profile="clocks"),
)
