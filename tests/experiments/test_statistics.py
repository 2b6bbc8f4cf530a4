"""Means and intervals over runs."""

from __future__ import annotations

import math

import pytest

from feitian_sim.experiments.statistics import interval, mean, over_runs


def test_one_run_has_no_interval() -> None:
    assert interval([3.0]) is None
    assert interval([3.0, math.inf]) is None


def test_the_interval_is_students() -> None:
    # Oracle: t(0.975, 4) = 2.776445; the sample's standard deviation is sqrt(2.5).
    low, high = interval([1.0, 2.0, 3.0, 4.0, 5.0]) or (0.0, 0.0)
    half = 2.7764451051977987 * math.sqrt(2.5 / 5)
    assert (low, high) == pytest.approx((3 - half, 3 + half), rel=1e-12)


def test_equal_runs_have_an_interval_of_no_width() -> None:
    assert interval([0.0, 0.0]) == (0.0, 0.0)


def test_the_mean_is_exact_on_every_python() -> None:
    assert mean([0.1] * 10) == 0.1


def test_a_metric_that_some_runs_lack_says_how_many_have_it() -> None:
    found = over_runs([{"a": 1.0}, {"a": 3.0, "b": 5.0}], {"a": "s"})
    assert [(each.name, each.unit, each.value, each.runs) for each in found] == [
        ("a", "s", 2.0, 2),
        ("b", "", 5.0, 1),
    ]
