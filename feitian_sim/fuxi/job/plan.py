"""A job as its JobMaster runs it: plain integers, checked against a cell; made from a description or from a trace.

Tasks stand in an order in which each comes after all that it depends on, so a task is its position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from feitian_sim.fuxi.job.description import JobDescription, Pattern, TaskConfig
from feitian_sim.fuxi.job.graph import order_of
from feitian_sim.fuxi.job.program import TaskProgram, key_of
from feitian_sim.fuxi.resources import Dimensions, Vector, fits
from feitian_sim.kernel import Distribution, ScenarioError
from feitian_sim.kernel.units import bytes_per_s


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """What a task takes from one before it."""

    #: Position of the other task.
    source: int
    stream: bool = False
    pattern: Pattern = "shuffle"


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task of a job."""

    name: str
    #: 0: as many as its input files have splits.
    instances: int
    vector: Vector
    edges: tuple[EdgePlan, ...] = ()
    files: tuple[str, ...] = ()
    #: 0: a chunk.
    split_bytes: int = 0
    #: Read of its files, from the first on; 0: all.
    input_bytes: int = 0
    #: What an instance computes beside its bytes: always the same, drawn, or one for each.
    time_ns: int | Distribution | tuple[int, ...] = 0
    #: Input computed through per second; 0: bytes take no time.
    rate_bytes_per_s: int = 0
    output_bytes: int | Distribution = 0
    output_ratio: float = 0.0
    #: Directory in Pangu that the output goes to; empty: the machine's own disk.
    output_path: str = ""
    #: Workers at once; 0: no limit.
    workers: int = 0
    threads: bool = False
    package: str = ""
    #: Really used by a worker; 0: nothing is known of it.
    memory_bytes: int = 0
    normal_runtime_ns: int = 0
    #: None: as the cell's configuration says.
    backup: bool | None = None
    failure_ratio: float = 0.0
    priority: int = 0
    program: TaskProgram | None = None


@dataclass(frozen=True, slots=True)
class JobPlan:
    """A job's tasks in order."""

    name: str
    tasks: tuple[TaskPlan, ...]
    user: str = "user"
    group: str = ""
    priority: int = 0

    def after(self) -> dict[str, list[str]]:
        """Of each task, by name, the tasks that it comes after."""
        return {task.name: [self.tasks[edge.source].name for edge in task.edges] for task in self.tasks}

    def noted(self) -> list[int]:
        """Of each task, how many numbers the snapshot keeps for an instance: where its output is, or which attempt's."""
        read = {edge.source for task in self.tasks for edge in task.edges if edge.pattern != "none"}
        return [1 if task.output_path or number in read else 0 for number, task in enumerate(self.tasks)]

    @property
    def instances(self) -> int:
        """Of all tasks, as far as they are known before the input files are looked at."""
        return sum(task.instances for task in self.tasks)


def plan_of(
    job: JobDescription,
    dimensions: Dimensions,
    machines: Sequence[Vector],
    files: Callable[[str], bool] | None = None,
    programs: Mapping[str, object] | None = None,
) -> JobPlan:
    """The plan of a described job on a cell whose machines have these capacities.

    ``files(pattern)``: whether Pangu will have such a file (None: nobody knows yet). ``programs``: the users' own, by
    reference. Raises :class:`ScenarioError` naming the task.
    """
    order = order_of({name: tuple(task.after) for name, task in job.tasks.items()})
    place = {name: number for number, name in enumerate(order)}
    tasks = []
    for name in order:
        task = job.tasks[name]
        where = f"job {job.name}, task {name}"
        vector = _vector(task, dimensions, machines, where)
        _check_files(task, files, where)
        program = _program(task, programs or {}, where)
        edges = tuple(EdgePlan(place[other], edge.mode == "stream", edge.pattern) for other, edge in task.after.items())
        tasks.append(_task(job, name, task, vector, edges, program))
    return JobPlan(job.name, tuple(tasks), job.user, job.group or job.user, job.priority)


def _task(
    job: JobDescription,
    name: str,
    task: TaskConfig,
    vector: Vector,
    edges: tuple[EdgePlan, ...],
    program: TaskProgram | None,
) -> TaskPlan:
    output = task.output
    return TaskPlan(
        name=name,
        instances=task.instances or len(task.times),
        vector=vector,
        edges=edges,
        files=task.input.files if task.input is not None else (),
        split_bytes=(task.input.split or 0) if task.input is not None else 0,
        time_ns=tuple(task.times) or task.time,
        rate_bytes_per_s=int(bytes_per_s(task.rate)) if task.rate is not None else 0,
        output_bytes=output.bytes,
        output_ratio=output.ratio,
        output_path=(output.path or f"/fuxi/{job.name}/{name}") if output.to == "pangu" else "",
        workers=task.workers or 0,
        threads=task.threads,
        package=task.package,
        memory_bytes=task.memory_used or 0,
        normal_runtime_ns=task.normal_runtime,
        backup=task.backup,
        failure_ratio=task.failures,
        priority=job.priority if task.priority is None else task.priority,
        program=program,
    )


def _vector(task: TaskConfig, dimensions: Dimensions, machines: Sequence[Vector], where: str) -> Vector:
    try:
        vector = dimensions.vector(task.resources.amounts())
    except KeyError as error:
        raise ScenarioError(
            f"{where}: there is no resource {error.args[0]!r} in this cell ({', '.join(dimensions.names)})"
        ) from None
    if any(fits(vector, machine) for machine in machines):
        return vector
    for position, name in enumerate(dimensions.names):
        most = max((machine[position] for machine in machines), default=0)
        if vector[position] > most:
            raise ScenarioError(f"{where}: a worker needs {vector[position]} of {name}, and no machine has over {most}")
    raise ScenarioError(
        f"{where}: no machine has all that a worker needs: {dict(zip(dimensions.names, vector, strict=True))}"
    )


def _check_files(task: TaskConfig, files: Callable[[str], bool] | None, where: str) -> None:
    if files is None or task.input is None:
        return
    for pattern in task.input.files:
        if not files(pattern):
            raise ScenarioError(f"{where}: there is no file {pattern} in Pangu")


def _program(task: TaskConfig, programs: Mapping[str, object], where: str) -> TaskProgram | None:
    if task.program is None:
        return None
    own = programs.get(key_of(task.program))
    if own is None:
        raise ScenarioError(f"{where}: {key_of(task.program)} is not loaded")
    if not isinstance(own, TaskProgram):
        raise ScenarioError(f"{where}: {key_of(task.program)} has no compute_ns(instance) and output_bytes(instance)")
    return own
