"""Metrics of Fuxi on tables made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from feitian_sim.fuxi.metrics import METRICS
from feitian_sim.kernel.metric import Tables, measure

ROWS: dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]] = {
    "fuxi.app_submitted": (
        ("time_s", "app", "app_kind", "user"),
        [(0.0, "a", "job", "u"), (1.0, "b", "job", "u"), (2.0, "c", "job", "u"),
         (2.0, "web", "service", "u"), (3.0, "d", "job", "u")],
    ),
    "fuxi.app_started": (
        ("time_s", "app", "machine", "attempt", "waited_s"),
        [(2.0, "a", "m", 1, 2.0), (2.0, "b", "m", 1, 1.0), (50.0, "b", "m", 2, 1.0), (3.0, "web", "m", 1, 1.0)],
    ),
    "fuxi.app_ended": (
        ("time_s", "app", "ok", "why", "ran_s"),
        [(100.0, "a", True, "", 100.0), (301.0, "b", True, "", 300.0), (40.0, "c", False, "x", 38.0),
         (50.0, "web", True, "", 48.0)],
    ),
    "fuxi.job_ended": (
        ("time_s", "job", "ok", "critical_s", "workers", "worker_start_s", "attempts", "instance_overhead_s", "instances",
         "failed", "backups", "on_machine", "in_rack", "elsewhere"),
        [(40.0, "c", False, 9.0, 0, 0.0, 0, 0.0, 5, 0, 0, 0, 0, 0),
         (100.0, "a", True, 50.0, 1, 10.0, 2, 0.2, 1, 0, 0, 3, 1, 0),
         (300.0, "b", True, 100.0, 3, 14.0, 6, 0.4, 3, 1, 2, 0, 2, 2)],
    ),
    "fuxi.task_phases": (
        ("time_s", "job", "task", "instances", "read_s", "compute_s", "write_s"),
        [(100.0, "a", "map", 4, 10.0, 20.0, 10.0), (300.0, "b", "map", 4, 50.0, 0.0, 10.0)],
    ),
    "fuxi.usage": (
        ("time_s", "resource", "capacity", "wanted", "planned", "obtained", "used"),
        [(10.0, "cpu", 100, 300, 90, 80, 70), (20.0, "cpu", 100, 100, 100, 100, 90), (10.0, "memory", 0, 0, 0, 0, 0)],
    ),
    "fuxi.quota": (
        ("time_s", "group", "share_ratio", "guaranteed_ratio", "wanted_ratio"),
        [(10.0, "x", 0.3, 0.5, 0.4), (10.0, "y", 0.7, 0.5, 1.0), (20.0, "x", 0.1, 0.5, 0.4),
         (30.0, "x", 0.39, 0.5, 0.4)],
    ),
    "fuxi.decisions": (("time_s", "count", "total_s", "longest_s"), [(10.0, 3, 0.006, 0.004), (20.0, 1, 0.006, 0.006)]),
    "fuxi.job_decisions": (
        ("time_s", "job", "instances", "deciding_s"),
        [(100.0, "a", 400, 0.02), (300.0, "b", 100, 0.01)],
    ),
    "fuxi.master_ready": (("time_s", "machine", "epoch"), [(1.0, "m1", 1), (77.0, "m2", 2), (205.0, "m1", 3)]),
    "fuxi.master_stopped": (
        ("time_s", "machine", "epoch"),
        [(60.0, "m1", 1), (61.0, "m2", 1), (200.0, "m2", 2), (390.0, "m1", 3)],
    ),
    "fuxi.machine_lost": (("time_s", "machine"), [(5.0, "m9")]),
}  # fmt: skip


def columns(kind: str) -> dict[str, Any]:
    """The table of a kind."""
    if kind not in ROWS:
        return {}
    names, rows = ROWS[kind]
    kinds = [object if isinstance(rows[0][place], str) else None for place in range(len(names))]
    values = zip(*rows, strict=True)
    return {name: np.array(one, dtype=kind) for name, one, kind in zip(names, values, kinds, strict=True)}


@pytest.fixture
def measured() -> dict[str, float]:
    """All metrics over the whole run."""
    return measure(METRICS, Tables(columns, duration_s=400.0))


def test_jobs_are_counted_and_services_are_not(measured: dict[str, float]) -> None:
    """Submitted = finished + failed + open."""
    names = ("submitted", "finished", "failed", "open")
    assert [measured[f"fuxi.jobs_{name}_count"] for name in names] == [4, 2, 1, 1]


def test_completion_and_slowdown_are_of_jobs_that_ended_well(measured: dict[str, float]) -> None:
    """The failed job and the service are not in it."""
    assert (measured["fuxi.job_completion_s.count"], measured["fuxi.job_completion_s.mean"]) == (2, 200)
    assert (measured["fuxi.job_slowdown_ratio.mean"], measured["fuxi.job_slowdown_ratio.max"]) == (2.5, 3)


def test_the_three_overheads_are_those_of_the_paper(measured: dict[str, float]) -> None:
    """A master's first start; means over all workers and all attempts; their sum over the mean job."""
    assert measured["fuxi.job_master_start_s.mean"] == 1.5
    assert measured["fuxi.worker_start_s"] == 13
    assert measured["fuxi.instance_overhead_s"] == pytest.approx(0.35)
    assert measured["fuxi.overhead_ratio"] == pytest.approx((1.5 + 13 + 0.35) / 200)


