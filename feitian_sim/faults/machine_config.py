"""Faults of machines, processes and racks, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from feitian_sim.faults.fault import FOREVER, Fault, Target, Traced, Unit
from feitian_sim.kernel import DurationDistribution


class MachineCrash(Traced):
    """The machine stops at once: processes die, disk caches are lost; it restarts after ``duration``."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["machine-crash"]
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class MachineLoss(Traced):
    """The machine is gone for good with all its disks, and nothing takes its place: it does not come back from a power
    cycle, it burns."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["machine-loss"]


class MachineSlow(Traced):
    """A gray failure: everything on the machine's cores takes ``factor`` times as long."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["machine-slow"]
    factor: float = Field(gt=1, description="How many times slower.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class ProcessLaunchFail(Fault):
    """No worker or master of an application can be launched on the machine: the disk with their files is corrupted.

    What runs goes on; whoever starts one learns of the failure after a while. Source: the fault "PartialWorkerFailure" of
    Fuxi, VLDB 2014, sec. 5.4.
    """

    unit: ClassVar[Unit] = "machine"
    kind: Literal["process-launch-fail"]
    target: Target = Field(description="Which machines.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class ProcessKill(Fault):
    """A process dies; its machine lives on, so peers are told at once (connection reset)."""

    unit: ClassVar[Unit] = "role"
    kind: Literal["process-kill"]
    target: Target = Field(description="Whose process: needs role or leader.")
    restart_after: DurationDistribution | None = Field(
        default=None, description="When it is started again. Default: not before its machine restarts."
    )

    @model_validator(mode="after")
    def _which_process(self) -> ProcessKill:
        if self.target.role is None and self.target.leader is None:
            raise ValueError("process-kill needs target.role or target.leader: which process dies")
        return self

    @property
    def lasting(self) -> DurationDistribution | None:
        """See :attr:`Fault.lasting`."""
        return self.restart_after


class RackPowerLoss(Fault):
    """All machines of a rack (or of all racks of a power domain), and its switch, lose power at once."""

    unit: ClassVar[Unit] = "rack"
    kind: Literal["rack-power-loss"]
    target: Target = Field(description="Which racks: rack or power_domain.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)
