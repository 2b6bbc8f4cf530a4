"""Faults of machines' clocks, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from feitian_sim.faults.fault import FOREVER, Fault, Target, Unit
from feitian_sim.kernel import Duration, DurationDistribution
from feitian_sim.kernel.distributions import Constant

_WHOSE = "Whose clock: machine, rack, power_domain, role or leader."
#: The wall reading, which may be set; the monotonic one, by which durations are measured; or both.
Which = Literal["wall", "monotonic", "both"]
_MOST_PPM = 900_000


class ClockSkew(Fault):
    """The time of day of a machine is wrong by a constant while it lasts; durations are measured right."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["clock-skew"]
    target: Target = Field(description=_WHOSE)
    offset: Duration = Field(gt=0, description="By how much the wall clock is wrong, in time units: 200ms.")
    direction: Literal["ahead", "behind"] = Field(default="ahead", description="Which way; default ahead.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class ClockStep(Fault):
    """The time of day of a machine is set, once, to another: by an operator or a time server; it ends at once."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["clock-step"]
    target: Target = Field(description=_WHOSE)
    by: Duration = Field(gt=0, description="How far the wall clock jumps, in time units: 1s.")
    direction: Literal["forwards", "backwards"] = Field(default="forwards", description="Which way; default forwards.")


class ClockDrift(Fault):
    """A clock goes too fast or too slow; what it has gone wrong stays when it goes right again.

    Of several drifts of one clock the one that began last counts.
    """

    unit: ClassVar[Unit] = "machine"
    kind: Literal["clock-drift"]
    target: Target = Field(description=_WHOSE)
    ppm: int = Field(
        ge=-_MOST_PPM,
        le=_MOST_PPM,
        description="How much too fast, or below 0 too slow, in parts per million: 500, -200.",
    )
    which: Which = Field(default="both", description="Which reading: wall, monotonic or both; default both.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @model_validator(mode="after")
    def _drifts(self) -> ClockDrift:
        if not self.ppm:
            raise ValueError("ppm: 0 is a clock that goes right: say how much too fast (500) or too slow (-500)")
        return self


class ClockStrobe(Fault):
    """The time of day jumps to and fro: right, wrong, right, wrong; right at the end."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["clock-strobe"]
    target: Target = Field(description=_WHOSE)
    by: Duration = Field(gt=0, description="How far the wall clock jumps forwards and back again, in time units: 200ms.")
    interval: Duration = Field(gt=0, description="Between two jumps, in time units: 10ms.")
    duration: Duration = Field(gt=0, description="How long, in time units: 5s.")

    @property
    def lasting(self) -> DurationDistribution | None:
        """See :attr:`Fault.lasting`."""
        return Constant[Duration].model_construct(value=self.duration)


class ClockFreeze(Fault):
    """A clock stands still: as that of a virtual machine that is not told how long it was stopped."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["clock-freeze"]
    target: Target = Field(description=_WHOSE)
    which: Which = Field(default="both", description="Which reading: wall, monotonic or both; default both.")
    then: Literal["jumps", "goes-on"] = Field(
        default="jumps",
        description="At the end it jumps over the time that it stood, or goes on from where it stood; default jumps.",
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)
