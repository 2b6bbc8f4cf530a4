"""Alibaba's cluster traces of 2018 and 2017: ``batch_task.csv``, whose jobs Fuxi ran.

Published by the Alibaba Cluster Trace Program (github.com/alibaba/clusterdata). CPU is planned for one instance with
100 for a core. Memory is planned as a share of a machine, in percent (2018) or as a fraction (2017). Times are whole
seconds, and a duration is the time from a task's start to its end, with all waves of its instances. Traps: no header in
the published file; ``instance_num`` written as 1.0; blank plans; rows of tasks that had not ended or had failed, whose
times mean nothing; ends before starts; names cut at 50 characters (see ``dag_names``). A recorded start is no oracle for
order: two thirds of the children started before their parents' end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from feitian_sim.workloads.traces.account import BadRowError, TraceAccount
from feitian_sim.workloads.traces.dag_names import DagName, read_name
from feitian_sim.workloads.traces.grouping import TaskRow, grouped
from feitian_sim.workloads.traces.job import WHOLE_MACHINE_PPM, TraceJob, TraceTask
from feitian_sim.workloads.traces.rows import real, seconds, table_rows, whole

_2018 = ("task_name", "instance_num", "job_name", "task_type", "status", "start_time", "end_time", "plan_cpu", "plan_mem")
_HOUR = ("arrive_s", "job_name", "task_name", "duration_s", "plan_cpu", "plan_mem", "instance_num")
_2017 = (
    "create_timestamp", "modify_timestamp", "job_id", "task_id", "instance_num", "status", "plan_cpu", "plan_mem",
)  # fmt: skip

#: What a blank plan stands for: the most common one of 2018 (100 = a core; 0.2 % of a machine).
_PLAN_CPU, _PLAN_MEM_2018, _PLAN_MEM_2017 = "100.0", "0.2", "0.002"
_PERCENT, _FRACTION = WHOLE_MACHINE_PPM // 100, WHOLE_MACHINE_PPM
_NO_DAG = DagName(None)


def read_2018(path: Path, account: TraceAccount) -> Iterator[TraceJob]:
    """Jobs of cluster-trace-v2018 ``batch_task.csv``, in the order of the file."""
    return _read(path, account, _2018, _row_2018)


def read_hour(path: Path, account: TraceAccount) -> Iterator[TraceJob]:
    """Jobs of the form with arrival times."""
    return _read(path, account, _HOUR, _row_hour)


def read_2017(path: Path, account: TraceAccount) -> Iterator[TraceJob]:
    """Jobs of cluster-trace-v2017 ``batch_task.csv``: independent tasks that all come with the job's first."""
    return _read(path, account, _2017, _row_2017)


Reader = Callable[[list[str], TraceAccount], TaskRow]


def _read(path: Path, account: TraceAccount, columns: tuple[str, ...], reader: Reader) -> Iterator[TraceJob]:
    def rows() -> Iterator[TaskRow]:
        for line, cells in table_rows(path, account, columns):
            try:
                row = reader(cells, account)
            except BadRowError as error:
                account.bad(path, line, str(error))
            else:
                account.rows += 1
                yield row

    return grouped(rows(), account)


def _row_2018(cells: list[str], account: TraceAccount) -> TaskRow:
    name, instances, job, _type, status, start, end, cpu, memory = (cell.strip() for cell in cells)
    start_ns = seconds(start, "start_time")
    duration_ns = seconds(end, "end_time") - start_ns
    why = _unused(status, instances, duration_ns)
    if not why:
        _note_fraction(instances, account)
    task = _task(name, instances, duration_ns, cpu, memory or _PLAN_MEM_2018, _PERCENT, why, account)
    return TaskRow(_named(job), start_ns, task, read_name(name), why)


def _row_hour(cells: list[str], account: TraceAccount) -> TaskRow:
    arrive, job, name, duration, cpu, memory, instances = (cell.strip() for cell in cells)
    duration_ns = seconds(duration, "duration_s")
    why = _unused("Terminated", instances, duration_ns)
    task = _task(name, instances, duration_ns, cpu, memory or _PLAN_MEM_2018, _PERCENT, why, account)
    return TaskRow(_named(job), seconds(arrive, "arrive_s"), task, read_name(name), why)


def _row_2017(cells: list[str], account: TraceAccount) -> TaskRow:
    create, modify, job, name, instances, status, cpu, memory = (cell.strip() for cell in cells)
    create_ns = seconds(create, "create_timestamp")
    duration_ns = seconds(modify, "modify_timestamp") - create_ns
    why = _unused(status, instances, duration_ns)
    task = _task(name, instances, duration_ns, cpu, memory or _PLAN_MEM_2017, _FRACTION, why, account)
    return TaskRow(_named(job), create_ns, task, _NO_DAG, why)


def _named(job: str) -> str:
    if not job:
        raise BadRowError("the job's name is blank")
    return job


def _unused(status: str, instances: str, duration_ns: int) -> str:
    if status != "Terminated":
        return f"status {status or 'blank'}"
    if not instances:
        return "no number of instances"
    return "ends before it starts" if duration_ns < 0 else ""


def _note_fraction(instances: str, account: TraceAccount) -> None:
    if "." in instances:
        account.note("number of instances written with a point")


def _task(
    name: str, instances: str, duration_ns: int, cpu: str, memory: str, unit: int, why: str, account: TraceAccount
) -> TraceTask:
    if not name:
        raise BadRowError("the task's name is blank")
    if not cpu and not why:
        account.note("blank plan: the most common one is used")
    return TraceTask(
        name,
        whole(instances or "1", "instance_num", least=1),
        max(0, duration_ns),
        cpu_millicores=max(1, round(_positive(cpu or _PLAN_CPU, "plan_cpu") * 10)),
        memory_ppm=max(1, round(_positive(memory, "plan_mem") * unit)),
    )


def _positive(text: str, what: str) -> float:
    value = real(text, what)
    if value < 0:
        raise BadRowError(f"{what} is {text}: below 0")
    return value
