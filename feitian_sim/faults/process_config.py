"""Faults of single processes, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from feitian_sim.faults.fault import FOREVER, Fault, Target, Unit
from feitian_sim.kernel import DurationDistribution


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
