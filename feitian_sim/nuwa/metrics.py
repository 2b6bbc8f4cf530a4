"""What is measured of Nuwa."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel.metric import Column, Measured, Metric, Tables

_OPERATION = "nuwa.operation"
_WRITES = ("create", "put", "delete", "multi")


def _of_loads(tables: Tables, columns: Mapping[str, Column]) -> Mapping[str, Column]:
    """Operations of the clients of nuwa loads: the platform's own clients are not measured with them."""
    loads = tuple(f"{load}-" for load in tables.column("nuwa.account", "load").astype(str))
    if not columns or not loads:
        return {}
    owners = columns["owner"].astype(str)
    kept = np.logical_or.reduce([np.char.startswith(owners, load) for load in loads])
    return {name: column[kept] for name, column in columns.items()}


def _latencies(tables: Tables, *, writes: bool) -> npt.NDArray[np.float64] | None:
    columns = _of_loads(tables, tables.settled(_OPERATION))
    if not columns:
        return None
    chosen = np.isin(columns["op"].astype(str), _WRITES) == writes
    good = chosen & (columns["error"].astype(str) == "")
    found: npt.NDArray[np.float64] = np.asarray(columns["time_s"] - columns["start_s"], dtype=np.float64)[good]
    return found


def _latency(writes: bool) -> Callable[[Tables], Measured]:
    return lambda tables: _latencies(tables, writes=writes)


def _rate(writes: bool) -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        found = _latencies(tables, writes=writes)
        return None if found is None else len(found) / max(1e-9, tables.duration_s - tables.warmup_s)

    return measured


def _pause(writes: bool) -> Callable[[Tables], Measured]:
    """Longest time in which no operation of the kind succeeded."""

    def measured(tables: Tables) -> Measured:
        columns = _of_loads(tables, tables.columns(_OPERATION))
        if not columns:
            return None
        good = (np.isin(columns["op"].astype(str), _WRITES) == writes) & (columns["error"].astype(str) == "")
        times = np.sort(np.asarray(columns["time_s"], dtype=np.float64)[good])
        return float(np.max(np.diff(times))) if len(times) > 1 else None

    return measured


def _count(kind: str) -> Callable[[Tables], Measured]:
    return lambda tables: float(tables.count(kind))


METRICS: tuple[Metric, ...] = (
    Metric(
        "nuwa.read_latency_s",
        "s",
        "From a read of a nuwa load to its answer, over those that succeeded after the warm-up (nuwa.operation).",
        _latency(False),
        statistics=True,
    ),
    Metric(
        "nuwa.write_latency_s",
        "s",
        "From a create, put, delete or multi of a nuwa load to its answer, over those that succeeded after the warm-up.",
        _latency(True),
        statistics=True,
    ),
    Metric("nuwa.reads_per_s", "1/s", "Reads that succeeded, over the time after the warm-up.", _rate(False)),
    Metric("nuwa.writes_per_s", "1/s", "Writes that succeeded, over the time after the warm-up.", _rate(True)),
    Metric(
        "nuwa.write_pause_s",
        "s",
        "Longest time between two writes that succeeded, of whichever clients.",
        _pause(True),
    ),
    Metric(
        "nuwa.read_pause_s",
        "s",
        "Longest time between two reads that succeeded, of whichever clients.",
        _pause(False),
    ),
    Metric("nuwa.sessions_expired_count", "", "Sessions that the leader declared over.", _count("nuwa.session_expired")),
    Metric("nuwa.watches_fired_count", "", "Changes of which a client was told.", _count("nuwa.watch_fired")),
)
