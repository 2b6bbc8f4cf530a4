"""A job as users write it, in YAML or JSON: tasks by name, their resources, inputs, outputs, and the edges between them.

Whatever can be said to be wrong without knowing the cell is said here, with the name of the task and the remedy;
:mod:`.plan` then holds the description against a cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from feitian_sim.fuxi.job.graph import cycle_message
from feitian_sim.fuxi.job.program import Reference, is_reference
from feitian_sim.kernel import (
    Bandwidth,
    Duration,
    DurationDistribution,
    Ratio,
    Size,
    SizeDistribution,
    StrictModel,
    written,
)

#: Most instances of a task: one more, and the job's snapshot would not fit into a file of Nuwa.
MOST_INSTANCES = 4_000_000
_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")

Pattern = Literal["shuffle", "one-to-one", "broadcast", "none"]


class ResourceConfig(StrictModel):
    """What one worker of a task needs."""

    cpu: float = Field(
        default=0.5, gt=0, le=100_000, description="Cores; default 0.5. Source: Fuxi, VLDB 2014, sec. 5.2."
    )
    memory: Size = Field(
        default=written("2GiB"), gt=0, description="Memory; default 2GiB. Source: Fuxi, VLDB 2014, sec. 5.2."
    )
    storage: Size = Field(default=written("0B"), description="Local storage; default none. Source: none is measured.")
    virtual: Mapping[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="Virtual resources by name (count); default none. Source: F3."
    )

    def amounts(self) -> dict[str, int]:
        """Named amounts in the units of resource vectors."""
        physical = {"cpu": max(1, round(self.cpu * 1000)), "memory": self.memory, "storage": self.storage}
        return {**physical, **self.virtual}


class EdgeConfig(StrictModel):
    """How a task depends on another one."""

    mode: Literal["barrier", "stream"] = Field(
        default="barrier",
        description="barrier: starts when all of the other's instances are done; stream: starts before, takes its input "
        "as it is produced and ends not before the other; default barrier. Source: F7.",
    )
    pattern: Pattern = Field(
        default="shuffle",
        description="Who reads what of the other's output: shuffle (each instance an equal part of every output), "
        "one-to-one (whole outputs, dealt out in order), broadcast (all of it), none (order alone); default shuffle. "
        "Source: Dryad, EuroSys 2007, sec. 3.",
    )


def _edges(value: Any) -> Any:
    """``map``, ``[map, filter]`` and ``{map: stream}`` beside the whole form."""
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, (list, tuple)):
        return {name: {} for name in value}
    if isinstance(value, Mapping):
        return {name: edge or {} for name, edge in value.items()}
    return value


def _edge(value: Any) -> Any:
    return {"mode": value} if isinstance(value, str) else value


#: ``stream`` beside the whole form.
Edge = Annotated[EdgeConfig, BeforeValidator(_edge)]


class InputConfig(StrictModel):
    """Files that a task reads from Pangu; its instances share their bytes in splits."""

    files: tuple[str, ...] = Field(
        min_length=1, description="Paths in Pangu; ``*`` and ``?`` in the last part stand for any name."
    )
    split: Size | None = Field(
        default=None,
        gt=0,
        description="Bytes of one split; default: a chunk of Pangu. Source: MapReduce, OSDI 2004, sec. 3.1.",
    )

    @field_validator("files", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("files")
    @classmethod
    def _absolute(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            if not path.startswith("/") or path.endswith("/"):
                raise ValueError(f"a path in Pangu begins with / and names a file: {path!r}")
            if any(mark in path.rpartition("/")[0] for mark in "*?"):
                raise ValueError(f"* and ? stand in the last part of a path only: {path!r}")
        return value


class OutputConfig(StrictModel):
    """What an instance leaves: a share of what it read and so many bytes."""

    to: Literal["local", "pangu"] = Field(
        default="local",
        description="local: on the machine's own disk, for the tasks behind it; pangu: a file that stays; default "
        "local. Source: MapReduce, OSDI 2004, sec. 3.1.",
    )
    bytes: SizeDistribution = Field(
        default=written("0B"), description="Bytes beside the share; default 0B. Source: to be measured of the job."
    )
    ratio: float = Field(
        default=0.0, ge=0, description="Bytes for each byte read (ratio); default 0. Source: to be measured of the job."
    )
    path: str = Field(
        default="",
        description="Directory in Pangu for the files; default /fuxi/NAME OF THE JOB/NAME OF THE TASK. Source: none.",
    )


class TaskConfig(StrictModel):
    """One task: instances that all do the same to different parts of the input."""

    instances: int | None = Field(
        default=None,
        ge=1,
        le=MOST_INSTANCES,
        description="Instances (count); default: one a split of its input files. Source: the job.",
    )
    resources: ResourceConfig = Field(default_factory=ResourceConfig, description="What one of its workers needs.")
    after: Annotated[Mapping[str, Edge], BeforeValidator(_edges)] = Field(
        default_factory=dict, description="Tasks that it depends on: a name, names, {name: stream}, or whole edges."
    )
    input: InputConfig | None = Field(default=None, description="Files that it reads; default none.")
    time: DurationDistribution = Field(
        default=written("0s"),
        description="What an instance computes beside its bytes, in time units; default 0s. Source: to be measured.",
    )
    times: tuple[Duration, ...] = Field(
        default=(), description="The same for each instance by number, in place of time. Source: a trace."
    )
    rate: Bandwidth | None = Field(
        default=None,
        gt=0,
        description="Input that an instance computes through per time; default: no time for bytes. Source: measured.",
    )
    output: OutputConfig = Field(default_factory=OutputConfig, description="What an instance leaves.")
    workers: int | None = Field(
        default=None, ge=1, description="Workers at once (count); default: as many as instances. Source: the job."
    )
    threads: bool = Field(
        default=False,
        description="Thread mode: workers are threads of one process a machine and need no start of their own; "
        "default false, process mode. Source: F6.",
    )
    package: str = Field(
        default="",
        description="What a worker's machine must have downloaded: a package of the cell, or a file of Pangu, which must "
        "be there within fuxi.tubo.launch_timeout of a worker's start; default: nothing. Source: F4.",
    )
    memory_used: Size | None = Field(
        default=None, description="Memory that a worker really uses; default: a part of what it asks for. Source: F4."
    )
    normal_runtime: Duration = Field(
        default=written("0s"),
        description="An instance that has run no longer than this gets no backup instance, in time units; default 0s. "
        "Source: Fuxi, VLDB 2014, sec. 4.3.2, set by the user.",
    )
    backup: bool | None = Field(
        default=None, description="Whether stragglers get backup instances; default as the cell's. Source: F9."
    )
    failures: Ratio = Field(
        default=0.0, lt=1, description="Share of attempts of its instances that fail; default 0. Source: the job."
    )
    priority: int | None = Field(
        default=None, description="Priority of its workers, larger first; default: the job's. Source: F2."
    )
    program: Reference | None = Field(
        default=None,
        description="A class of the user's own, file.py:Class or {kind: file.py:Class, ...fields}, that says what "
        "instances compute and leave, in place of time, times, rate and output's bytes and ratio; it may also say what "
        "they read of their files and which attempts fail; default none. Source: the user.",
    )

    @field_validator("instances", mode="before")
    @classmethod
    def _countable(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and not 1 <= value <= MOST_INSTANCES:
            raise ValueError(f"a task has 1 to {MOST_INSTANCES:,} instances, not {value:,}")
        return value

    @field_validator("program")
    @classmethod
    def _is_reference(cls, value: Reference | None) -> Reference | None:
        if value is not None and not is_reference(value):
            raise ValueError(f"a program is file.py:Class or {{kind: file.py:Class}}; found {value!r}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> TaskConfig:
        if self.instances is None and self.input is None and not self.times:
            raise ValueError("give the number of instances, or input files whose splits they are")
        if self.times and self.instances not in (None, len(self.times)):
            raise ValueError(f"{self.instances} instances need as many times, not {len(self.times)}")
        return self


class JobDescription(StrictModel):
    """A job: a graph of tasks."""

    kind: Literal["dag"] = Field(default="dag", description="A graph of tasks.")
    name: str = Field(description="Its name, unique in the cell while it runs.")
    user: str = Field(default="user", description="Whose it is; default user. Source: none.")
    group: str = Field(default="", description="Quota group; default: the user's. Source: F2.")
    priority: int = Field(default=0, description="Larger is more urgent; default 0. Source: none.")
    tasks: Mapping[str, TaskConfig] = Field(min_length=1, description="Its tasks by name.")

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if not _NAME.match(value):
            raise ValueError(f"a name is made of letters, digits, _, . and -, as in sort-1; found {value!r}")
        return value

    @model_validator(mode="after")
    def _connected(self) -> JobDescription:
        for name, task in self.tasks.items():
            if not _NAME.match(name):
                raise ValueError(f"a task's name is made of letters, digits, _, . and -; found {name!r}")
            for other, edge in task.after.items():
                if other not in self.tasks:
                    near = get_close_matches(other, self.tasks, n=1)
                    hint = f"; did you mean {near[0]!r}?" if near else f" (tasks: {', '.join(self.tasks)})"
                    raise ValueError(f"task {name!r} is after {other!r}, which the job does not have{hint}")
                if edge.mode == "stream" and edge.pattern != "none" and self.tasks[other].output.to == "pangu":
                    raise ValueError(
                        f"task {name!r} streams from {other!r}, whose output is in Pangu only when it is whole: "
                        f"let {other!r} leave it local, or write a barrier"
                    )
        message = cycle_message({name: tuple(task.after) for name, task in self.tasks.items()})
        if message:
            raise ValueError(message)
        return self
