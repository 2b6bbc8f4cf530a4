"""Clocks that are wrong, and what may depend on it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from feitian_sim.faults.config import FaultConfig
from feitian_sim.faults.wiring import install
from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import MILLISECOND, SECOND, Simulation

FAULT: TypeAdapter[Any] = TypeAdapter(FaultConfig)
ONE = {"machine": "r0/m0"}


class Clocks:
    """Two machines, and faults on the first."""

    def __init__(self, *faults: dict[str, Any]) -> None:
        self.sim = Simulation(seed=1)
        datacenter = DataCenter(self.sim, ClusterConfig(racks=1, machines_per_rack=2))
        self.clock, self.other = (datacenter.machine(name).clock for name in ("r0/m0", "r0/m1"))
        lines = [{"at": "1s", "target": ONE, **fault} for fault in faults]
        install(self.sim, datacenter, [], [FAULT.validate_python(line) for line in lines])

    def errors_ns(self, at_ns: int) -> tuple[int, int]:
        """By how much wall and monotonic reading are wrong then."""
        self.sim.run_until(at_ns)
        assert (self.other.wall_ns, self.other.monotonic_ns) == (at_ns, at_ns)
        return self.clock.wall_ns - at_ns, self.clock.monotonic_ns - at_ns


def test_skew_is_constant_while_it_lasts_and_skews_add_up() -> None:
    clocks = Clocks(
        {"kind": "clock-skew", "offset": "300ms", "duration": "4s"},
        {"kind": "clock-skew", "offset": "1s", "direction": "behind", "at": "2s", "duration": "1s"},
    )
    half = SECOND // 2
    assert clocks.errors_ns(half) == (0, 0)
    assert clocks.errors_ns(SECOND + half) == (300 * MILLISECOND, 0)
    assert clocks.errors_ns(2 * SECOND + half) == (-700 * MILLISECOND, 0)
    assert clocks.errors_ns(3 * SECOND + half) == (300 * MILLISECOND, 0)
    assert clocks.errors_ns(6 * SECOND) == (0, 0)


def test_a_step_stays() -> None:
    clocks = Clocks(
        {"kind": "clock-step", "by": "5s"}, {"kind": "clock-step", "by": "7s", "direction": "backwards", "at": "3s"}
    )
    assert clocks.errors_ns(2 * SECOND) == (5 * SECOND, 0)
    assert clocks.errors_ns(100 * SECOND) == (-2 * SECOND, 0)


def test_drift_grows_while_it_lasts_in_the_readings_that_it_is_said_of() -> None:
    clocks = Clocks({"kind": "clock-drift", "ppm": 200, "duration": "10s"})
    assert clocks.errors_ns(6 * SECOND) == (MILLISECOND, MILLISECOND)
    assert clocks.errors_ns(50 * SECOND) == (2 * MILLISECOND, 2 * MILLISECOND)
    clocks = Clocks({"kind": "clock-drift", "ppm": -1000, "which": "wall"})
    assert clocks.errors_ns(11 * SECOND) == (-10 * MILLISECOND, 0)


def test_of_two_drifts_the_one_that_began_last_counts() -> None:
    clocks = Clocks(
        {"kind": "clock-drift", "ppm": 1000},
        {"kind": "clock-drift", "ppm": -1000, "at": "3s", "duration": "1s"},
    )
    assert clocks.errors_ns(5 * SECOND) == (2 * MILLISECOND, 2 * MILLISECOND)


def test_a_strobe_jumps_to_and_fro_and_is_right_at_the_end() -> None:
    clocks = Clocks({"kind": "clock-strobe", "by": "2s", "interval": "100ms", "duration": "250ms"})
    at_ms = (1050, 1150, 1225, 1275, 1350, 3000)
    assert [clocks.errors_ns(at * MILLISECOND)[0] // SECOND for at in at_ms] == [2, 0, 2, 0, 0, 0]


def test_a_frozen_clock_jumps_or_goes_on_when_the_last_freeze_ends() -> None:
    clocks = Clocks({"kind": "clock-freeze", "duration": "2s"}, {"kind": "clock-freeze", "at": "2s", "duration": "3s"})
    assert clocks.errors_ns(4 * SECOND) == (-3 * SECOND, -3 * SECOND)
    assert clocks.errors_ns(6 * SECOND) == (0, 0)
    clocks = Clocks({"kind": "clock-freeze", "duration": "2s", "then": "goes-on", "which": "monotonic"})
    assert clocks.errors_ns(2 * SECOND) == (0, -SECOND)
    assert clocks.errors_ns(6 * SECOND) == (0, -2 * SECOND)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ({"kind": "clock-skew"}, "offset"),
        ({"kind": "clock-skew", "offset": "0s"}, "greater than 0"),
        ({"kind": "clock-step", "by": "1s", "direction": "ahead"}, "'forwards' or 'backwards'"),
        ({"kind": "clock-drift", "ppm": 0}, "say how much too fast"),
        ({"kind": "clock-drift", "ppm": -1_000_000}, "greater than or equal to -900000"),
        ({"kind": "clock-drift", "ppm": 5, "which": "sundial"}, "'wall', 'monotonic' or 'both'"),
        ({"kind": "clock-strobe", "by": "1s", "interval": "1ms"}, "duration"),
        ({"kind": "clock-strobe", "by": "1s", "interval": "0ms", "duration": "1s"}, "interval"),
        ({"kind": "clock-freeze", "then": "leaps"}, "'jumps' or 'goes-on'"),
        ({"kind": "clock-freeze", "every": "1s"}, "exactly one of"),
    ],
)
def test_bad_lines_are_told(line: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError) as told:
        FAULT.validate_python({"at": "1s", "target": ONE, **line})
    assert what in str(told.value)
