"""What the scenario says of operations: one model per kind, tagged by ``kind``. Ids are fixed by the design."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from feitian_sim.faults.fault import Target, Unit
from feitian_sim.kernel import Duration, StrictModel


def _all_by_default(target: Target) -> Target:
    """Who plans an operation means every machine that is named; of faults, one must say so."""
    return target if target.mode is not None else target.model_copy(update={"mode": "all"})


class Operation(StrictModel):
    """What all operations share: when, and on which machines."""

    unit: ClassVar[Unit] = "machine"

    name: str | None = Field(
        default=None, description="Identity in facts and draws; default o<position>-<kind>.", min_length=1
    )
    at: Duration = Field(description="When the operator gives the order, in time units; no default.")
    target: Annotated[Target, AfterValidator(_all_by_default)] = Field(
        description="Which machines: rack, power_domain, machine or role; all that match, unless mode says otherwise."
    )


class MachineAdd(Operation):
    """Machines join: they stand in their racks from the beginning, switched off and empty, until now."""

    kind: Literal["machine-add"]


class MachineDrain(Operation):
    """Machines take no new replicas, and those that they have are moved away; they stay on, empty."""

    kind: Literal["machine-drain"]


class MachineDecommission(Operation):
    """As machine-drain; each machine is switched off for good when all its chunks are whole elsewhere."""

    kind: Literal["machine-decommission"]


#: Any operation of a scenario.
OperationConfig = Annotated[MachineAdd | MachineDrain | MachineDecommission, Field(discriminator="kind")]
