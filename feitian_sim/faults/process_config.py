"""Faults of single processes, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from feitian_sim.faults.fault import FOREVER, Fault, Target, Unit, text
from feitian_sim.kernel import Duration, DurationDistribution


class ProcessPause(Fault):
    """A process does nothing for a while and loses nothing: a long garbage collection, a stopped or migrated process.

    What reaches it meanwhile waits, and everything happens when it goes on, its own overdue timers among it.
    """

    unit: ClassVar[Unit] = "role"
    kind: Literal["process-pause"]
    target: Target = Field(description="Whose process: needs role or leader.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @model_validator(mode="after")
    def _which_process(self) -> ProcessPause:
        if self.target.role is None and self.target.leader is None:
            raise ValueError("process-pause needs target.role or target.leader: which process stops")
        return self


class ProcessCrashAt(Fault):
    """A process, or its whole machine, dies exactly around a durable write: where recovery code is put to the test.

    ``before-sync``: what was written is about to be durable; with the machine it is gone, with the process alone the
    system still writes it. ``after-sync``: it is durable, and nobody has been told yet.
    """

    unit: ClassVar[Unit] = "role"
    kind: Literal["process-crash-at"]
    target: Target = Field(description="Whose process: needs role or leader.")
    point: Literal["before-sync", "after-sync"] = Field(description="Right before the write is durable, or right after.")
    count: int = Field(default=1, ge=1, description="At which sync of the process from the strike on (count); default 1.")
    machine: bool = Field(default=False, description="Whether the whole machine dies with it; default false.")
    restart_after: Duration = Field(
        default=text("100ms"),
        gt=0,
        description="When what died is started again, in time units; default 100ms. Source: chosen: a supervisor's.",
    )
    duration: DurationDistribution | None = Field(
        default=None, description="How long it lies in wait for that write; default: until it has struck."
    )

    @model_validator(mode="after")
    def _which_process(self) -> ProcessCrashAt:
        if self.target.role is None and self.target.leader is None:
            raise ValueError("process-crash-at needs target.role or target.leader: which process dies")
        return self


class ProcessSlow(Fault):
    """A process gets little of its cores: all that it computes takes ``factor`` times as long, in its next lives too.

    The machine's other processes keep their pace, apart from cores that are taken longer.
    """

    unit: ClassVar[Unit] = "role"
    kind: Literal["process-slow"]
    target: Target = Field(description="Whose process: needs role or leader.")
    factor: float = Field(gt=1, description="How many times slower.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @model_validator(mode="after")
    def _which_process(self) -> ProcessSlow:
        if self.target.role is None and self.target.leader is None:
            raise ValueError("process-slow needs target.role or target.leader: which process is slow")
        return self


class ProcessRestartStorm(Fault):
    """A process dies again and again, as from a bad input that it meets soon after each start.

    Its machine's supervisor starts it again, later after each short life; it dies
    when the fault begins and at every ``interval`` from then on, if it runs at that moment.
    At the end it is started at once, if it is down.
    """

    unit: ClassVar[Unit] = "role"
    kind: Literal["process-restart-storm"]
    target: Target = Field(description="Whose process: needs role or leader.")
    interval: Duration = Field(
        default=text("500ms"),
        gt=0,
        description="From death to death while it runs, in time units; default 500ms. Source: own assumption: recovery "
        "and the first requests.",
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @model_validator(mode="after")
    def _which_process(self) -> ProcessRestartStorm:
        if self.target.role is None and self.target.leader is None:
            raise ValueError("process-restart-storm needs target.role or target.leader: which process dies")
        return self
