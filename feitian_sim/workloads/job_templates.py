"""Jobs that loads make: whole descriptions, files with one, and the shapes that papers measure with.

* ``wordcount`` and ``terasort``: the synthetic load of the Fuxi paper (VLDB 2014, sec. 5.2). A job has maps and reduces
  that each take a time, drawn once for the job; WordCount's maps leave a twentieth of what they read, Terasort's
  all of it.
* ``sort``: MapReduce sort (OSDI 2004, sec. 5.3) and GraySort: files of Pangu are read in splits, shuffled while maps run,
  and written to Pangu.
* a class of the user's own (:mod:`.own_jobs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from feitian_sim.fuxi.job.description import JobDescription
from feitian_sim.fuxi.job.mapreduce import MapReduceConfig, MapReduceMergeConfig
from feitian_sim.fuxi.job.reading import read_job
from feitian_sim.kernel import Bandwidth, Duration, DurationDistribution, Size, Stream, StrictModel, written
from feitian_sim.kernel.steady import exp
from feitian_sim.workloads.own_jobs import ByKind, OwnJob, spelt_out


class _Shape(StrictModel):
    """What all shapes say of their workers."""

    name: str = Field(default="", description="Name of the jobs, before their number. Default: the kind.")
    user: str = Field(default="user", description="Whose they are; default user. Source: none.")
    group: str = Field(default="", description="Quota group; default: the user's. Source: F2.")
    priority: int = Field(default=0, description="Larger is more urgent; default 0. Source: none.")
    cpu: float = Field(default=0.5, gt=0, description="Cores of a worker; default 0.5. Source: VLDB 2014, sec. 5.2.")
    memory: Size = Field(
        default=written("2GB"), gt=0, description="Memory of a worker; default 2GB. Source: VLDB 2014, sec. 5.2."
    )
    package: str = Field(
        default="",
        description="What a worker's machine must have downloaded: a package of the cell or a file of Pangu, in which "
        "{number} or {number:06d} is the job's number, so that each job has one of its own; default: nothing.",
    )

    def _worker(self, name: str = "") -> dict[str, Any]:
        package = self.package
        if "{number" in package:
            package = package.format(number=int(name.rpartition("-")[2]))
        return {"resources": {"cpu": self.cpu, "memory": f"{self.memory}B"}, "package": package}

    def _whose(self) -> dict[str, Any]:
        return {"user": self.user, "group": self.group, "priority": self.priority}


#: Bytes that a map leaves for each byte that it reads.
_LEFT: Mapping[str, float] = MappingProxyType({"wordcount": 0.05, "terasort": 1.0})


class PaperJob(_Shape):
    """A WordCount or Terasort of the Fuxi paper's synthetic load."""

    kind: Literal["wordcount", "terasort"]
    maps: int = Field(ge=1, description="Map instances (count).")
    reduces: int = Field(ge=1, description="Reduce instances (count).")
    time: DurationDistribution = Field(
        default=written("5m"),
        description="What each instance takes, drawn once for a job, in time units; default 5m. Source: VLDB 2014, sec. "
        "5.2, 10 s to 10 min.",
    )
    spread: float = Field(
        default=0.0,
        ge=0,
        le=3,
        description="How much instances of one job differ: the standard deviation of the logarithm of what each takes, "
        "whose mean is ``time`` (log-normal); default 0, all take the same. Source: none; in the recorded workflows of "
        "WfCommons it is 0.26, the median of 45 groups of tasks of one name.",
    )
    split: Size = Field(
        default=written("0B"),
        description="What a map reads; maps leave 5 % of it (wordcount) or all (terasort) for the reduces; default 0B: "
        "an instance only takes its time. Source: not published.",
    )
    workers_per_instance: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Workers at once for each instance of a task, the next whole number of them: with fewer than one an "
        "instance waits for a worker that has done another (ratio); default 1. Source: none; in Alibaba's production "
        "0.386 (VLDB 2014, table 1: 16,295,167 workers for 42,266,899 instances).",
    )

    def job(self, name: str, times: Stream) -> JobDescription:
        """The job of that name; one draw."""
        time = self._time(self.time.sample(times))
        left = f"{int(self.split * _LEFT[self.kind])}B"
        tasks = {
            "map": {"time": time, "output": {"bytes": left}, **self._instances(self.maps), **self._worker(name)},
            "reduce": {"time": time, "after": "map", **self._instances(self.reduces), **self._worker(name)},
        }
        return JobDescription.model_validate({"name": name, "tasks": tasks, **self._whose()})

    def _time(self, mean_ns: int) -> str | dict[str, Any]:
        """What an instance takes, as a description has it: on average that."""
        if not self.spread:
            return f"{mean_ns}ns"
        median_ns = round(mean_ns / exp(self.spread * self.spread / 2))
        return {"kind": "lognormal", "median": f"{median_ns}ns", "sigma": self.spread}

    def _instances(self, count: int) -> dict[str, Any]:
        return {"instances": count, "workers": ceil(count * self.workers_per_instance)}


