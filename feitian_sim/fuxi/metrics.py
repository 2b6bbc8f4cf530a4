"""What is measured of Fuxi: jobs, resources, decisions, fail-overs and failures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from feitian_sim.fuxi.job.metrics import DECIDING_METRICS
from feitian_sim.fuxi.packages.metrics import PACKAGE_METRICS
from feitian_sim.fuxi.service.metrics import SERVICE_METRICS
from feitian_sim.kernel.metric import Measured, Metric, Tables

_USAGE, _DECISIONS, _JOB, _QUOTA = "fuxi.usage", "fuxi.decisions", "fuxi.job_ended", "fuxi.quota"
_PHASES = "fuxi.task_phases"
_ENDED, _SUBMITTED, _STARTED = "fuxi.app_ended", "fuxi.app_submitted", "fuxi.app_started"
#: A group is short of its quota from this share of the cell on: less is a unit that does not fit.
_SHORT = 0.02
Floats = npt.NDArray[np.float64]


# Jobs


def _jobs(tables: Tables) -> npt.NDArray[np.str_]:
    """Names of the applications that are jobs."""
    columns = tables.columns(_SUBMITTED)
    if not columns:
        return np.zeros(0, dtype=np.str_)
    names: npt.NDArray[np.str_] = columns["app"][columns["app_kind"].astype(str) == "job"].astype(str)
    return names


def _ended(tables: Tables, *, ok: bool, settled: bool = False) -> dict[str, npt.NDArray[np.generic]]:
    columns = tables.settled(_ENDED) if settled else dict(tables.columns(_ENDED))
    if not columns:
        return {}
    chosen = (columns["ok"].astype(bool) == ok) & np.isin(columns["app"].astype(str), _jobs(tables))
    return {name: values[chosen] for name, values in columns.items()}


def _submitted(tables: Tables) -> Measured:
    return float(len(_jobs(tables))) if tables.count(_SUBMITTED) else None


def _ended_count(ok: bool) -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        if not tables.count(_SUBMITTED):
            return None
        return float(len(_ended(tables, ok=ok).get("time_s", ())))

    return measured


def _open(tables: Tables) -> Measured:
    if not tables.count(_SUBMITTED):
        return None
    ended = sum(len(_ended(tables, ok=ok).get("time_s", ())) for ok in (True, False))
    return float(len(_jobs(tables)) - ended)


def _completion(tables: Tables) -> Measured:
    ended = _ended(tables, ok=True, settled=True)
    return np.asarray(ended["ran_s"], dtype=np.float64) if ended else None


def _slowdown(tables: Tables) -> Measured:
    ended, told = _ended(tables, ok=True, settled=True), tables.columns(_JOB)
    if not ended or not told:
        return None
    critical = dict(zip(told["job"].astype(str).tolist(), told["critical_s"].tolist(), strict=True))
    best = np.array([critical.get(str(app), 0.0) for app in ended["app"].tolist()], dtype=np.float64)
    ran = np.asarray(ended["ran_s"], dtype=np.float64)
    return ran[best > 0] / best[best > 0]


def _master_starts(tables: Tables) -> Measured:
    started, submitted = tables.columns(_STARTED), tables.columns(_SUBMITTED)
    if not started or not submitted:
        return None
    of_jobs = np.isin(submitted["app"].astype(str), _jobs(tables))
    since = dict(zip(submitted["app"][of_jobs].astype(str).tolist(), submitted["time_s"][of_jobs].tolist(), strict=True))
    first: dict[str, float] = {}
    for app, time_s in zip(started["app"].astype(str).tolist(), started["time_s"].tolist(), strict=True):
        first.setdefault(app, time_s)
    waits = [time_s - since[app] for app, time_s in first.items() if app in since and time_s >= tables.warmup_s]
    return np.array(waits, dtype=np.float64)


def _weighted(column: str, weight: str) -> Callable[[Tables], Measured]:
    """Mean of a job's mean over all that it is the mean of."""

    def measured(tables: Tables) -> Measured:
        columns = tables.settled(_JOB)
        total = float(np.sum(columns[weight])) if columns else 0.0
        return float(np.sum(columns[column] * columns[weight])) / total if total else None

    return measured


def _overhead(tables: Tables) -> Measured:
    """The three overheads of the paper's table 2, each a mean, over the mean time of a job."""
    took, masters = _completion(tables), _master_starts(tables)
    workers = _weighted("worker_start_s", "workers")(tables)
    instances = _weighted("instance_overhead_s", "attempts")(tables)
    if took is None or masters is None or workers is None or instances is None:
        return None
    if not np.size(took) or not np.size(masters):
        return None
    total = float(np.mean(masters)) + float(np.mean(workers)) + float(np.mean(instances))
    return total / float(np.mean(took))


def _summed(column: str) -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        columns = tables.columns(_JOB)
        return float(np.sum(columns[column])) if columns else None

    return measured


