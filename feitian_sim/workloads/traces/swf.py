"""Standard Workload Format (Parallel Workloads Archive): parallel jobs, each a task of as many instances as processors.

Eighteen fields, ``;`` before comments, -1 for what is not known. Used: 1 number, 2 submit time, 4 run time, 5 and
8 processors given and asked for, 7 and 10 memory of a processor in KB, 11 status. A parallel job holds its processors
all at once; here its instances are scheduled one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from feitian_sim.kernel import SECOND
from feitian_sim.workloads.traces.account import BadRowError, TraceAccount
from feitian_sim.workloads.traces.job import TraceJob, TraceTask
from feitian_sim.workloads.traces.rows import text_rows, whole

_FIELDS = 18
_KB = 1024


def read_swf(path: Path, account: TraceAccount) -> Iterator[TraceJob]:
    """Jobs in the order of the file."""
    for line, cells in text_rows(path, account, _FIELDS, comment=";"):
        try:
            values = [whole(cell, f"field {position}") for position, cell in enumerate(cells, start=1)]
            if values[1] < 0:
                raise BadRowError(f"field 2 (submit time) is {values[1]}: at least 0 is needed")
        except BadRowError as error:
            account.bad(path, line, str(error))
            continue
        account.rows += 1
        account.jobs_read += 1
        if why := _unused(values):
            account.drop(why)
            continue
        yield _job(values)


def _processors(values: list[int]) -> int:
    return values[4] if values[4] > 0 else values[7]


def _unused(values: list[int]) -> str:
    if values[10] == 5:
        return "status 5: cancelled"
    if values[3] < 0:
        return "no run time"
    return "no number of processors" if _processors(values) <= 0 else ""


def _job(values: list[int]) -> TraceJob:
    memory_kb = max(values[6], values[9], 0)
    task = TraceTask("processors", _processors(values), duration_ns=values[3] * SECOND, memory_bytes=memory_kb * _KB)
    return TraceJob(values[1] * SECOND, f"job-{values[0]}", (task,))
