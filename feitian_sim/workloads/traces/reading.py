"""Which format, which jobs: the window of time and the sample, in one pass over the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from feitian_sim.kernel import ScenarioError
from feitian_sim.workloads.traces.account import TraceAccount
from feitian_sim.workloads.traces.alibaba import read_2017, read_2018, read_hour
from feitian_sim.workloads.traces.job import TraceJob
from feitian_sim.workloads.traces.swf import read_swf
from feitian_sim.workloads.traces.swim import read_swim
from feitian_sim.workloads.traces.tpch import read_tpch
from feitian_sim.workloads.traces.wfformat import read_wfformat

Reader = Callable[[Path, TraceAccount], Iterator[TraceJob]]


@dataclass(frozen=True, slots=True)
class TraceFormat:
    """How a trace reads, what its durations are of, and whether it says when jobs arrive."""

    read: Reader
    duration_of: Literal["task", "instance", "bytes"]
    has_arrivals: bool
    what_it_is: str


FORMATS: Mapping[str, TraceFormat] = MappingProxyType(
    {
        "alibaba-2018": TraceFormat(
            read_2018, "task", True, "batch_task.csv of cluster-trace-v2018, published at github.com/alibaba/clusterdata"
        ),
        "alibaba-hour": TraceFormat(
            read_hour, "task", True, "jobs of cluster-trace-v2018 with arrivals, published at github.com/hsnlab/SLAMBUC"
        ),
        "alibaba-2017": TraceFormat(
            read_2017, "task", True, "batch_task.csv of cluster-trace-v2017, published at github.com/alibaba/clusterdata"
        ),
        "wfformat": TraceFormat(
            read_wfformat, "instance", False, "workflows in WfFormat, published at github.com/wfcommons/WfInstances"
        ),
        "swim": TraceFormat(
            read_swim, "bytes", True, "MapReduce jobs of Facebook, published at github.com/SWIMProjectUCB/SWIM"
        ),
        "tpch": TraceFormat(
            read_tpch, "instance", False, "TPC-H stage graphs, published at github.com/hongzimao/decima-sim"
        ),
        "swf": TraceFormat(
            read_swf, "instance", True, "a log in Standard Workload Format, published by the Parallel Workloads Archive"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which jobs of a trace.

    ``start_ns`` and ``length_ns`` are of the trace's clock; without a start the first kept job's arrival is time 0.
    ``sample``: the share of jobs kept, chosen by a hash of the name: a larger sample has the jobs of a smaller one.
    """

    start_ns: int | None = None
    length_ns: int | None = None
    sample: float = 1.0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class TraceReading:
    """Jobs by arrival, from time 0 on, and the account of what was read."""

    jobs: tuple[TraceJob, ...]
    account: TraceAccount


def read_jobs(format_name: str, paths: Sequence[Path], selection: Selection, *, keep_going: bool = False) -> TraceReading:
    """The selected jobs of all files together. Raises ScenarioError for files that are bad or leave nothing."""
    account = TraceAccount(keep_going)
    known = FORMATS[format_name]
    found = [job for path in paths for job in known.read(path, account) if _wanted(job, selection, account)]
    # Jobs of one instant stay in the order of the file.
    found.sort(key=lambda job: job.arrive_ns)
    start_ns = selection.start_ns if selection.start_ns is not None else found[0].arrive_ns if found else 0
    if selection.length_ns is not None:
        found = _cut(found, start_ns + selection.length_ns, account)
    if selection.limit is not None:
        account.drop("beyond the limit of jobs", sum(job.rows for job in found[selection.limit :]))
        found = found[: selection.limit]
    for job in found:
        account.kept += job.rows
        account.jobs += 1
        account.tasks += len(job.tasks)
        account.instances += job.instances
        account.edges += job.edges
    assert account.balanced(), account
    if not found:
        raise ScenarioError(_nothing_left(paths, account))
    return TraceReading(tuple(replace(job, arrive_ns=job.arrive_ns - start_ns) for job in found), account)


def _wanted(job: TraceJob, selection: Selection, account: TraceAccount) -> bool:
    if not in_sample(job.name, selection.sample):
        account.drop("not in the sample", job.rows)
        return False
    if selection.start_ns is None:
        return True
    if job.arrive_ns < selection.start_ns:
        account.drop("before the window", job.rows)
        return False
    if selection.length_ns is not None and job.arrive_ns >= selection.start_ns + selection.length_ns:
        account.drop("after the window", job.rows)
        return False
    return True


def _cut(jobs: list[TraceJob], end_ns: int, account: TraceAccount) -> list[TraceJob]:
    account.drop("after the window", sum(job.rows for job in jobs if job.arrive_ns >= end_ns))
    return [job for job in jobs if job.arrive_ns < end_ns]


def in_sample(name: str, share: float) -> bool:
    """Whether a job of that name is in a sample of that share of all."""
    if share >= 1:
        return True
    place = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
    return place < int(share * 2.0**64)


def _nothing_left(paths: Sequence[Path], account: TraceAccount) -> str:
    files = ", ".join(map(str, paths))
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(account.dropped.items()))
    return f"{files}: no job is left of {account.rows} rows ({reasons or 'the files are empty'})"
