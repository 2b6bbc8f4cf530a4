"""Estimate: what a run will take, before running it, from the numbers of the scenario.

Counts what a run is made of (machines, chunks, operations, expected repairs, flows) and weighs each with a cost
that was measured on one core of a 2 GHz-class server. Other machines and closed loads, whose operations depend on
how fast the simulated cluster is, make the time uncertain by a factor of :data:`ERROR_FACTOR` either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feitian_sim.kernel import SECOND
from feitian_sim.scenario import Loaded

#: The true time lies between the estimate divided by this and multiplied by it, for open loads.
ERROR_FACTOR = 3.0

# Wall seconds per piece, measured (see the module's docstring).
_START_S = 1.5
_PER_RUN_S = 0.3
_PER_CHUNK_S = 3e-6
_PER_REPLICA_BATCH_S = 2e-7
_PER_OPERATION_CHUNK_S = 0.9e-3
_PER_OPERATION_S = 0.6e-3
# Each clone that starts or ends has the rates of those beside it computed again.
_PER_REPAIR_S = 1e-3
_CLONES_AS_DEAR_AS_ONE = 30
_PER_FLOW_S = 4e-4
_PER_SAMPLE_S = 1e-3
_FIGURES_S = 6.0
# Bytes per piece.
_START_BYTES = 250 << 20
_PER_MACHINE_BYTES = 60_000
_PER_CHUNK_BYTES = 250
_PER_OPERATION_BYTES = 900
_PER_REPAIR_BYTES = 500
#: A closed client waits at least this for an operation of a chunk: what one disk takes for it.
_CHUNK_TIME_S = 0.5


@dataclass(frozen=True, slots=True)
class Estimated:
    """The pieces of one run, and what all runs will take."""

    machines: int
    chunks: int
    operations: int
    repairs: int
    runs: int
    wall_seconds: float
    memory_bytes: int
    error_factor: float = ERROR_FACTOR


def estimate(loaded: Loaded) -> Estimated:
    """What running this scenario will take."""
    scenario = loaded.scenario
    chunks, replicas, chunk_bytes = _dataset(scenario.pangu)
    duration_s = scenario.duration / SECOND
    loads = [_operations(load, duration_s, chunk_bytes, scenario.cluster.server_count) for load in scenario.load]
    operations = sum(count for count, _ in loads)
    moved_chunks = sum(count * per_operation for count, per_operation in loads)
    machines = scenario.cluster.server_count
    repairs = round(sum(_lost_share(fault, scenario, duration_s) for fault in scenario.faults) * chunks * replicas)
    samples = duration_s / (scenario.sampling_ns / SECOND)
    per_run_s = (
        _PER_RUN_S
        + chunks * (_PER_CHUNK_S + replicas * _PER_REPLICA_BATCH_S)
        + operations * _PER_OPERATION_S
        + moved_chunks * _PER_OPERATION_CHUNK_S
        + repairs * _PER_REPAIR_S * (1 + _clones(scenario) / _CLONES_AS_DEAR_AS_ONE)
        + samples * _PER_SAMPLE_S
    )
    memory = (
        _START_BYTES
        + machines * _PER_MACHINE_BYTES
        + chunks * _PER_CHUNK_BYTES
        + operations * _PER_OPERATION_BYTES
        + repairs * _PER_REPAIR_BYTES
    )
    wall_s = _START_S + scenario.runs * per_run_s + _FIGURES_S
    return Estimated(machines, chunks, round(operations), repairs, scenario.runs, wall_s, round(memory))


def _clones(scenario: Any) -> float:
    """Clones that run at once in the cluster."""
    if scenario.pangu is None:
        return 0.0
    repair = scenario.pangu.repair
    if repair.per_cluster is not None:
        return float(repair.per_cluster)
    return float(repair.per_cluster_share) * float(scenario.cluster.server_count)


def _dataset(pangu: Any) -> tuple[int, int, int]:
    """Chunks, replicas of each, and bytes of a chunk."""
    if pangu is None:
        return 0, 0, 1
    if pangu.dataset is None:
        return 0, pangu.replicas, pangu.chunk_size
    # The last chunk of each file is half full on average.
    files = pangu.dataset.bytes / max(pangu.dataset.file_size.expected(), 1)
    return round(pangu.dataset.bytes / pangu.chunk_size + files / 2), pangu.replicas, pangu.chunk_size


def _operations(load: Any, duration_s: float, chunk_bytes: int, servers: int) -> tuple[float, float]:
    """Operations of a load in one run, and chunks that each touches."""
    if load.kind == "flows":
        # The length of the trace is not known without reading it; a flow weighs less than an operation.
        return 10_000 * _PER_FLOW_S / _PER_OPERATION_S, 0.0
    until_s = duration_s if load.stop is None else min(duration_s, load.stop / SECOND)
    span_s = max(0.0, until_s - load.start / SECOND)
    size_bytes = _mean_bytes(load, chunk_bytes)
    chunks = max(1.0, size_bytes / chunk_bytes)
    if load.arrival is not None:
        count = load.arrival.rate * span_s
    else:
        think_s = load.think.expected() / SECOND if load.think is not None else 0.0
        count = load.client_count(servers) * span_s / (think_s + _CHUNK_TIME_S * size_bytes / chunk_bytes)
    if load.limit is not None:
        count = min(count, load.limit)
    return count, chunks if load.kind != "requests" else 0.0


def _mean_bytes(load: Any, chunk_bytes: int) -> float:
    for key in ("file_size", "record_size", "read_size"):
        size = getattr(load, key, None)
        if size is not None:
            return float(size.expected())
    return float(chunk_bytes)


def _lost_share(fault: Any, scenario: Any, duration_s: float) -> float:
    """Share of all replicas that a fault makes the cluster copy again, over all its strikes."""
    cluster = scenario.cluster
    units = {
        "machine": cluster.server_count,
        "disk": cluster.server_count * max(cluster.machine.disks, 1),
        "rack": cluster.racks,
        "role": cluster.server_count,
    }.get(fault.unit, 0)
    if not units or fault.kind in ("machine-slow", "disk-slow", "disk-bitrot", "disk-sector-error"):
        return 0.0
    targets = units if fault.target is not None and fault.target.mode == "all" else 1
    share: float = _strikes(fault, duration_s) * targets / units
    return min(1.0, share) if fault.at is not None else share


def _strikes(fault: Any, duration_s: float) -> float:
    """Expected strikes of one target."""
    if fault.at is not None:
        return 1.0
    if fault.every is not None:
        return duration_s / float(fault.every / SECOND)
    if fault.rate is not None:
        return float(fault.rate) * duration_s
    if fault.distribution is not None:
        return duration_s / max(float(fault.distribution.expected()) / SECOND, 1.0)
    # A trace: its rows are not known without reading it.
    return 10.0
