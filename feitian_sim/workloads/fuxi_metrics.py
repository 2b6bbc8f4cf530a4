"""What is measured of loads of jobs: the rows of traces, and the account of what was submitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel.metric import Measured, Metric, Tables

_READ, _ACCOUNT = "fuxi.trace_read", "fuxi.load_account"


def _sum(kind: str, column: str) -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        columns = tables.columns(kind)
        return float(np.sum(columns[column])) if columns else None

    return measured


def _unaccounted(tables: Tables) -> Measured:
    columns = tables.columns(_ACCOUNT)
    if not columns:
        return None
    told = sum(columns[name] for name in ("asking", "refused", "finished", "failed", "running"))
    return float(np.sum(columns["begun"] - told))


def _answered(tables: Tables) -> dict[str, npt.NDArray[np.generic]]:
    columns = tables.settled("fuxi.service_request")
    if not columns:
        return {}
    ok = columns["ok"].astype(bool)
    return {name: values[ok] for name, values in columns.items()}


def _request_latency(tables: Tables) -> Measured:
    found = _answered(tables)
    if not found:
        return None
    return np.asarray(found["time_s"], dtype=np.float64) - np.asarray(found["start_s"], dtype=np.float64)


def _request_rate(tables: Tables) -> Measured:
    found = _answered(tables)
    return len(found["time_s"]) / max(1e-9, tables.duration_s - tables.warmup_s) if found else None


FUXI_LOAD_METRICS: tuple[Metric, ...] = (
    Metric(
        "fuxi.request_latency_s",
        "s",
        "From the first asking to the answer of each request to a service that was answered, retries and looks at the "
        "table included (fuxi.service_request), after the warm-up.",
        _request_latency,
        statistics=True,
    ),
    Metric(
        "fuxi.requests_per_s",
        "1/s",
        "Requests to services answered, over the time after the warm-up (fuxi.service_request).",
        _request_rate,
    ),
    Metric(
        "fuxi.requests_failed_count",
        "",
        "Requests to services that were not answered by their deadline (fuxi.service_account: failed).",
        _sum("fuxi.service_account", "failed"),
    ),
    Metric(
        "fuxi.request_retries_count",
        "",
        "Times that a request to a service was asked again, since its key was elsewhere or nobody answered "
        "(fuxi.service_account: retries).",
        _sum("fuxi.service_account", "retries"),
    ),
    Metric(
        "fuxi.trace_rows_count", "", "Rows of all traces of jobs that were read: kept and dropped.", _sum(_READ, "rows")
    ),
    Metric("fuxi.trace_kept_count", "", "Rows of traces whose jobs are replayed (fuxi.trace_read).", _sum(_READ, "kept")),
    Metric(
        "fuxi.trace_dropped_count",
        "",
        "Rows of traces that were left out, for the reasons in fuxi.trace_dropped.",
        _sum(_READ, "dropped"),
    ),
    Metric("fuxi.trace_jobs_count", "", "Jobs of traces that are replayed (fuxi.trace_read).", _sum(_READ, "jobs")),
    Metric("fuxi.trace_instances_count", "", "Instances of these jobs (fuxi.trace_read).", _sum(_READ, "instances")),
    Metric("fuxi.jobs_begun_count", "", "Jobs that loads have submitted (fuxi.load_account).", _sum(_ACCOUNT, "begun")),
    Metric("fuxi.jobs_refused_count", "", "Jobs that the FuxiMaster has refused.", _sum(_ACCOUNT, "refused")),
    Metric(
        "fuxi.jobs_running_count",
        "",
        "Jobs of loads that were kept and had not ended at the end of the run.",
        _sum(_ACCOUNT, "running"),
    ),
    Metric(
        "fuxi.jobs_lost_count",
        "",
        "Jobs that were kept, had not ended, and were unknown to the FuxiMaster that served at the end of the run.",
        _sum(_ACCOUNT, "lost"),
    ),
    Metric(
        "fuxi.jobs_unaccounted_count",
        "",
        "Jobs begun less those being asked for, refused, finished, failed and running (fuxi.load_account). 0 when every "
        "job is accounted for.",
        _unaccounted,
    ),
)
