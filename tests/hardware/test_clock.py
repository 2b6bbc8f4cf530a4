"""A machine's clock against closed forms, and its inverse against the search for it."""

from __future__ import annotations

import random
from fractions import Fraction

from feitian_sim.hardware import TRUE_RATE_PPB, MachineClock
from feitian_sim.hardware.clock import Reading
from feitian_sim.kernel import SECOND, Simulation


def clock_of(sim: Simulation) -> tuple[MachineClock, list[int]]:
    said: list[int] = []
    clock = MachineClock(sim, "r0/m0", lambda: said.append(clock.monotonic_ns))
    return clock, said


def test_a_clock_that_nothing_has_happened_to_is_that_of_the_simulation() -> None:
    sim = Simulation(seed=1)
    clock, said = clock_of(sim)
    for time_ns in (0, 1, 17, SECOND):
        sim.run_until(time_ns)
        assert (clock.monotonic_ns, clock.wall_ns) == (time_ns, time_ns)
        assert clock.until(time_ns + 5) == time_ns + 5
    assert clock.is_true
    assert clock.wall_is_true
    assert not said


def test_a_drift_grows_with_time_and_stays_when_the_rate_is_right_again() -> None:
    sim = Simulation(seed=1)
    clock, said = clock_of(sim)
    sim.run_until(2 * SECOND)
    clock.set_rate(TRUE_RATE_PPB + 500_000)
    # Whoever left events out hears of it while the clock still shows what it always did.
    assert said == [2 * SECOND]
    sim.run_until(12 * SECOND)
    assert clock.monotonic_ns == 12 * SECOND + 5_000_000
    assert clock.wall_ns == 12 * SECOND
    clock.set_rate(TRUE_RATE_PPB)
    sim.run_until(20 * SECOND)
    assert clock.monotonic_ns == 20 * SECOND + 5_000_000
    assert clock.until(21 * SECOND + 5_000_000) == 21 * SECOND
    assert clock.until(7 * SECOND + 2_500_000) == 7 * SECOND


def test_a_frozen_clock_never_gets_there_and_a_jump_passes_over_what_it_missed() -> None:
    sim = Simulation(seed=1)
    clock, _ = clock_of(sim)
    owner = sim.owner("p")
    called: list[int] = []
    sim.run_until(SECOND)
    clock.set_rate(0)
    assert clock.until(SECOND + 1) is None
    assert not clock.timer(owner, SECOND + 1, called.append, 1).active
    sim.run_until(4 * SECOND)
    assert clock.monotonic_ns == SECOND
    clock.set_rate(TRUE_RATE_PPB, jump_ns=3 * SECOND)
    assert clock.monotonic_ns == 4 * SECOND
    assert clock.until(2 * SECOND) == 4 * SECOND
    assert clock.timer(owner, 2 * SECOND, lambda: called.append(sim.now)).active
    sim.run_until(5 * SECOND)
    assert called == [4 * SECOND]


def test_the_wall_reading_jumps_both_ways_and_leaves_the_monotonic_alone() -> None:
    sim = Simulation(seed=1)
    clock, said = clock_of(sim)
    sim.run_until(10 * SECOND)
    clock.step_wall(-3 * SECOND)
    sim.run_until(11 * SECOND)
    assert clock.wall_ns == 8 * SECOND
    clock.set_wall_rate(0)
    sim.run_until(13 * SECOND)
    clock.set_wall_rate(2 * TRUE_RATE_PPB)
    sim.run_until(14 * SECOND)
    assert clock.wall_ns == 10 * SECOND
    assert clock.monotonic_ns == 14 * SECOND
    assert clock.is_true
    assert not said


def test_the_inverse_is_the_first_time_at_which_it_shows_so_much() -> None:
    draws = random.Random(7)
    for _ in range(200):
        reading, time_ns, exact = Reading(), 0, []
        for _ in range(draws.randrange(1, 6)):
            time_ns += draws.randrange(0, 60)
            rate = draws.choice((0, 1, 300_000_000, TRUE_RATE_PPB, 1_000_000_007, 2_500_000_000))
            shown = reading.at(time_ns) + draws.choice((0, 0, 13))
            reading.go_on(time_ns, shown, rate)
            exact.append((time_ns, shown, rate))
        end_ns = time_ns + 100
        since, shown, rate = exact[-1]
        assert reading.at(end_ns) == shown + int(Fraction(rate * (end_ns - since), TRUE_RATE_PPB))
        for wanted in range(1, reading.at(end_ns) + 1):
            first = next(one for one in range(end_ns + 1) if reading.at(one) >= wanted)
            assert reading.when(wanted) == first


def test_whoever_holds_timers_hears_of_each_change_while_it_lives() -> None:
    sim = Simulation(seed=1)
    clock, _ = clock_of(sim)
    owner, heard = sim.owner("p"), []
    clock.on_change(owner, lambda: heard.append(clock.rates_ppb[0]))
    clock.set_rate(1_000_000)
    clock.set_rate(TRUE_RATE_PPB)
    owner.kill()
    clock.set_rate(0)
    assert heard == [1_000_000, TRUE_RATE_PPB]
