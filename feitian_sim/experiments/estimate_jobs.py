"""Estimate of loads of jobs: how many instances, and the wall time of each."""

from __future__ import annotations

from math import ceil
from typing import Any

from feitian_sim.kernel import SECOND, ScenarioError
from feitian_sim.kernel.data_files import find_data_file
from feitian_sim.scenario.load import Loaded

JOB_LOADS = ("fuxi-jobs", "fuxi-trace")

# Wall seconds per instance, with its share of its worker's, its task's and its job's, as those of `estimate`.
_PER_INSTANCE_S = 440e-6
#: What a job takes beside its instances: its master, then workers.
_START_S = 15.0
# A row of a trace is not read for an estimate: bytes of a row, packed and plain, and instances of one (Alibaba, 2018).
_PACKED_ROW_BYTES, _ROW_BYTES = 7, 45
_INSTANCES_PER_ROW = 48


def job_operations(load: Any, loaded: Loaded, duration_s: float) -> tuple[float, float]:
    """Instances of a load in one run, and the wall seconds that each takes."""
    if load.kind == "fuxi-trace":
        return _replayed(load, loaded) * load.sample, _PER_INSTANCE_S
    until_s = duration_s if load.stop is None else min(duration_s, load.stop / SECOND)
    span_s = max(0.0, until_s - load.start / SECOND)
    total = sum(choice.weight for choice in load.jobs)
    shapes = [(choice.weight / total, *_shape(choice.job)) for choice in load.jobs]
    if load.arrival is not None:
        jobs = load.arrival.rate * span_s
    else:
        took_s = sum(weight * time_s for weight, _, time_s in shapes) + _START_S
        jobs = load.client_count(loaded.scenario.cluster.server_count) * max(1.0, span_s / took_s)
    jobs = jobs if load.limit is None else min(jobs, load.limit)
    return jobs * sum(weight * instances for weight, instances, _ in shapes), _PER_INSTANCE_S


def _replayed(load: Any, loaded: Loaded) -> float:
    rows = 0.0
    for name in load.file:
        try:
            path = find_data_file(name, loaded.base_dir, loaded.data_dirs)
        except ScenarioError:
            continue
        rows += path.stat().st_size / (_PACKED_ROW_BYTES if path.suffix == ".gz" else _ROW_BYTES)
    return rows * _INSTANCES_PER_ROW


def _shape(job: Any) -> tuple[float, float]:
    """Instances of a job, and simulated seconds that it takes at least."""
    if job.kind in ("wordcount", "terasort"):
        # One wave of instances after the other, where there are fewer workers than instances.
        return job.maps + job.reduces, 2 * ceil(1 / job.workers_per_instance) * job.time.expected() / SECOND
    if job.kind == "sort":
        return 2.0 * job.reduces, 0.0
    if job.kind in ("file", "own"):
        return 1.0, 0.0
    tasks = (job if job.kind == "dag" else job.job()).tasks.values()
    instances = sum(task.instances or len(task.times) or 1 for task in tasks)
    return instances, sum(task.time.expected() for task in tasks) / SECOND
