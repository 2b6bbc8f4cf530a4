"""Metrics are computed from tables of facts and from nothing else."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Metric, Tables, measure


def _tables(warmup_s: float = 0.0) -> Tables:
    happened = {"x.waited": {"time_s": np.array([1.0, 2.0, 3.0]), "wait_s": np.array([0.5, 1.5, 2.5])}}
    return Tables(lambda kind: happened.get(kind, {}), duration_s=10.0, warmup_s=warmup_s)


COUNT = Metric("x.waits", "", "how many waited", lambda tables: tables.count("x.waited"))
WAIT = Metric("x.wait_s", "s", "each wait", lambda tables: tables.settled("x.waited").get("wait_s"), statistics=True)
NEVER = Metric("x.never_s", "s", "nothing", lambda tables: None)
EMPTY = Metric("x.empty_s", "s", "nothing", lambda tables: tables.column("x.empty", "wait_s"), statistics=True)


def test_many_values_become_statistics() -> None:
    values = measure([COUNT, WAIT], _tables())
    assert values["x.waits"] == 3
    assert values["x.wait_s.mean"] == 1.5
    assert values["x.wait_s.p50"] == 1.5
    assert values["x.wait_s.max"] == 2.5
    assert values["x.wait_s.count"] == 3


def test_the_warmup_is_left_out() -> None:
    assert measure([WAIT], _tables(warmup_s=2.0))["x.wait_s.mean"] == 2.0


def test_what_has_nothing_to_measure_is_absent_not_zero() -> None:
    assert measure([NEVER, EMPTY], _tables()) == {"x.empty_s.count": 0.0}


def test_a_statistic_has_the_unit_of_its_metric_and_a_count_has_none() -> None:
    assert (WAIT.unit_of("x.wait_s.p95"), WAIT.unit_of("x.wait_s.count")) == ("s", "")
