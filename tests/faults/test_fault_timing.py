"""Timing: strikes follow their law, and no draw depends on anybody else's."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
from pydantic import TypeAdapter

from feitian_sim.faults.config import FaultConfig
from feitian_sim.faults.timing import fixed_strike_ns, lasting_ns, time_in_service_ns
from feitian_sim.kernel import DAY, SECOND, YEAR, Simulation

FAULT: TypeAdapter[Any] = TypeAdapter(FaultConfig)


def fault(**fields: Any) -> Any:
    return FAULT.validate_python({"kind": "machine-crash", "target": {"machine": "r0/m0"}, **fields})


def streams(sim: Simulation) -> Any:
    return lambda entity, purpose: sim.stream("faults.x", entity, purpose)


def test_at_strikes_once(sim: Simulation) -> None:
    assert fixed_strike_ns(fault(at="5s"), 0, streams(sim)) == 5 * SECOND
    assert fixed_strike_ns(fault(at="5s"), 1, streams(sim)) is None


def test_every_strikes_from_the_first_period_after_start_until_until(sim: Simulation) -> None:
    found = fault(every="10s", start="3s", until="23s")
    assert [fixed_strike_ns(found, n, streams(sim)) for n in range(3)] == [13 * SECOND, 23 * SECOND, None]


def test_jitter_delays_by_less_than_itself(sim: Simulation) -> None:
    found = fault(every="10s", jitter="4s")
    times = [fixed_strike_ns(found, n, streams(sim)) for n in range(200)]
    late = [time - (n + 1) * 10 * SECOND for n, time in enumerate(times) if time is not None]
    assert 0 <= min(late) < SECOND
    assert 3 * SECOND < max(late) < 4 * SECOND


def test_a_rate_is_the_mean_rate_within_its_confidence_interval(sim: Simulation) -> None:
    found, count = fault(rate="4%/year"), 4000
    mean = sum(time_in_service_ns(found, "r0/m0", streams(sim)) for _ in range(count)) / count
    # The mean of exponential times has a standard error of mean / sqrt(n); 3.3 of them hold in 99.9 % of cases.
    assert abs(mean - 25 * YEAR) < 3.3 * 25 * YEAR / sqrt(count)


def test_a_distribution_has_its_own_mean(sim: Simulation) -> None:
    found, count = fault(distribution={"kind": "weibull", "shape": 0.7, "scale": "100d"}), 4000
    times = [time_in_service_ns(found, "r0/m0", streams(sim)) for _ in range(count)]
    mean = sum(times) / count
    deviation = sqrt(sum((time - mean) ** 2 for time in times) / count)
    assert found.distribution is not None
    assert abs(mean - found.distribution.expected()) < 3.3 * deviation / sqrt(count)


def test_repair_times_are_drawn_too(sim: Simulation) -> None:
    found = fault(at="1s", duration={"kind": "uniform", "low": "1d", "high": "2d"})
    assert DAY <= (lasting_ns(found.lasting, "r0/m0", streams(sim)) or 0) <= 2 * DAY
    assert lasting_ns(None, "r0/m0", streams(sim)) is None


def test_another_target_s_draws_move_nothing() -> None:
    found = fault(rate="4%/year")
    alone, crowded = Simulation(seed=7), Simulation(seed=7)
    for number in range(50):
        time_in_service_ns(found, f"r1/m{number}", streams(crowded))
    crowded.stream("pangu.placement").uniforms(1000)
    expected = [time_in_service_ns(found, "r0/m0", streams(alone)) for _ in range(5)]
    assert [time_in_service_ns(found, "r0/m0", streams(crowded)) for _ in range(5)] == expected


@pytest.mark.parametrize("seed", [1, 2])
def test_another_seed_is_another_history(seed: int) -> None:
    found = fault(rate="4%/year")
    first = time_in_service_ns(found, "r0/m0", streams(Simulation(seed=seed)))
    assert first != time_in_service_ns(found, "r0/m0", streams(Simulation(seed=seed + 10)))
