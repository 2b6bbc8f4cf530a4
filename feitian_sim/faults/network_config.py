"""Faults of the network, as the scenario says them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from feitian_sim.faults.fault import FOREVER, Fault, Names, Target, Unit
from feitian_sim.kernel import Duration, DurationDistribution, Ratio

_NAMED = (
    "Whether all messages of the run are explicit and numbered, heartbeats that nobody misses too, so that each that is "
    "struck can be named (network-message); default false. So it is wherever another fault strikes single messages."
)


def _as_uniform(value: Any) -> Any:
    return {"kind": "uniform", "low": "0s", "high": value} if isinstance(value, str) else value


#: A time ``t`` for anything up to it, each equally likely; or a distribution.
UpTo = Annotated[DurationDistribution, BeforeValidator(_as_uniform)]


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
    burst: float = Field(
        default=1.0,
        ge=1,
        description="Mean length of a burst of losses (count of messages, between two machines); default 1: each is lost "
        "or not by itself. Above 1: Gilbert's two states. Source: the model of netem's loss without bursts.",
    )
    named: bool = Field(default=False, description=_NAMED)
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @model_validator(mode="after")
    def _bursts_fit(self) -> NetworkLoss:
        if self.burst > 1 and self.loss * (1 + self.burst) > self.burst:
            most = self.burst / (1 + self.burst)
            raise ValueError(f"bursts of {self.burst:g} with a message between any two lose at most {most:.3g} of all")
        return self

    @property
    def strikes_messages(self) -> bool:
        """Whether single messages are drawn by their numbers."""
        return self.named or self.burst > 1


class NetworkDelay(Fault):
    """Messages over a link take longer."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-delay"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    delay: Duration = Field(gt=0, description="Added to each message that is struck, one way.")
    delay_jitter: UpTo | None = Field(
        default=None,
        description="Added to each of these as well: anything up to a time, or a distribution; default none. (jitter is "
        "the trigger's.)",
    )
    share: Ratio = Field(
        default=1.0, gt=0, description="Share of messages that are struck; default 1. Source: a longer way delays all."
    )
    named: bool = Field(default=False, description=_NAMED)
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @property
    def strikes_messages(self) -> bool:
        """Whether single messages are drawn by their numbers."""
        return self.named or self.share < 1 or self.delay_jitter is not None


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
    split: Literal["one", "majority", "racks", "ring", "bridge"] | None = Field(
        default=None,
        description="Drawn groups: one machine apart, a minority apart (with target's leader), or every rack for itself; "
        "ring: each of the machines reaches only its two neighbours in a ring; bridge: two halves that reach each other "
        "only through one machine, which reaches all. Or give groups.",
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
    target: Target | None = Field(
        default=None, description="split: one, majority, ring, bridge: among these. Default: all."
    )
    among: str | None = Field(
        default=None,
        description="Only machines of this role are cut from each other, everybody else reaches all: a partial partition "
        "(Alquraan et al., OSDI 2018). Default: everybody is on some side.",
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @model_validator(mode="after")
    def _split_or_groups(self) -> NetworkPartition:
        if (self.split is None) == (self.groups is None):
            raise ValueError("exactly one of split and groups says who is cut off from whom")
        if self.groups is not None and self.target is not None:
            raise ValueError("target goes with split only: groups name the machines themselves")
        if self.split == "racks" and self.target is not None:
            raise ValueError("split: racks separates all racks: leave target out")
        if self.among is not None and self.split in ("racks", "ring", "bridge"):
            raise ValueError(f"among does not go with split: {self.split}: give groups, or split: one or majority")
        if self.direction != "both" and self.split in ("ring", "bridge"):
            raise ValueError(f"direction does not go with split: {self.split}: who is cut off is so both ways")
        sides = (
            2 if self.groups is None and self.split != "racks" else len(self.groups or "") + (self.split == "racks") * 9
        )
        if self.direction != "both" and sides > 2:
            raise ValueError(
                "direction goes with one group and the others: give one or two groups, or split: one or majority"
            )
        return self
