"""What a study costs beside its runs, and what counting placements costs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, process_time

from feitian_sim.experiments.place import placed
from feitian_sim.experiments.sweep import SweepOptions, sweep
from feitian_sim.pangu.placement import POLICIES
from tests.benchmarks.line import Line

QUEUE = """
name: queue
duration: 20s
cluster: {racks: 2, machines_per_rack: 2, machine: {cores: 1}}
load:
  - {kind: requests, arrival: {kind: poisson, rate: 8/s}, service: {kind: exponential, mean: 100ms}}
"""
LARGE = """
name: large
duration: 1s
cluster: {racks: 50, machines_per_rack: 20, machine: {disks: 12, disk: hdd-2tb}}
pangu: {dataset: {bytes: 640000GiB, file_size: 1GiB}}
"""
RUNS = 200


def lines() -> Iterator[Line]:
    """Wall time per run beside the run itself, and 10^7 chunks by six policies."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "queue.yaml"
        scenario.write_text(QUEUE, encoding="utf-8")
        axes = {"cluster.machine.cores": ("1", "2")}
        sweep(scenario, SweepOptions(axes=axes, runs=2, output=Path(folder) / "first"))
        began = monotonic()
        swept = sweep(scenario, SweepOptions(axes=axes, runs=RUNS // 2, output=Path(folder) / "out"))
        beside_s = monotonic() - began - sum(record.wall_seconds for _, record in swept.records)
        yield Line("orchestration and results, per run", 1e3 * beside_s / RUNS, "ms", "wall time", at_most=5.0)
        scenario.write_text(LARGE, encoding="utf-8")
        began = process_time()
        placed(scenario, (), {"pangu.placement": tuple(POLICIES)[:6]}, None, ())
        yield Line(
            "feitian place, 10^7 chunks by six policies", process_time() - began, "s", "processor time", at_most=60.0
        )
