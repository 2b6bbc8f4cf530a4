"""What Fuxi must show, on the shipped scenarios in full: every job of a real trace accounted for, fail-over, backups."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import feitian_sim

pytestmark = pytest.mark.slow


@pytest.mark.data
def test_every_job_of_the_real_half_hour_is_accounted_for(data_dir: Path, scenarios: Path, tmp_path: Path) -> None:
    """Rows are those of STATS.json, kept and dropped together; jobs are finished, failed or still running."""
    done = feitian_sim.run(scenarios / "fuxi" / "alibaba-hour.yaml", output=tmp_path, data=data_dir)
    known = json.loads((data_dir / "STATS.json").read_text(encoding="utf-8"))["alibaba2018_hour"]
    metrics = done.metrics
    assert done.ok
    assert metrics["fuxi.trace_rows_count"] == known["tasks"]
    assert metrics["fuxi.trace_rows_count"] == metrics["fuxi.trace_kept_count"] + metrics["fuxi.trace_dropped_count"]
    assert metrics["fuxi.jobs_begun_count"] == metrics["fuxi.trace_jobs_count"] > 100
    ended = metrics["fuxi.jobs_finished_count"] + metrics["fuxi.jobs_failed_count"]
    assert metrics["fuxi.jobs_begun_count"] == ended + metrics["fuxi.jobs_running_count"]


def test_nothing_that_runs_is_begun_again_because_the_fuxi_master_dies(scenarios: Path, tmp_path: Path) -> None:
    """One fail-over, no rerun, no lost job; the time until it grants again is reported."""
    done = feitian_sim.run(scenarios / "fuxi" / "master-failover.yaml", output=tmp_path)
    assert done.ok
    assert done.metrics["fuxi.reruns_count"] == 0
    assert 1 < done.metrics["fuxi.failover_s.max"] < 30


def test_backup_instances_shorten_a_job_on_slow_machines(scenarios: Path, tmp_path: Path) -> None:
    """With backups the job is done sooner in every run, and the intervals of both lie apart."""
    times: dict[str, list[float]] = {}
    for enabled in ("true", "false"):
        done = feitian_sim.run(
            scenarios / "fuxi" / "stragglers.yaml",
            overrides={"fuxi.jobs.backup.enabled": enabled, "sweep": {}},
            output=tmp_path / enabled,
        )
        times[enabled] = list(done.intervals["fuxi.job_completion_s.mean"])
    assert times["true"][1] < times["false"][0]
