"""What all faults share: one trigger (``at``, ``every``, ``rate``, ``distribution`` or ``trace``) and a target."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from feitian_sim.faults.trace_config import TraceConfig
from feitian_sim.kernel import Duration, DurationDistribution, Frequency, StrictModel

#: What a fault can strike. Targets are resolved to names of this unit.
Unit = Literal["machine", "disk", "rack", "switch", "link", "role", "groups"]

_TRIGGERS = ("at", "every", "rate", "distribution", "trace")


def text(quantity: str) -> Any:
    """A default as scenarios write it; pydantic reads it like any other value."""
    return quantity


def _as_names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _shortest_names(names: tuple[str, ...]) -> Any:
    return names[0] if len(names) == 1 else list(names)


#: One name or a list of names; ``*`` and ``?`` match as in file names.
Names = Annotated[tuple[str, ...], BeforeValidator(_as_names), PlainSerializer(_shortest_names), Field(min_length=1)]


def _read_amount(value: Any) -> Any:
    if isinstance(value, str) and value.endswith("%"):
        return value[:-1]
    return value


class Target(StrictModel):
    """Which of the cluster's parts: all conditions that are given must hold; ``mode`` picks among several."""

    role: str | None = Field(default=None, description="Those that run this role: pangu.master, pangu.chunkserver.")
    leader: str | None = Field(default=None, description="The leader of this role when the fault strikes.")
    rack: Names | None = Field(default=None, description="In these racks: r3, or [r3, r4].")
    power_domain: Names | None = Field(default=None, description="In these power domains: p0.")
    machine: Names | None = Field(default=None, description="These machines: r3/m12, or r3/*.")
    disk: Names | None = Field(default=None, description="These disks: r3/m12/d0, or */d0.")
    switch: Names | None = Field(default=None, description="These switches: r3/switch.")
    link: Names | None = Field(default=None, description="These links: r3/m12/nic, r3/uplink.")
    mode: Literal["one", "all", "fixed", "percent"] | None = Field(
        default=None, description="How many of several matches are struck; required when there are several."
    )
    value: Annotated[float, BeforeValidator(_read_amount)] | None = Field(
        default=None, description="How many (mode: fixed) or which share in percent, 0 to 100 (mode: percent)."
    )

    @model_validator(mode="after")
    def _value_fits_mode(self) -> Target:
        if self.mode in ("fixed", "percent") and self.value is None:
            raise ValueError(f"mode: {self.mode} needs a value: {'3' if self.mode == 'fixed' else '5%'}")
        if self.mode not in ("fixed", "percent") and self.value is not None:
            raise ValueError("value goes with mode: fixed or mode: percent only")
        if self.mode == "fixed" and self.value is not None and (self.value < 1 or self.value != int(self.value)):
            raise ValueError(f"mode: fixed needs a whole number of at least 1, not {self.value}")
        if self.mode == "percent" and self.value is not None and not 0 < self.value <= 100:
            raise ValueError(f"mode: percent needs a share above 0% and up to 100%, not {self.value}")
        return self


class Fault(StrictModel):
    """What all faults share: when."""

    unit: ClassVar[Unit]

    name: str | None = Field(
        default=None, description="Identity in facts and draws; default f<position>-<kind>.", min_length=1
    )
    at: Duration | None = Field(default=None, description="Trigger: strike once, at this time.")
    every: Duration | None = Field(default=None, description="Trigger: strike again and again, this far apart.")
    rate: Frequency | None = Field(
        default=None,
        description="Trigger: failures of each target per time in service, exponential: 4%/year, 2/day.",
    )
    distribution: DurationDistribution | None = Field(
        default=None, description="Trigger: the time in service of each target between failures."
    )
    start: Duration = Field(default=text("0s"), description="every, rate, distribution: not before. Default 0s.")
    until: Duration | None = Field(
        default=None, description="every, rate, distribution: no new strike after this time. Default: the end."
    )
    jitter: Duration = Field(
        default=text("0s"),
        description="at, every: each strike comes later by a uniform draw up to this. Default 0s.",
    )

    @model_validator(mode="after")
    def _one_trigger(self) -> Fault:
        allowed = [name for name in _TRIGGERS if name in type(self).model_fields]
        given = [name for name in allowed if getattr(self, name) is not None]
        if len(given) != 1:
            found = "none is given" if not given else " and ".join(given) + " are given"
            raise ValueError(f"exactly one of {', '.join(allowed)} says when the fault strikes; {found}")
        trigger = given[0]
        if self.jitter and trigger not in ("at", "every"):
            raise ValueError(f"jitter goes with at or every, not with {trigger}")
        if trigger in ("at", "trace") and (self.start or self.until is not None):
            raise ValueError(f"start and until go with every, rate or distribution, not with {trigger}")
        if self.every is not None and self.every <= self.jitter:
            raise ValueError("every must be longer than jitter, or strikes would overtake each other")
        if self.rate is not None and self.rate <= 0:
            raise ValueError("rate must be above 0; leave the fault out instead")
        return self

    @property
    def trigger(self) -> str:
        """Which of the triggers is given."""
        return next(name for name in _TRIGGERS if getattr(self, name, None) is not None)

    @property
    def lasting(self) -> DurationDistribution | None:
        """How long a strike holds its target; None for ever (or, for what ends at once, not at all)."""
        duration: DurationDistribution | None = getattr(self, "duration", None)
        return duration


class Traced(Fault):
    """A fault that can also be read from a trace."""

    trace: TraceConfig | None = Field(default=None, description="Trigger: strike when and where a trace says.")
    target: Target | None = Field(default=None, description="What is struck; not with trace, which says it itself.")

    @model_validator(mode="after")
    def _trace_or_target(self) -> Traced:
        if self.trace is None and self.target is None:
            raise ValueError("target is missing: say what is struck, for example {rack: r3}")
        if self.trace is not None and self.target is not None:
            raise ValueError("a trace names its own targets: leave target out")
        return self


#: Of a duration.
FOREVER = "How long; a time or a distribution. Default: it never ends."