def _reruns(tables: Tables) -> Measured:
    columns = tables.columns(_JOB)
    if not columns:
        return None
    # Of a job that failed nobody knows which instances had a first attempt.
    well = columns["ok"].astype(bool)
    return float(np.sum((columns["attempts"] - columns["instances"] - columns["backups"])[well]))


def _near(*columns: str) -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        told = tables.columns(_JOB)
        if not told:
            return None
        total = float(sum(np.sum(told[name]) for name in ("on_machine", "in_rack", "elsewhere")))
        return float(sum(np.sum(told[name]) for name in columns)) / total if total else None

    return measured


def _phase(column: str) -> Callable[[Tables], Measured]:
    """Of all the time that instances spent on their workers, the share of one phase."""

    def measured(tables: Tables) -> Measured:
        columns = tables.settled(_PHASES)
        if not columns:
            return None
        total = float(sum(np.sum(columns[name]) for name in ("read_s", "compute_s", "write_s")))
        return float(np.sum(columns[column])) / total if total else None

    return measured


# Resources


def _share(resource: str, column: str) -> Callable[[Tables], Measured]:
    """Mean over time of a column over the capacity; samples are at equal distances."""

    def measured(tables: Tables) -> Measured:
        columns = tables.settled(_USAGE)
        if not columns:
            return None
        chosen = (columns["resource"].astype(str) == resource) & (columns["capacity"] > 0)
        if not chosen.any():
            return None
        return float(np.mean(columns[column][chosen] / columns["capacity"][chosen]))

    return measured


def _shortfall(tables: Tables) -> Measured:
    columns = tables.settled(_QUOTA)
    if not columns or not len(columns["time_s"]):
        return None
    due = np.minimum(columns["guaranteed_ratio"], columns["wanted_ratio"])
    return float(np.max(np.maximum(due - columns["share_ratio"], 0.0)))


def _quota_wait(tables: Tables) -> Measured:
    """The longest time between a sample at which a group was short and the first after it at which it was not."""
    columns = tables.columns(_QUOTA)
    if not columns:
        return None
    due = np.minimum(columns["guaranteed_ratio"], columns["wanted_ratio"])
    short = due - columns["share_ratio"] > _SHORT
    names, longest = columns["group"].astype(str), 0.0
    for name in np.unique(names).tolist():
        since: float | None = None
        for time_s, is_short in zip(columns["time_s"][names == name], short[names == name], strict=True):
            since = None if not is_short else time_s if since is None else since
            longest = longest if since is None else max(longest, float(time_s - since))
    return longest


# Decisions and fail-overs


def _decision_mean(tables: Tables) -> Measured:
    columns = tables.settled(_DECISIONS)
    count = float(np.sum(columns["count"])) if columns else 0.0
    return float(np.sum(columns["total_s"])) / count if count else None


def _decision_longest(tables: Tables) -> Measured:
    columns = tables.settled(_DECISIONS)
    return float(np.max(columns["longest_s"])) if columns and np.sum(columns["count"]) else None


def _decision_rate(tables: Tables) -> Measured:
    columns = tables.settled(_DECISIONS)
    if not columns:
        return None
    return float(np.sum(columns["count"])) / max(1e-9, tables.duration_s - tables.warmup_s)


def _failovers(tables: Tables) -> Measured:
    """Of each fail-over: from the old FuxiMaster's end until the new one grants."""
    ready, stopped = tables.column("fuxi.master_ready", "time_s"), tables.column("fuxi.master_stopped", "time_s")
    if not len(ready):
        return None
    gaps: list[tuple[float, float]] = []
    for time_s in np.sort(stopped):
        later = ready[ready > time_s]
        # Who stops twice before another is ready counts from the first.
        if len(later) and (not gaps or float(np.min(later)) != gaps[-1][1]):
            gaps.append((float(time_s), float(np.min(later))))
    return np.array([end - start for start, end in gaps], dtype=np.float64)


def _count(kind: str) -> Callable[[Tables], Measured]:
    return lambda tables: float(tables.count(kind)) if tables.count("fuxi.master_ready") else None


_LEVELS = {
    "requested": ("wanted", "granted or waited for"),
    "planned": ("planned", "granted by the FuxiMaster, and not known to it to be free again (FM_planned)"),
    "obtained": ("obtained", "held by applications as far as they know (AM_obtained)"),
    "used": ("used", "of the processes that Tubos have (FA_planned)"),
}

_RESOURCES = tuple(
    Metric(
        f"fuxi.{resource}_{name}_ratio",
        "",
        f"Share of all machines' {resource} that is {words}: mean of fuxi.usage's {column} over capacity, after warm-up.",
        _share(resource, column),
    )
    for resource in ("cpu", "memory")
    for name, (column, words) in _LEVELS.items()
)

