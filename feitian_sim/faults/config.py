"""What the scenario says of faults: one model per kind, tagged by ``kind``.

A fault has exactly one trigger (``at``, ``every``, ``rate``, ``distribution`` or ``trace``), a target, and what is
particular to its kind. :data:`FaultConfig` is the union that the scenario reads. Ids are fixed by the design.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from feitian_sim.faults.trace_config import TraceConfig
from feitian_sim.kernel import Duration, DurationDistribution, Frequency, Ratio, StrictModel

#: What a fault can strike. Targets are resolved to names of this unit.
Unit = Literal["machine", "disk", "rack", "switch", "link", "role", "groups"]

_TRIGGERS = ("at", "every", "rate", "distribution", "trace")


def _text(quantity: str) -> Any:
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
    start: Duration = Field(default=_text("0s"), description="every, rate, distribution: not before. Default 0s.")
    until: Duration | None = Field(
        default=None, description="every, rate, distribution: no new strike after this time. Default: the end."
    )
    jitter: Duration = Field(
        default=_text("0s"),
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


_FOREVER = "How long; a time or a distribution. Default: it never ends."


class MachineCrash(Traced):
    """The machine stops at once: processes die, disk caches are lost; it restarts after ``duration``."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["machine-crash"]
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


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
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


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
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


class SwitchLoss(Fault):
    """A switch stops forwarding; machines behind it run on, unreachable."""

    unit: ClassVar[Unit] = "switch"
    kind: Literal["switch-loss"]
    target: Target = Field(description="Which switches: switch, or rack for its top-of-rack switch.")
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


class LinkLoss(Fault):
    """A link goes down."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["link-loss"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


class NetworkLoss(Fault):
    """A link loses a share of messages."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-loss"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    loss: Ratio = Field(gt=0, description="Share of messages lost.")
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


class NetworkDelay(Fault):
    """Messages over a link take longer."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-delay"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    delay: Duration = Field(gt=0, description="Added to each message, one way.")
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


class NetworkBandwidth(Fault):
    """A link runs at a share of its bandwidth (a bad cable, a port that fell back to a lower speed)."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-bandwidth"]
    target: Target = Field(description="Which links: link, machine (its NIC) or rack (its uplink).")
    factor: Ratio = Field(gt=0, description="Share of the bandwidth that is left.")
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


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
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)

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


class DiskFail(Traced):
    """A disk fails for good with all it held; an empty one takes its place after ``replace_after``."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-fail"]
    replace_after: DurationDistribution | None = Field(
        default=_text("7d"),
        description="Until a new, empty disk is in. null: never. Default 7d (hardware replacement time of the clyso "
        "durability calculator V2).",
    )

    @property
    def lasting(self) -> DurationDistribution | None:
        """See :attr:`Fault.lasting`."""
        return self.replace_after


class DiskSlow(Traced):
    """A disk reads and writes ``factor`` times slower."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-slow"]
    factor: float = Field(gt=1, description="How many times slower.")
    duration: DurationDistribution | None = Field(default=None, description=_FOREVER)


class DiskSectorError(Traced):
    """A latent sector error: one stored piece of data can no longer be read; it is noticed when it is read."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-sector-error"]


class DiskBitrot(Traced):
    """Silent corruption: one stored piece of data changes; it is noticed when its checksum is verified."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-bitrot"]


#: Any fault of a scenario.
FaultConfig = Annotated[
    MachineCrash
    | MachineLoss
    | MachineSlow
    | ProcessKill
    | RackPowerLoss
    | SwitchLoss
    | LinkLoss
    | NetworkLoss
    | NetworkDelay
    | NetworkBandwidth
    | NetworkPartition
    | DiskFail
    | DiskSlow
    | DiskSectorError
    | DiskBitrot,
    Field(discriminator="kind"),
]
