"""TPC-H queries as stage graphs of Spark, with measured times (Decima, SIGCOMM 2019; github.com/hongzimao/decima-sim).

A query is a job, a stage a task. An instance takes the mean of the stage's measured times; Decima's rule that the first
wave on an executor is slower is left to the simulated start-up of workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from feitian_sim.kernel import MILLISECOND
from feitian_sim.workloads.traces.account import TraceAccount
from feitian_sim.workloads.traces.documents import BadDocumentError, member, number, read_document
from feitian_sim.workloads.traces.job import TraceJob, TraceTask, circle


def read_tpch(path: Path, account: TraceAccount) -> Iterator[TraceJob]:
    """One job a query and size, all at time 0."""
    queries = read_document(path, account)
    if queries is None:
        return
    if not isinstance(queries, list):
        account.bad(path, 1, "a list of queries is needed")
        account.close()
        return
    for index, query in enumerate(queries):
        try:
            job = _job(query, f"query [{index}]")
        except BadDocumentError as error:
            account.bad(path, 1, str(error))
            continue
        account.rows += job.rows
        account.jobs_read += 1
        account.edges_read += job.edges
        if circle(job.tasks):
            account.drop("its job goes in a circle", job.rows)
            continue
        yield job
    account.close()


def _job(query: Any, where: str) -> TraceJob:
    stages = member(query, "stages", list, where)
    if not stages:
        raise BadDocumentError(f"{where} has no stages")
    positions = {member(stage, "id", int, f"{where} stage"): index for index, stage in enumerate(stages)}
    parents: list[dict[int, None]] = [{} for _ in stages]
    for edge in member(query, "edges", list, where, []):
        if not isinstance(edge, list) or len(edge) != 2 or any(end not in positions for end in edge):
            raise BadDocumentError(f"{where} has the edge {edge!r}: two ids of its stages are needed")
        parents[positions[edge[1]]][positions[edge[0]]] = None
    tasks = []
    for stage, waits in zip(stages, parents, strict=True):
        instances = member(stage, "num_tasks", int, f"{where} stage {stage['id']}")
        if instances < 1:
            raise BadDocumentError(f"{where} stage {stage['id']} has {instances} tasks")
        duration_ns = round(number(stage, "mean_task_ms", where) * MILLISECOND)
        tasks.append(TraceTask(f"stage-{stage['id']}", instances, duration_ns, parents=tuple(waits)))
    name = f"q{member(query, 'query', int, where)}-{member(query, 'size', str, where)}"
    return TraceJob(0, name, tuple(tasks), rows=len(tasks))
