"""From jobs of traces to jobs that run: times of instances, cores, bytes of memory. Pure.

A trace's duration is of a whole task or of an instance, as its format says (see ``traces``). A whole task's is the time
of all its waves: with k instances one after the other on each worker, an instance takes a k-th of it. Memory that is
a share of a machine becomes that share of a machine here, so that a trace fills larger machines as it filled its own.
Bytes that a task read are files of the dataset where there is one (:mod:`.trace_inputs`), else they are time alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan, TaskPlan
from feitian_sim.fuxi.resources import CPU, MEMORY, Dimensions, Vector, fits
from feitian_sim.kernel.units import bytes_per_s
from feitian_sim.workloads.fuxi_config import FuxiTraceLoad
from feitian_sim.workloads.trace_inputs import Inputs
from feitian_sim.workloads.traces import FORMATS, TraceAccount, TraceJob, TraceTask
from feitian_sim.workloads.traces.job import WHOLE_MACHINE_PPM

TOO_LARGE = "asks for more than a machine has"


@dataclass(frozen=True, slots=True)
class MachineSize:
    """What the shares of a trace are of, and what a worker may have at most."""

    dimensions: Dimensions
    memory_bytes: int
    largest: Vector


@dataclass(frozen=True, slots=True)
class TraceArrival:
    """A job of a trace, and when it comes, from the load's start on."""

    after_ns: int
    plan: JobPlan


def arrivals_of(
    jobs: Sequence[TraceJob],
    config: FuxiTraceLoad,
    size: MachineSize,
    account: TraceAccount,
    prefix: str,
    inputs: Inputs | None = None,
) -> list[TraceArrival]:
    """The plans of the jobs in their order; those that no machine can run are moved to the dropped ones.

    ``inputs``: files for what they read; None: reading takes no more than time.
    """
    found = []
    for job in jobs:
        plan = plan_of_trace(job, config, size, f"{prefix}{job.name}", inputs)
        if all(fits(task.vector, size.largest) for task in plan.tasks):
            found.append(TraceArrival(round(job.arrive_ns * config.time_scale), plan))
        else:
            account.unkeep(job.rows, len(job.tasks), job.instances, job.edges, TOO_LARGE)
    return found


def plan_of_trace(
    job: TraceJob, config: FuxiTraceLoad, size: MachineSize, name: str, inputs: Inputs | None = None
) -> JobPlan:
    """One job as it runs."""
    order = _order(job.tasks)
    place = {position: number for number, position in enumerate(order)}
    tasks = tuple(_task(job, job.tasks[position], place, config, size, inputs) for position in order)
    return JobPlan(name, tasks, config.user, config.group or config.user, config.priority)


def _order(tasks: Sequence[TraceTask]) -> list[int]:
    """Positions, each behind those that it waits for; otherwise as in the trace."""
    placed: dict[int, None] = {}
    for start in range(len(tasks)):
        path = [start]
        while path:
            open_parents = [parent for parent in tasks[path[-1]].parents if parent not in placed]
            if open_parents:
                path.append(open_parents[0])
            else:
                placed[path.pop()] = None
    return list(placed)


def _task(
    job: TraceJob,
    task: TraceTask,
    place: dict[int, int],
    config: FuxiTraceLoad,
    size: MachineSize,
    inputs: Inputs | None,
) -> TaskPlan:
    memory = task.memory_bytes or _share(task.memory_ppm or round(config.memory * WHOLE_MACHINE_PPM), size)
    shuffled = task.shuffle_bytes > 0
    # What has no name in the trace is read by nobody else.
    files = inputs(task.input_path or job.name, task.input_bytes) if inputs is not None and task.input_bytes else ()
    return TaskPlan(
        name=task.name,
        instances=task.instances,
        vector=size.dimensions.vector({CPU: task.cpu_millicores, MEMORY: max(1, memory)}),
        # What a trace has no bytes for is order alone.
        edges=tuple(EdgePlan(place[parent], pattern="shuffle" if shuffled else "none") for parent in task.parents),
        files=files,
        input_bytes=task.input_bytes if files else 0,
        time_ns=_time_ns(task, config),
        output_bytes=task.output_bytes // task.instances,
        workers=_workers(task, config),
        package=config.package,
        priority=config.priority,
    )


def _share(ppm: int, size: MachineSize) -> int:
    return size.memory_bytes * ppm // WHOLE_MACHINE_PPM


def _workers(task: TraceTask, config: FuxiTraceLoad) -> int:
    if FORMATS[config.format].duration_of != "task" or config.instances_per_worker == 1:
        return 0
    return max(1, round(task.instances / config.instances_per_worker))


def _time_ns(task: TraceTask, config: FuxiTraceLoad) -> int:
    of = FORMATS[config.format].duration_of
    if of == "bytes":
        read = (task.input_bytes + task.shuffle_bytes) / task.instances
        return max(1, round(read * 1e9 / bytes_per_s(config.rate) * config.duration_scale))
    workers = _workers(task, config) or task.instances
    waves = -(-task.instances // workers) if of == "task" else 1
    return max(1, round((task.duration_ns or config.shortest) / waves * config.duration_scale))
