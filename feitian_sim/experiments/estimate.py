"""Estimate: what a run will take, before running it, from the numbers of the scenario.

Counts what a run is made of (machines, chunks, operations, expected repairs, flows) and weighs each with a cost
that was measured on one core of a 2 GHz-class server. Other machines and closed loads, whose operations depend on
how fast the simulated cluster is, make the time uncertain by a factor of :data:`ERROR_FACTOR` either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from feitian_sim.experiments.estimate_jobs import JOB_LOADS, job_operations
from feitian_sim.experiments.estimate_moves import foreseen_moves
from feitian_sim.experiments.estimate_services import SERVICE_LOADS, service_operations
from feitian_sim.kernel import SECOND
from feitian_sim.scenario import Loaded

#: The true time lies between the estimate divided by this and multiplied by it.
ERROR_FACTOR = 2.0

# Wall seconds per piece, measured (see the module's docstring).
_START_S = 1.2
_FIGURES_S = 1.5
_PER_RUN_S = 0.2
_PER_CHUNK_S = 1e-6
_PER_REPLICA_S = 2e-7
_PER_OPERATION_S = 0.15e-3
_PER_CHUNK_READ_S = 0.3e-3
# With its replicas, and its entry in the master's log.
_PER_WRITE_REQUEST_S = 0.65e-3
_PER_REPAIR_S = 0.6e-3
# With the plan that it comes from, made anew at every interval.
_PER_MOVE_S = 1.3e-3
_PER_FLOW_S = 5e-5
_PER_REQUEST_S = 4e-5
_PER_SAMPLE_S = 1e-3
# Bytes per piece.
_START_BYTES = 330 << 20
_PER_MACHINE_BYTES = 60_000
_PER_CHUNK_BYTES = 150
_PER_OPERATION_BYTES = 3_000
_PER_REPAIR_BYTES = 2_000
#: Flows of a trace, whose length is not known without reading it.
_FLOWS = 10_000


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
    loads = [_operations(load, loaded, duration_s, chunk_bytes) for load in scenario.load]
    operations = sum(count for count, _ in loads)
    machines = scenario.cluster.server_count
    repairs = round(sum(_lost_share(fault, scenario, duration_s) for fault in scenario.faults) * chunks * replicas)
    samples = duration_s / (scenario.sampling_ns / SECOND)
    moves = foreseen_moves(loaded, chunks * replicas, _mean_chunk_bytes(scenario.pangu, chunks, chunk_bytes) or 1.0)
    per_run_s = (
        _PER_RUN_S
        + sum(moved for _, _, moved in moves) * _PER_MOVE_S
        + chunks * (_PER_CHUNK_S + replicas * _PER_REPLICA_S)
        + sum(count * each_s for count, each_s in loads)
        + repairs * _PER_REPAIR_S
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


def work_profile(loaded: Loaded) -> Callable[[float], float]:
    """The share of a run's work that lies before an instant (seconds): loads while they run, repairs after faults."""
    scenario = loaded.scenario
    duration_s = scenario.duration / SECOND
    chunks, replicas, chunk_bytes = _dataset(scenario.pangu)
    samples = duration_s / (scenario.sampling_ns / SECOND)
    pieces = [(0.0, duration_s, samples * _PER_SAMPLE_S)]
    for load in scenario.load:
        count, each_s = _operations(load, loaded, duration_s, chunk_bytes)
        stop_s = getattr(load, "stop", None)
        end_s = duration_s if stop_s is None else min(duration_s, stop_s / SECOND)
        pieces.append((load.start / SECOND, end_s, count * each_s))
    for fault in scenario.faults:
        repairs = _lost_share(fault, scenario, duration_s) * chunks * replicas
        mean_bytes = _mean_chunk_bytes(scenario.pangu, chunks, chunk_bytes)
        pieces.append((*_repairing_s(fault, scenario, repairs, duration_s, mean_bytes), repairs * _PER_REPAIR_S))
    moves = foreseen_moves(loaded, chunks * replicas, _mean_chunk_bytes(scenario.pangu, chunks, chunk_bytes) or 1.0)
    pieces += [(begin_s, end_s, moved * _PER_MOVE_S) for begin_s, end_s, moved in moves]
    total_s = sum(weight_s for _, _, weight_s in pieces)

    def done(time_s: float) -> float:
        return sum(weight_s * _share(time_s, *span) for *span, weight_s in pieces) / total_s

    return done


def _share(time_s: float, start_s: float, end_s: float) -> float:
    return min(1.0, max(0.0, (time_s - start_s) / max(end_s - start_s, 1e-9)))