_JOBS = (
    Metric("fuxi.jobs_submitted_count", "", "Jobs that the FuxiMaster has kept (fuxi.app_submitted).", _submitted),
    Metric("fuxi.jobs_finished_count", "", "Jobs that ended well (fuxi.app_ended with ok).", _ended_count(True)),
    Metric("fuxi.jobs_failed_count", "", "Jobs that ended otherwise (fuxi.app_ended without ok).", _ended_count(False)),
    Metric("fuxi.jobs_open_count", "", "Jobs that were submitted and had not ended at the end of the run.", _open),
    Metric(
        "fuxi.job_completion_s",
        "s",
        "From a job's submission until it has ended well, of those that ended after the warm-up (fuxi.app_ended).",
        _completion,
        statistics=True,
    ),
    Metric(
        "fuxi.job_slowdown_ratio",
        "",
        "fuxi.job_completion_s over the job's critical path (fuxi.job_ended: the longest way through its graph, each "
        "task as long as its longest instance computes).",
        _slowdown,
        statistics=True,
    ),
    Metric(
        "fuxi.job_master_start_s",
        "s",
        "From a job's submission until its first JobMaster runs (fuxi.app_started less fuxi.app_submitted), after the "
        "warm-up.",
        _master_starts,
        statistics=True,
    ),
    Metric(
        "fuxi.worker_start_s",
        "s",
        "Mean time from the order to start a worker until it is ready, over all workers of jobs that ended after the "
        "warm-up (fuxi.job_ended).",
        _weighted("worker_start_s", "workers"),
    ),
    Metric(
        "fuxi.instance_overhead_s",
        "s",
        "Mean time that an attempt took as its JobMaster saw it beyond what it took on its worker (fuxi.job_ended).",
        _weighted("instance_overhead_s", "attempts"),
    ),
    Metric(
        "fuxi.overhead_ratio",
        "",
        "Means of fuxi.job_master_start_s, fuxi.worker_start_s and fuxi.instance_overhead_s together over the mean of "
        "fuxi.job_completion_s, as in table 2 of the Fuxi paper.",
        _overhead,
    ),
    Metric("fuxi.instances_count", "", "Instances of all jobs that ended (fuxi.job_ended).", _summed("instances")),
    Metric(
        "fuxi.attempts_count",
        "",
        "Attempts begun of these instances by the last JobMaster of each job: retries and backups are more.",
        _summed("attempts"),
    ),
    Metric(
        "fuxi.reruns_count",
        "",
        "Attempts beyond the first of each instance and its backups, of all jobs that ended well (fuxi.job_ended).",
        _reruns,
    ),
    Metric("fuxi.attempts_failed_count", "", "Attempts that failed, of all jobs that ended.", _summed("failed")),
    Metric("fuxi.backups_count", "", "Backup instances begun, of all jobs that ended.", _summed("backups")),
    Metric(
        "fuxi.machine_local_ratio",
        "",
        "Share of the instances with input that ran on a machine which had it (fuxi.job_ended).",
        _near("on_machine"),
    ),
    Metric(
        "fuxi.rack_local_ratio",
        "",
        "Share of the instances with input that ran on a machine, or in a rack, which had it (fuxi.job_ended).",
        _near("on_machine", "in_rack"),
    ),
)

_PARTS = {
    "read": "reading their input, the shuffle included",
    "compute": "computing",
    "write": "writing their output",
}

_TIMES = tuple(
    Metric(
        f"fuxi.instance_{phase}_ratio",
        "",
        f"Share of {words} in the time of all instances on their workers, of tasks that ended after the warm-up "
        "(fuxi.task_phases).",
        _phase(f"{phase}_s"),
    )
    for phase, words in _PARTS.items()
)

METRICS: tuple[Metric, ...] = (
    *_JOBS,
    *PACKAGE_METRICS,
    *SERVICE_METRICS,
    *_TIMES,
    *_RESOURCES,
    Metric(
        "fuxi.quota_shortfall_ratio",
        "",
        "Largest amount by which a quota group had less than it was guaranteed and wanted, as a share of the cell, at "
        "any sample after the warm-up (fuxi.quota).",
        _shortfall,
    ),
    Metric(
        "fuxi.quota_wait_s",
        "s",
        "Longest time for which a quota group had less than it was guaranteed and wanted by more than 2 % of the cell, "
        "between samples (fuxi.quota).",
        _quota_wait,
    ),
    Metric(
        "fuxi.decision_s",
        "s",
        "Mean simulated time from a request's arrival at the FuxiMaster until it is decided, queueing included "
        "(fuxi.decisions), after the warm-up.",
        _decision_mean,
    ),
    Metric("fuxi.decision_longest_s", "s", "The longest of these times after the warm-up.", _decision_longest),
    *DECIDING_METRICS,
    Metric("fuxi.decisions_per_s", "1/s", "Requests decided per second after the warm-up.", _decision_rate),
    Metric(
        "fuxi.failover_s",
        "s",
        "From the end of a FuxiMaster (fuxi.master_stopped) until the next one grants (fuxi.master_ready).",
        _failovers,
        statistics=True,
    ),
    Metric("fuxi.machines_lost_count", "", "Number of fuxi.machine_lost facts.", _count("fuxi.machine_lost")),
    Metric("fuxi.machines_disabled_count", "", "Number of fuxi.machine_disabled facts.", _count("fuxi.machine_disabled")),
)
