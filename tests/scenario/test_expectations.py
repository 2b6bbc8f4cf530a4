"""Expectations: units are converted, and what has no value meets nothing."""

from __future__ import annotations

import pytest

from feitian_sim.kernel.metric import Metric
from feitian_sim.scenario.expectations import parse_expectation
from feitian_sim.scenario.metrics import MetricTable

TABLE = MetricTable(
    [
        Metric("pangu.recovery_s", "s", "d", lambda _: None, statistics=True),
        Metric("pangu.chunks_lost", "", "d", lambda _: 0.0),
        Metric("pangu.repair_bytes_per_s", "bytes_per_s", "d", lambda _: 0.0),
        Metric("pangu.moved_bytes", "bytes", "d", lambda _: 0.0),
        Metric("hardware.balance_ratio", "ratio", "d", lambda _: 0.0),
    ]
)


@pytest.mark.parametrize(
    ("text", "name", "limit"),
    [
        ("pangu.recovery_s.p95 < 30m", "pangu.recovery_s.p95", 1800.0),
        ("pangu.recovery_s.max<=1h30m", "pangu.recovery_s.max", 5400.0),
        ("pangu.recovery_s.count >= 10", "pangu.recovery_s.count", 10.0),
        ("pangu.chunks_lost==0", "pangu.chunks_lost", 0.0),
        ("pangu.repair_bytes_per_s > 440MiB/s", "pangu.repair_bytes_per_s", 440.0 * 2**20),
        ("pangu.repair_bytes_per_s > 8Gbit/s", "pangu.repair_bytes_per_s", 1e9),
        ("pangu.moved_bytes != 1TB", "pangu.moved_bytes", 1e12),
        ("hardware.balance_ratio <= 95%", "hardware.balance_ratio", 0.95),
    ],
)
def test_values_are_read_in_the_unit_of_the_metric(text: str, name: str, limit: float) -> None:
    expectation = parse_expectation(text, TABLE)
    assert (expectation.metric, expectation.limit) == (name, limit)


@pytest.mark.parametrize(
    ("op", "below", "equal", "above"),
    [
        ("==", False, True, False),
        ("!=", True, False, True),
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
    ],
)
def test_comparisons(op: str, below: bool, equal: bool, above: bool) -> None:
    expectation = parse_expectation(f"pangu.chunks_lost {op} 5", TABLE)
    held = [expectation.check({"pangu.chunks_lost": value}).held for value in (4.0, 5.0, 6.0)]
    assert held == [below, equal, above]


def test_a_metric_without_a_value_meets_no_expectation() -> None:
    expectation = parse_expectation("pangu.recovery_s.p95 < 30m", TABLE)
    assert not expectation.check({}).held
    assert expectation.check({"pangu.recovery_s.p95": 1.0}).held


def test_names_of_metrics_are_found_and_suggested() -> None:
    assert TABLE.split("pangu.recovery_s.p95")[1] == "p95"
    with pytest.raises(ValueError, match=r"did you mean 'pangu\.chunks_lost'"):
        TABLE.split("pangu.chunks_los")
    with pytest.raises(ValueError, match=r"no statistic 'p96'; did you mean 'p9"):
        TABLE.split("pangu.recovery_s.p96")
