"""WfFormat 1.5 (WfCommons, github.com/wfcommons/WfFormat): one recorded run of a scientific workflow a file, one job.

A task of the workflow has one instance, which takes ``runtimeInSeconds`` (0 where the execution does not say). Files that
no task writes are input from outside; those of other tasks come from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from feitian_sim.kernel import SECOND
from feitian_sim.workloads.traces.account import TraceAccount
from feitian_sim.workloads.traces.documents import BadDocumentError, member, number, read_document
from feitian_sim.workloads.traces.job import TraceJob, TraceTask, circle

VERSION = "1.5"


def read_wfformat(path: Path, account: TraceAccount) -> Iterator[TraceJob]:
    """The one job of the file, at time 0."""
    document = read_document(path, account)
    if document is None:
        return
    try:
        job = _job(path, document, account)
    except BadDocumentError as error:
        account.bad(path, 1, str(error))
        account.close()
        return
    account.jobs_read += 1
    account.rows += job.rows
    account.edges_read += job.edges
    if round_trip := circle(job.tasks):
        account.drop("its job goes in a circle", job.rows)
        account.note(f"circle in {job.name}: {' -> '.join(round_trip)}")
        return
    yield job


def _job(path: Path, document: Any, account: TraceAccount) -> TraceJob:
    version = member(document, "schemaVersion", str, "the document")
    if version != VERSION:
        account.note(f"schema version {version}, read as {VERSION}")
    workflow = member(document, "workflow", dict, "the document")
    specification = member(workflow, "specification", dict, "workflow")
    tasks = member(specification, "tasks", list, "workflow.specification")
    if not tasks:
        raise BadDocumentError("workflow.specification.tasks is empty")
    sizes = {
        member(one, "id", str, "a file"): round(number(one, "sizeInBytes", f"file {one.get('id')}"))
        for one in member(specification, "files", list, "workflow.specification", [])
    }
    executed = {
        member(one, "id", str, "a task of workflow.execution"): one
        for one in workflow.get("execution", {}).get("tasks", [])
    }
    positions = {member(task, "id", str, f"tasks[{index}]"): index for index, task in enumerate(tasks)}
    if len(positions) < len(tasks):
        raise BadDocumentError("two tasks of workflow.specification have the same id")
    produced = {name for task in tasks for name in task.get("outputFiles", ())}
    made = tuple(_task(task, positions, sizes, executed, produced, account) for task in tasks)
    name = path.name.removesuffix(".gz").removesuffix(".json")
    return TraceJob(0, name, made, rows=len(made))


def _task(
    task: Any,
    positions: dict[str, int],
    sizes: dict[str, int],
    executed: dict[str, Any],
    produced: set[str],
    account: TraceAccount,
) -> TraceTask:
    name = task["id"]
    where = f"task {name}"
    parents = member(task, "parents", list, where, [])
    unknown = [parent for parent in parents if parent not in positions]
    if unknown:
        raise BadDocumentError(f"{where} waits for {unknown[0]!r}, which the workflow does not have")
    run = executed.get(name, {})
    if not run:
        account.note("task without an execution: it takes no time")
    read = member(task, "inputFiles", list, where, [])
    return TraceTask(
        name,
        1,
        duration_ns=round(number(run, "runtimeInSeconds", where, 0) * SECOND),
        cpu_millicores=max(1, round(number(run, "coreCount", where, 1) * 1000)),
        memory_bytes=round(number(run, "memoryInBytes", where, 0)),
        parents=tuple(dict.fromkeys(positions[parent] for parent in parents)),
        input_bytes=sum(sizes.get(one, 0) for one in read if one not in produced),
        shuffle_bytes=sum(sizes.get(one, 0) for one in read if one in produced),
        output_bytes=sum(sizes.get(one, 0) for one in member(task, "outputFiles", list, where, [])),
    )
