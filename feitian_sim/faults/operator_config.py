"""Faults that people cause, and troubles of many machines at once, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from feitian_sim.faults.fault import FOREVER, Fault, Target, Unit, text
from feitian_sim.kernel import Duration, DurationDistribution


class RackPdu(Fault):
    """A strip of sockets fails: a drawn part of a rack's machines loses power at one instant, the others go on."""

    unit: ClassVar[Unit] = "rack"
    kind: Literal["rack-pdu"]
    target: Target = Field(description="Which racks: rack or power_domain.")
    share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Which part of a rack's machines hangs on the strip (share), rounded, at least one; default 0.5. "
        "Source: a rack with two strips, each machine on one.",
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class ClusterBrownout(Fault):
    """The voltage sags: machines throttle their cores, and the power supplies of some let go for a while.

    Which machines let go is drawn for each by itself, so that a fraction of all is dark, anywhere.
    """

    unit: ClassVar[Unit] = "machine"
    kind: Literal["cluster-brownout"]
    target: Target | None = Field(default=None, description="Which machines; default: all servers.")
    factor: float = Field(
        default=2.0,
        ge=1,
        description="How many times slower cores are (factor); default 2. Source: own assumption: half the clock rate.",
    )
    dark: float = Field(
        default=0.0, ge=0, le=1, description="How likely each machine is to lose power (probability); default 0."
    )
    dark_for: Duration = Field(
        default=text("1s"),
        gt=0,
        description="How long such a machine has no power, at most as long as the fault lasts, in time units; default "
        "1s. Source: own assumption: transfer to the generators is longer, supplies ride through less.",
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)

    @model_validator(mode="after")
    def _does_something(self) -> ClusterBrownout:
        if self.factor == 1 and not self.dark:
            raise ValueError("cluster-brownout changes nothing: say factor above 1, or dark above 0")
        return self


class OperatorRollingRestart(Fault):
    """An operator restarts the processes of a role one after another, as for an upgrade, in the order of the machines.

    Each is stopped, started again after ``down``, and given ``pause`` until the next. After ``pause_after`` of them the
    operator stops to look for ``pause_for``; with ``rollback`` those are then restarted once more, the last first, and
    the rest is left alone. Nobody waits for the group to be whole: that is what makes it a fault.
    """

    unit: ClassVar[Unit] = "role"
    kind: Literal["operator-rolling-restart"]
    target: Target = Field(description="Whose processes: needs role; mode: all.")
    down: Duration = Field(
        default=text("200ms"),
        gt=0,
        description="How long each is down, in time units; default 200ms. Source: own assumption: stop and start of a "
        "process, without its recovery.",
    )
    pause: Duration = Field(
        default=text("1s"),
        ge=0,
        description="From the start of one to the stop of the next, in time units; default 1s. Source: own assumption.",
    )
    pause_after: int | None = Field(
        default=None, ge=1, description="After how many the operator looks (count); default: never."
    )
    pause_for: Duration = Field(
        default=text("10s"),
        ge=0,
        description="How long the operator looks, in time units; default 10s. Source: own assumption.",
    )
    rollback: bool = Field(default=False, description="Whether what was restarted is then put back; default false.")
    duration: DurationDistribution | None = Field(
        default=None, description="When the operator gives up, done or not. Default: not before it is done."
    )

    @model_validator(mode="after")
    def _complete(self) -> OperatorRollingRestart:
        if self.target.role is None:
            raise ValueError("operator-rolling-restart needs target.role: whose processes are restarted")
        if self.rollback and self.pause_after is None:
            raise ValueError("rollback needs pause_after: after how many the operator looks and goes back")
        return self
