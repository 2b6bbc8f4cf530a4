"""Rows that name their job, one after the other, become jobs: graphs are closed over dropped tasks, circles refused.

Rows of one job stand together in every published file, so one job at a time is in memory. A job whose name comes up
again later is not joined to its first part, which is gone by then: those rows are dropped and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter

from feitian_sim.workloads.traces.account import TraceAccount
from feitian_sim.workloads.traces.dag_names import DagName
from feitian_sim.workloads.traces.job import TraceJob, TraceTask, circle


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One parsed row: a task of a job. ``dropped`` says why it cannot be used; its edges still hold."""

    job: str
    arrive_ns: int
    task: TraceTask
    dag: DagName
    dropped: str = ""


def grouped(rows: Iterable[TaskRow], account: TraceAccount) -> Iterator[TraceJob]:
    """The jobs of rows, in their order; kept rows are still to be counted by who takes the job."""
    # Digests of eight bytes: four million names of a whole trace would take half a gigabyte.
    seen: set[bytes] = set()
    for name, group in groupby(rows, key=attrgetter("job")):
        together = list(group)
        account.jobs_read += 1
        account.edges_read += sum(row.dag.written for row in together)
        digest = blake2b(name.encode(), digest_size=8).digest()
        if digest in seen:
            account.jobs_read -= 1
            account.drop("apart from the other rows of its job", len(together))
            continue
        seen.add(digest)
        job = _job(name, together, account)
        if job is not None:
            yield job


def _job(name: str, rows: list[TaskRow], account: TraceAccount) -> TraceJob | None:
    used: list[TaskRow] = []
    taken: set[tuple[str, int | None]] = set()
    for row in rows:
        same = (row.task.name if row.dag.number is None else "", row.dag.number)
        if row.dropped:
            account.drop(row.dropped)
        elif same in taken:
            account.drop("a task of that name again")
        else:
            taken.add(same)
            used.append(row)
    if not used:
        return None
    tasks = _connected(rows, used, account)
    if round_trip := circle(tasks):
        account.drop("its job goes in a circle", len(used))
        account.note(f"circle in {name}: {' -> '.join(round_trip)}")
        return None
    account.note("name cut at 50 characters: its last parent is not used", sum(row.dag.cut for row in used))
    return TraceJob(min(row.arrive_ns for row in used), name, tasks, rows=len(used))


def _connected(rows: list[TaskRow], used: list[TaskRow], account: TraceAccount) -> tuple[TraceTask, ...]:
    """Tasks with positions as parents. Who waited for a task that is dropped waits for what that one waited for."""
    positions = {row.dag.number: position for position, row in enumerate(used) if row.dag.number is not None}
    through = {row.dag.number: row.dag.parents for row in rows if row.dag.number is not None}
    tasks = []
    for row in used:
        parents: dict[int, None] = {}
        missing = own = False
        pending = list(row.dag.parents)
        passed: set[int] = set()
        while pending:
            number = pending.pop(0)
            if number == row.dag.number:
                own = True
            elif number in positions:
                parents[positions[number]] = None
            elif number not in passed:
                passed.add(number)
                missing = True
                pending.extend(through.get(number, ()))
        if missing:
            account.note("waits for a task that is not there: waits for what that one waited for")
        if own:
            account.note("waits for itself: that edge is not used")
        tasks.append(replace(row.task, parents=tuple(sorted(parents))))
    return tuple(tasks)
