"""From facts to curves: nothing is lost on the way, and nothing is made up."""

from __future__ import annotations

import numpy as np
import pytest

from feitian_sim.report.scale import amount, clock, latency, rate, round_window_s, run_time
from feitian_sim.report.series import counts, edges, held, over_runs, peaks, spread_rate, thinned, window_percentiles


def test_a_transfer_is_spread_evenly_over_its_duration() -> None:
    windows = edges(4.0, 1.0)
    rates = spread_rate(np.array([0.5]), np.array([2.5]), np.array([200.0]), windows)
    assert rates.tolist() == [50.0, 100.0, 50.0, 0.0]


def test_spreading_loses_no_byte() -> None:
    chance = np.random.default_rng(1)
    start = chance.uniform(0, 80, 500)
    end = start + chance.exponential(3, 500)
    sizes = chance.integers(1, 10**9, 500).astype(float)
    windows = edges(200.0, 7.0)
    moved = (spread_rate(start, end, sizes, windows) * np.diff(windows)).sum()
    assert moved == pytest.approx(sizes.sum(), rel=1e-9)


def test_a_transfer_of_no_duration_still_counts() -> None:
    rates = spread_rate(np.array([1.5]), np.array([1.5]), np.array([7.0]), edges(3.0, 1.0))
    assert rates.tolist() == [0.0, 7.0, 0.0]


def test_the_last_window_ends_with_the_run() -> None:
    assert edges(10.0, 4.0).tolist() == [0.0, 4.0, 8.0, 10.0]


def test_an_instant_at_the_end_of_the_run_is_counted() -> None:
    assert counts(np.array([0.0, 1.0, 2.0]), edges(2.0, 1.0)).tolist() == [1.0, 2.0]


def test_a_percentile_needs_enough_values_to_make_it_up() -> None:
    times, values = np.linspace(0, 9.99, 150), np.arange(150.0)
    windows = np.array([0.0, 7.0, 10.0])
    assert np.isfinite(window_percentiles(times, values, windows, 99)).tolist() == [True, False]
    assert np.isfinite(window_percentiles(times, values, windows, 95)).tolist() == [True, True]


def test_a_value_is_held_until_the_next_is_known() -> None:
    shown = held(np.array([1.0, 3.0]), np.array([10.0, 20.0]), np.array([0.0, 1.0, 2.9, 3.0, 9.0]))
    assert shown.tolist() == [0.0, 10.0, 10.0, 20.0, 20.0]


def test_several_runs_become_a_median_and_a_band() -> None:
    series = over_runs(np.zeros(2), [np.array([1.0, np.nan]), np.array([5.0, np.nan]), np.array([2.0, np.nan])])
    assert series.low is not None
    assert series.high is not None
    assert (series.y[0], series.low[0], series.high[0]) == (2.0, 1.0, 5.0)
    assert np.isnan(series.y[1])


def test_one_run_has_no_band() -> None:
    assert over_runs(np.zeros(1), [np.ones(1)]).low is None


def test_a_peak_between_two_samples_is_seen() -> None:
    times, steps = np.array([1.0, 1.5, 2.2, 5.0]), np.array([3.0, -3.0, 2.0, -2.0])
    assert peaks(times, steps, edges(6.0, 2.0)).tolist() == [3.0, 2.0, 2.0]


def test_what_falls_and_rises_at_one_instant_makes_no_peak() -> None:
    assert peaks(np.array([0.0, 1.0, 1.0]), np.array([4.0, 4.0, -4.0]), edges(2.0, 2.0)).tolist() == [4.0]


def test_thinning_keeps_both_ends() -> None:
    x, _ = thinned(np.arange(12_345.0), np.arange(12_345.0))
    assert len(x) <= 1000
    assert (x[0], x[-1]) == (0.0, 12_344.0)


def test_axes_get_units_with_few_digits() -> None:
    assert rate(440e6).unit == "MB/s"
    assert amount(2e15).unit == "PB"
    assert latency(0.0031).unit == "ms"
    assert [run_time(seconds).unit for seconds in (60, 1800, 7200, 86_400, 31e6)] == ["s", "min", "min", "h", "d"]
    assert round_window_s(3600, 120) == 30.0
    assert round_window_s(31_557_600, 120) == 4 * 86_400.0


def test_times_in_legends_are_read_at_a_glance() -> None:
    assert [clock(seconds) for seconds in (0.25, 600, 904, 7500, 200_000)] == [
        "0.25 s",
        "10 min",
        "15 min 04 s",
        "2 h 05 min",
        "2.3 d",
    ]