class SortJob(_Shape):
    """A sort of files in Pangu."""

    kind: Literal["sort"]
    input: tuple[str, ...] = Field(
        min_length=1, description="Files in Pangu; ``*`` and ``?`` in the last part stand for any name."
    )
    split: Size = Field(
        default=written("64MiB"), gt=0, description="What a map reads; default 64MiB. Source: OSDI 2004, sec. 5.3."
    )
    reduces: int = Field(ge=1, description="Reduce instances (count).")
    map_rate: Bandwidth | None = Field(
        default=None, gt=0, description="What a map computes through per time; default: no time for bytes."
    )
    reduce_rate: Bandwidth | None = Field(
        default=None, gt=0, description="What a reduce sorts per time; default: no time for bytes."
    )
    map_workers: int | None = Field(default=None, ge=1, description="Maps at once (count); default: no limit.")
    reduce_workers: int | None = Field(default=None, ge=1, description="Reduces at once (count); default: no limit.")
    streaming: bool = Field(
        default=True,
        description="Whether reduces begin to pull while maps run; default true. Source: OSDI 2004, fig. 3.",
    )
    normal_runtime: Duration = Field(
        default=written("0s"), description="An instance that has run no longer gets no backup; default 0s."
    )

    @field_validator("input", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    def job(self, name: str, times: Stream) -> JobDescription:
        """The job of that name; draws nothing."""
        common = {**self._worker(name), "normal_runtime": f"{self.normal_runtime}ns"}
        tasks = {
            "map": {
                "input": {"files": list(self.input), "split": f"{self.split}B"},
                "rate": _per_s(self.map_rate),
                "workers": self.map_workers,
                "output": {"ratio": 1.0},
                **common,
            },
            "reduce": {
                "instances": self.reduces,
                "after": {"map": "stream" if self.streaming else "barrier"},
                "rate": _per_s(self.reduce_rate),
                "workers": self.reduce_workers,
                "output": {"to": "pangu", "ratio": 1.0},
                **common,
            },
        }
        return JobDescription.model_validate({"name": name, "tasks": tasks, **self._whose()})


class JobFile(StrictModel):
    """A job described in a file of its own, YAML or JSON."""

    kind: Literal["file"]
    file: str = Field(description="Looked for beside the scenario, then in --data DIR, $FEITIAN_DATA, ../shared/data.")
    name: str = Field(default="", description="Name of the jobs, before their number. Default: the job's.")

    def read(self, path: Path) -> JobDescription:
        """The job of the file. Raises ScenarioError with every mistake in it."""
        return read_job(path)


def _per_s(bandwidth: int | None) -> str | None:
    return None if bandwidth is None else f"{bandwidth}bit/s"


def _kind(value: Any) -> Any:
    """A whole description needs no kind; a class of the user's own stands by itself."""
    return {"kind": "dag", **value} if isinstance(value, Mapping) and "kind" not in value else spelt_out(value)


JobTemplate = Annotated[
    Annotated[
        JobDescription | MapReduceConfig | MapReduceMergeConfig | PaperJob | SortJob | JobFile | OwnJob,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_kind),
    ByKind(),
]


class JobChoice(StrictModel):
    """One kind of job of a load, and how often it comes."""

    #: A job alone stands for one with weight 1.
    short_for: ClassVar[str] = "job"

    weight: float = Field(default=1.0, gt=0, description="How often, relative to the others; default 1.")
    job: JobTemplate = Field(description="The job.")


def _chosen(value: Any) -> Any:
    """A job alone stands for one with weight 1."""
    return value if isinstance(value, JobChoice) or (isinstance(value, Mapping) and "job" in value) else {"job": value}


Choice = Annotated[JobChoice, BeforeValidator(_chosen)]
