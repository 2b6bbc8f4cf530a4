"""Faults of the network, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from feitian_sim.faults.fault import FOREVER, Fault, Names, Target, Unit
from feitian_sim.kernel import Duration, DurationDistribution, Ratio


class SwitchLoss(Fault):
    """A switch stops forwarding; machines behind it run on, unreachable."""

    unit: ClassVar[Unit] = "switch"
    kind: Literal["switch-loss"]
    target: Target = Field(description="Which switches: switch, or rack for its top-of-rack switch.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class LinkLoss(Fault):
    """A link goes down."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["link-loss"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkLoss(Fault):
    """A link loses a share of messages."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-loss"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    loss: Ratio = Field(gt=0, description="Share of messages lost.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkDelay(Fault):
    """Messages over a link take longer."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-delay"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    delay: Duration = Field(gt=0, description="Added to each message, one way.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkBandwidth(Fault):
    """A link runs at a share of its bandwidth (a bad cable, a port that fell back to a lower speed)."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-bandwidth"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    factor: Ratio = Field(gt=0, description="Share of the bandwidth that is left.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkPartition(Fault):
    """Groups of machines cannot reach each other; within a group all is well."""

    unit: ClassVar[Unit] = "groups"
    kind: Literal["network-partition"]
    split: Literal["one", "majority", "racks"] | None = Field(
        default=None,
        description="Drawn groups: one machine apart, a minority apart, or every rack for itself. Or give groups.",
    )
    groups: tuple[Names, ...] | None = Field(
        default=None,
        description="Explicit groups of machines or racks: [[r0, r1/m3], [r2]]. Who is in none is on the last side.",
    )
    direction: Literal["both", "out", "in"] = Field(
        default="both",
        description="What is lost between the group that is cut off and the others: both (default), only what it sends "
        "(out), or only what it is sent (in).",
    )
    target: Target | None = Field(default=None, description="split: one, majority: among these. Default: all.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @model_validator(mode="after")
    def _split_or_groups(self) -> NetworkPartition:
        if (self.split is None) == (self.groups is None):
            raise ValueError("exactly one of split and groups says who is cut off from whom")
        if self.groups is not None and self.target is not None:
            raise ValueError("target goes with split only: groups name the machines themselves")
        if self.split == "racks" and self.target is not None:
            raise ValueError("split: racks separates all racks: leave target out")
        sides = (
            2 if self.groups is None and self.split != "racks" else len(self.groups or "") + (self.split == "racks") * 9
        )
        if self.direction != "both" and sides > 2:
            raise ValueError(
                "direction goes with one group and the others: give one or two groups, or split: one or majority"
            )
        return self