def test_shares_are_means_over_time(measured: dict[str, float]) -> None:
    """What no machine has has no share."""
    shares = [measured[f"fuxi.cpu_{name}_ratio"] for name in ("requested", "planned", "obtained", "used")]
    assert shares == pytest.approx([2.0, 0.95, 0.9, 0.8])
    assert "fuxi.memory_used_ratio" not in measured


def test_a_quota_falls_short_of_what_is_both_guaranteed_and_wanted(measured: dict[str, float]) -> None:
    """Who wants little is not short of anything."""
    assert measured["fuxi.quota_shortfall_ratio"] == pytest.approx(0.3)
    assert measured["fuxi.quota_wait_s"] == 10


def test_decisions_have_a_mean_over_requests(measured: dict[str, float]) -> None:
    """Not a mean of means."""
    assert measured["fuxi.decision_s"] == pytest.approx(0.003)
    assert measured["fuxi.decision_longest_s"] == 0.006
    assert measured["fuxi.decisions_per_s"] == 0.01


def test_each_job_has_its_time_of_deciding(measured: dict[str, float]) -> None:
    """Of one JobMaster, not of all together; what was scheduled is a sum."""
    assert measured["fuxi.job_decision_s.max"] == 0.02
    assert measured["fuxi.job_decision_s.count"] == 2
    assert measured["fuxi.instances_scheduled_count"] == 500


def test_a_failover_lasts_until_somebody_grants_again(measured: dict[str, float]) -> None:
    """Stopping twice on the way is one fail-over; a master that stops at the end has none."""
    assert (measured["fuxi.failover_s.count"], measured["fuxi.failover_s.max"]) == (2, 17)


def test_locality_and_attempts_are_sums_over_jobs(measured: dict[str, float]) -> None:
    """Of the instances that had input; a job that failed before all of them had begun lacks no attempts."""
    assert measured["fuxi.machine_local_ratio"] == pytest.approx(3 / 8)
    assert measured["fuxi.rack_local_ratio"] == pytest.approx(6 / 8)
    assert (measured["fuxi.attempts_count"], measured["fuxi.reruns_count"]) == (8, 2)
    names = ("instances", "attempts_failed", "backups", "machines_lost", "machines_disabled")
    assert [measured[f"fuxi.{name}_count"] for name in names] == [9, 1, 2, 1, 0]


def test_phases_are_shares_of_all_time_on_workers(measured: dict[str, float]) -> None:
    """Not means over tasks; together they are all of it."""
    shares = [measured[f"fuxi.instance_{name}_ratio"] for name in ("read", "compute", "write")]
    assert shares == pytest.approx([0.6, 0.2, 0.2])


def test_the_warm_up_is_left_out() -> None:
    """Jobs that ended and samples that were taken in it do not count in means."""
    measured = measure(METRICS, Tables(columns, duration_s=400.0, warmup_s=150.0))
    assert measured["fuxi.job_completion_s.mean"] == 300
    assert measured["fuxi.jobs_finished_count"] == 2
    assert "fuxi.cpu_used_ratio" not in measured
    assert measured["fuxi.instance_compute_ratio"] == 0


def test_a_run_without_fuxi_has_none_of_its_metrics() -> None:
    """Nothing to measure is absent, not zero."""
    assert measure(METRICS, Tables(lambda _: {}, duration_s=10.0)) == {}
