"""``fuxi-jobs`` and ``fuxi-trace``: jobs that are submitted to Fuxi, made here or replayed from a trace."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from feitian_sim.kernel import Bandwidth, Duration, Ratio, StrictModel, written
from feitian_sim.workloads.job_templates import Choice
from feitian_sim.workloads.paced_config import Arrival, Load, PacedLoad
from feitian_sim.workloads.traces import FORMATS


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class FuxiJobsLoad(PacedLoad):
    """Jobs that are submitted at random or constant distances (open), or of which so many are kept running (closed)."""

    kind: Literal["fuxi-jobs"]
    jobs: tuple[Choice, ...] = Field(
        min_length=1,
        description="What is submitted: jobs, or {weight: 2, job: ...}. A job is a description, one in a file "
        "({kind: file, file: job.yaml}), a shape: wordcount, terasort, sort, or a class of the user's own that "
        "describes them: file.py:Class, {kind: file.py:Class, ...fields}.",
    )
    order: Literal["random", "in-turn"] = Field(
        default="random", description="Which comes next: drawn by weight, or one after the other; default random."
    )


class TraceWindow(StrictModel):
    """Which part of a trace is replayed."""

    start: Duration | None = Field(
        default=None, description="Time of the trace at which the load starts. Default: its first job's arrival."
    )
    length: Duration | None = Field(
        default=None, gt=0, description="Jobs that arrive in this time from the start on. Default: all."
    )


TraceKind = Literal["alibaba-2018", "alibaba-hour", "alibaba-2017", "wfformat", "swim", "tpch", "swf"]


class FuxiTraceLoad(Load):
    """Replay of a trace of jobs: each is submitted when it arrived."""

    kind: Literal["fuxi-trace"]
    format: TraceKind = Field(description=f"How the file reads: {', '.join(FORMATS)}.")
    file: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = Field(
        min_length=1,
        description="Plain or .gz, one or several. Looked for beside the scenario, in --data DIR, $FEITIAN_DATA, "
        "../shared/data.",
    )
    on_bad_row: Literal["error", "drop"] = Field(
        default="error", description="A row that does not parse: refuse the file, or leave the row out and count it."
    )
    window: TraceWindow = Field(default_factory=TraceWindow, description="Which part of the trace. Default: all of it.")
    sample: Ratio = Field(
        default=1.0, gt=0, description="Share of the jobs that is replayed, chosen by a hash of their names; default all."
    )
    limit: int | None = Field(default=None, ge=1, description="Jobs in all, the first ones. Default: no limit.")
    time_scale: float = Field(
        default=1.0, gt=0, description="Simulated time per time of the trace between arrivals: 0.5 doubles their rate."
    )
    duration_scale: float = Field(
        default=1.0, gt=0, description="Simulated time per time of the trace that an instance takes; default 1."
    )
    instances_per_worker: float = Field(
        default=1.0,
        ge=1,
        description="How many instances of a task ran one after the other on each worker (mean), in traces whose "
        "durations are of whole tasks; an instance takes its share of the duration. Default 1: all ran at once, the most "
        "work that the trace can mean. Source: not in the traces; in production 2.6 (VLDB 2014, table 1).",
    )
    shortest: Duration = Field(
        default=written("500ms"),
        gt=0,
        description="A task whose duration is 0 takes so long; default 500ms. Source: half of a tick of the "
        "traces' clocks.",
    )
    rate: Bandwidth = Field(
        default=written("50MB/s"),
        gt=0,
        description="What an instance computes through per time, in traces that have bytes and no durations; default "
        "50MB/s. Source: own assumption, half of a disk's speed.",
    )
    reads: Literal["dataset", "nothing"] | None = Field(
        default=None,
        description="What jobs read whose bytes the trace says: files of pangu.dataset, chosen by the name of the input "
        "and read where they lie, or nothing, so that bytes are time alone; default: the dataset, if there is one. "
        "Source: F8.",
    )
    memory: Ratio = Field(
        default=0.01,
        gt=0,
        description="Share of a machine's memory that a worker asks for where the trace does not say; default 1%. "
        "Source: own assumption, about a core's share of 96.",
    )
    user: str = Field(default="trace", description="Whose jobs they are; default trace. Source: none.")
    group: str = Field(default="", description="Quota group; default: the user's. Source: F2.")
    priority: int = Field(default=0, description="Larger is more urgent; default 0. Source: none.")
    package: str = Field(default="", description="What a worker's machine must have downloaded; default: nothing.")
    arrival: Arrival | None = Field(
        default=None, description="When jobs come, in place of the trace's times: {kind: poisson, rate: 2/s}."
    )
    clients: int | None = Field(
        default=None, ge=1, description="Jobs kept running, in place of the trace's times (count)."
    )
    ramp: Duration = Field(
        default=written("0s"),
        description="With clients: their first jobs come evenly over this time; default 0s, all at once. Source: none.",
    )

    @model_validator(mode="after")
    def _one_pace(self) -> FuxiTraceLoad:
        if self.arrival is not None and self.clients is not None:
            raise ValueError("a load is open (arrival) or closed (clients), not both")
        if self.ramp and self.clients is None:
            raise ValueError("ramp goes with clients: without them jobs come when the trace or arrival says")
        if self.time_scale != 1 and (self.arrival is not None or self.clients is not None):
            raise ValueError("time_scale goes with the trace's own times: leave out arrival and clients")
        return self
