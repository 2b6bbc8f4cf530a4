"""What the loads of the base services measure: accounts of Nuwa, locks, calls, attempts to break in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel.metric import Measured, Metric, Tables

_CALL = "kuafu.call"
_TOUCHED = "nuwa.resource_touched"
_ATTEMPT = "zhongkui.attempt"


def _summed(kind: str, column: str) -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        found = tables.column(kind, column)
        return float(np.sum(found)) if len(found) else None

    return measured


def _values(kind: str, column: str) -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        columns = tables.settled(kind)
        return columns[column] if columns else None

    return measured


def _held_s(tables: Tables) -> Measured:
    columns = tables.settled("nuwa.lock_held")
    return columns["time_s"] - columns["start_s"] if columns else None


def _locks_lost(tables: Tables) -> Measured:
    ends = tables.column("nuwa.lock_held", "how").astype(str)
    return float(np.sum(ends == "lost")) if len(ends) else None


def _fenced(tables: Tables) -> Measured:
    accepted = tables.column(_TOUCHED, "accepted").astype(bool)
    return float(np.sum(~accepted)) if len(accepted) else None


def _call_latency(tables: Tables) -> Measured:
    columns = tables.settled(_CALL)
    if not columns:
        return None
    good = (columns["error"].astype(str) == "") & columns["measured"].astype(bool)
    found: npt.NDArray[np.float64] = np.asarray(columns["time_s"] - columns["start_s"], dtype=np.float64)[good]
    return found


def _calls_failed(tables: Tables) -> Measured:
    columns = tables.settled(_CALL)
    if not columns:
        return None
    return float(np.sum((columns["error"].astype(str) != "") & columns["measured"].astype(bool)))


def _calls_per_s(tables: Tables) -> Measured:
    latencies = _call_latency(tables)
    if latencies is None:
        return None
    return float(np.size(latencies)) / max(1e-9, tables.duration_s - tables.warmup_s)


def _held_bytes(tables: Tables) -> Measured:
    found = tables.column("kuafu.server_held", "most_bytes")
    return float(np.max(found)) if len(found) else None


def _attempts(tables: Tables) -> Measured:
    count = tables.count(_ATTEMPT)
    return float(count) if count else None


def _unauthorised(tables: Tables) -> Measured:
    refused = tables.column(_ATTEMPT, "refused").astype(str)
    return float(np.sum(refused == "")) if len(refused) else None


SERVICE_METRICS: tuple[Metric, ...] = (
    Metric(
        "nuwa.acknowledged_lost_count",
        "",
        "Files made or versions written, each acknowledged to a client of a nuwa load, that the servers do not have at "
        "the end (nuwa.account: lost).",
        _summed("nuwa.account", "lost"),
    ),
    Metric(
        "nuwa.failed_count",
        "",
        "Operations of nuwa loads that ended with an error (nuwa.account: failed).",
        _summed("nuwa.account", "failed"),
    ),
    Metric(
        "nuwa.lock_wait_s",
        "s",
        "From the wish for a lock to holding it, of each lock that was held (nuwa.lock_held: waited_s).",
        _values("nuwa.lock_held", "waited_s"),
        statistics=True,
    ),
    Metric(
        "nuwa.lock_held_s",
        "s",
        "How long each lock was held, until it was let go or was no longer certain.",
        _held_s,
        statistics=True,
    ),
    Metric(
        "nuwa.locks_lost_count",
        "",
        "Locks that their holder gave up since its session was no longer certain (nuwa.lock_held: how is lost).",
        _locks_lost,
    ),
    Metric(
        "nuwa.fenced_count",
        "",
        "Touches that guarded resources refused, since a newer holder had been there (nuwa.resource_touched).",
        _fenced,
    ),
    Metric(
        "kuafu.rpc_latency_s",
        "s",
        "From call to reply of each call of the measured rpc loads that was answered, after the warm-up (kuafu.call).",
        _call_latency,
        statistics=True,
    ),
    Metric(
        "kuafu.rpc_per_s",
        "1/s",
        "Calls of the measured rpc loads answered, over the time after the warm-up.",
        _calls_per_s,
    ),
    Metric(
        "kuafu.rpc_failed_count",
        "",
        "Calls of the measured rpc loads that ended with an error, after all retries (kuafu.call).",
        _calls_failed,
    ),
    Metric(
        "kuafu.server_held_bytes",
        "B",
        "Most bytes of requests that one server process of an rpc load held unanswered at any time (kuafu.server_held).",
        _held_bytes,
    ),
    Metric("zhongkui.attempts_count", "", "What compromised machines tried (zhongkui.attempt).", _attempts),
    Metric(
        "zhongkui.unauthorised_count",
        "",
        "Of these, those that a server carried out (zhongkui.attempt: refused is empty).",
        _unauthorised,
    ),
)