def _repairing_s(fault: Any, scenario: Any, repairs: float, duration_s: float, chunk_bytes: float) -> tuple[float, float]:
    """From when to when the repairs of a fault run, if all slots work at the limit on repairs."""
    if fault.at is None or scenario.pangu is None:
        return 0.0, duration_s
    pangu, servers = scenario.pangu, scenario.cluster.server_count
    repair = pangu.repair
    slots = repair.per_cluster if repair.per_cluster is not None else max(1.0, repair.per_cluster_share * servers)
    begin_s = (fault.at + pangu.heartbeat.timeout) / SECOND
    each_s = chunk_bytes * 8 / repair.rate + repair.dispatch_cost / SECOND
    return begin_s, min(duration_s, begin_s + repairs * each_s / slots)


def _mean_chunk_bytes(pangu: Any, chunks: int, chunk_bytes: int) -> float:
    return float(pangu.dataset.bytes / chunks) if chunks else float(chunk_bytes)


def _dataset(pangu: Any) -> tuple[int, int, int]:
    """Chunks, replicas of each, and bytes of a chunk."""
    if pangu is None:
        return 0, 0, 1
    if pangu.dataset is None:
        return 0, pangu.replicas, pangu.chunk_size
    # The last chunk of each file is half full on average.
    files = pangu.dataset.bytes / max(pangu.dataset.file_size.expected(), 1)
    return round(pangu.dataset.bytes / pangu.chunk_size + files / 2), pangu.replicas, pangu.chunk_size


def _operations(load: Any, loaded: Loaded, duration_s: float, chunk_bytes: int) -> tuple[float, float]:
    """Operations of a load in one run, and the wall seconds that each takes."""
    scenario = loaded.scenario
    if load.kind in JOB_LOADS:
        return job_operations(load, loaded, duration_s)
    if load.kind == "flows":
        return _FLOWS, _PER_FLOW_S
    if load.kind in SERVICE_LOADS:
        return service_operations(load, scenario, duration_s)
    until_s = duration_s if load.stop is None else min(duration_s, load.stop / SECOND)
    span_s = max(0.0, until_s - load.start / SECOND)
    if load.kind == "requests":
        count = load.arrival.rate * span_s
        return (count if load.limit is None else min(count, load.limit)), _PER_REQUEST_S
    size_bytes = _mean_bytes(load, chunk_bytes)
    each_s = _PER_OPERATION_S + _requests_s(load, size_bytes, chunk_bytes)
    if load.arrival is not None:
        count = load.arrival.rate * span_s
    else:
        think_s = load.think.expected() / SECOND if load.think is not None else 0.0
        clients = load.client_count(scenario.cluster.server_count)
        count = clients * span_s / (think_s + _simulated_s(load, scenario, size_bytes, chunk_bytes))
    return (count if load.limit is None else min(count, load.limit)), each_s


def _requests_s(load: Any, size_bytes: float, chunk_bytes: int) -> float:
    """Wall seconds for what one operation asks of chunk servers."""
    reads = max(1.0, size_bytes / chunk_bytes) * _PER_CHUNK_READ_S
    writes = max(1.0, size_bytes / (getattr(load, "write_size", None) or chunk_bytes)) * _PER_WRITE_REQUEST_S
    if load.kind != "mix":
        return reads if load.kind == "read" else writes
    weights = load.ratios.read, load.ratios.write + load.ratios.append
    return float((weights[0] * reads + weights[1] * writes) / sum(weights))


def _simulated_s(load: Any, scenario: Any, size_bytes: float, chunk_bytes: int) -> float:
    """Simulated seconds that an operation takes at least: at the pace of the client's card or of a disk."""
    cluster, request = scenario.cluster, scenario.pangu.request
    disk = cluster.machine.disk_config
    disk_bps = min(disk.read_bandwidth, disk.write_bandwidth)
    requests = max(1.0, size_bytes / (getattr(load, "write_size", None) or chunk_bytes))
    cost_s = (request.read_cost if load.kind == "read" else request.write_cost) / SECOND
    moving_s = size_bytes * 8 / float(min(cluster.client_nic_bps, disk_bps))
    return float(moving_s + requests * cost_s + 0.02)


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
    keeps = fault.kind == "machine-slow" or getattr(fault, "strikes_messages", False)
    keeps = keeps or (fault.unit == "disk" and fault.kind not in ("disk-fail", "disk-wiped"))
    if not units or keeps:
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
