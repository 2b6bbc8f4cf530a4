"""Estimate of the loads of the base services: how many operations, and the wall time of each."""

from __future__ import annotations

from typing import Any

from feitian_sim.kernel import SECOND

SERVICE_LOADS = ("nuwa", "nuwa-history", "file-history", "lock", "rpc", "attack", "key-rotation")

# Wall seconds per piece, measured on the same core as those of `estimate`.
_PER_READ_S = 55e-6
_PER_FRESH_S = 120e-6
_PER_WRITE_S = 110e-6
_PER_WRITE_AND_SERVER_S = 45e-6
_PER_CALL_S = 45e-6
_PER_LOCK_S = 2.5e-3
_PER_ATTEMPT_S = 0.7e-3
# Simulated seconds that an operation takes at least, when nothing queues.
_READ_S = 150e-6
_CALL_S = 150e-6
_COUNTED = 30e-6


def service_operations(load: Any, scenario: Any, duration_s: float) -> tuple[float, float]:
    """Operations of a load in one run, and the wall seconds that each takes."""
    if load.kind in ("nuwa-history", "file-history"):
        count = load.clients * load.operations if load.script is None else len(load.script)
        return count, _PER_WRITE_S + scenario.coordination.servers * _PER_WRITE_AND_SERVER_S
    until_s = duration_s if load.stop is None else min(duration_s, load.stop / SECOND)
    span_s = max(0.0, until_s - load.start / SECOND)
    match load.kind:
        case "nuwa":
            return _nuwa(load, scenario, span_s)
        case "lock":
            cycle_s = load.hold.expected() / SECOND + _think_s(load)
            busy = min(load.clients, load.locks * (1 + _think_s(load) * SECOND / load.hold.expected()))
            touches = load.hold.expected() / load.touch_every
            return busy * span_s / cycle_s, _PER_LOCK_S + touches * _PER_CALL_S
        case "rpc":
            return _rpc(load, scenario, span_s)
        case "key-rotation":
            return span_s * SECOND / load.every, _PER_ATTEMPT_S
    return load.arrival.rate * span_s, _PER_ATTEMPT_S


def _nuwa(load: Any, scenario: Any, span_s: float) -> tuple[float, float]:
    ratios = load.ratios
    total = ratios.get + ratios.fresh + ratios.put + ratios.create
    writes = (ratios.put + ratios.create) / total
    servers = scenario.coordination.servers
    each_s = (
        ratios.get / total * _PER_READ_S
        + ratios.fresh / total * _PER_FRESH_S
        + writes * (_PER_WRITE_S + servers * _PER_WRITE_AND_SERVER_S)
    )
    if load.arrival is not None:
        count = load.arrival.rate * span_s
    else:
        disk_s = scenario.cluster.machine.disk_config.sync_latency / SECOND if writes else 0.0
        workers = load.client_count(scenario.cluster.server_count) * load.outstanding
        least_s = _READ_S + writes * disk_s + _think_s(load)
        # No server takes in messages faster than its proxy's one thread.
        most_per_s = servers * SECOND / scenario.kuafu.cpu_per_message / (1 + writes * 2 * servers)
        count = min(workers / least_s, most_per_s) * span_s
    return (count if load.limit is None else min(count, load.limit)), each_s


def _rpc(load: Any, scenario: Any, span_s: float) -> tuple[float, float]:
    machines = scenario.cluster.server_count
    callers = load.callers.per_machine * (len(load.callers.machines) if load.callers.machines else machines)
    if load.counted_above is not None and machines > load.counted_above:
        return callers * load.fanout, _COUNTED
    if load.arrival is not None:
        return load.arrival.rate * span_s, _PER_CALL_S
    servers = load.servers.per_machine * (len(load.servers.machines) if load.servers.machines else machines)
    count = callers * load.outstanding * span_s / (_CALL_S + _think_s(load))
    if load.service is not None:
        count = min(count, servers * span_s * SECOND / load.service.expected())
    return count, _PER_CALL_S


def _think_s(load: Any) -> float:
    return load.think.expected() / SECOND if load.think is not None else 0.0
