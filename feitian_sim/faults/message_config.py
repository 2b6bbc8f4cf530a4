"""Faults of single messages, of what holds them on their way and of connections, as the scenario says them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from feitian_sim.faults.fault import FOREVER, Fault, Names, Target, Unit, text
from feitian_sim.kernel import Duration, DurationDistribution, Ratio
from feitian_sim.kernel.distributions import Constant

_LINKS = "Which links: link, machine (its NIC) or rack (its uplink)."
_TRIGGER_FIELDS = ("at", "every", "rate", "distribution", "until", "start", "jitter")


class NetworkDuplicate(Fault):
    """Some messages over a link get there again, later."""

    unit: ClassVar[Unit] = "link"
    strikes_messages: ClassVar[bool] = True
    kind: Literal["network-duplicate"]
    target: Target = Field(description=_LINKS)
    share: Ratio = Field(gt=0, description="Share of messages of which a copy is made.")
    after: DurationDistribution = Field(
        default=text("1ms"),
        description="How much later the copy comes; a time or a distribution; default 1ms. Source: chosen: some round "
        "trips of a data centre, so that what the message brought about is there when its copy comes.",
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkReorder(Fault):
    """Some messages over a link are held back while later ones overtake them."""

    unit: ClassVar[Unit] = "link"
    strikes_messages: ClassVar[bool] = True
    kind: Literal["network-reorder"]
    target: Target = Field(description=_LINKS)
    share: Ratio = Field(gt=0, description="Share of messages that are held back.")
    gap: DurationDistribution = Field(
        default=text("5ms"),
        description="For how long; a time or a distribution; default 5ms. Source: chosen: some tens of round trips of a "
        "data centre, so that several later messages overtake.",
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkCorrupt(Fault):
    """A bit of some messages over a link flips; their receiver's checksum tells, and they are dropped there."""

    unit: ClassVar[Unit] = "link"
    strikes_messages: ClassVar[bool] = True
    kind: Literal["network-corrupt"]
    target: Target = Field(description=_LINKS)
    share: Ratio = Field(gt=0, description="Share of messages in which a bit flips.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkMessage(Fault):
    """One single message fares otherwise: what a shrinker writes when it has found which of many mattered."""

    unit: ClassVar[Unit] = "machine"
    strikes_messages: ClassVar[bool] = True
    kind: Literal["network-message"]
    source: str = Field(description="The machine that sends it: r0/m0.")
    target: str = Field(description="The machine to which it is sent: r1/m0.")
    number: int = Field(ge=0, description="Which of the messages from one to the other in this run (count, from 0).")
    effect: Literal["lose", "delay", "duplicate", "corrupt"] = Field(
        description="What becomes of it: it is lost, comes later, comes twice, or has a bit flipped."
    )
    delay: Duration | None = Field(
        default=None, description="effect delay: how much later it comes; duplicate: its copy, default 0s."
    )

    @model_validator(mode="after")
    def _one_trigger(self) -> NetworkMessage:
        """The number says when: none of the usual triggers does."""
        given = [name for name in _TRIGGER_FIELDS if getattr(self, name)]
        if given:
            raise ValueError(f"the message's number says when it is struck: leave {' and '.join(given)} out")
        if self.source == self.target:
            raise ValueError("source and target must be two machines: within one there is no network")
        if self.effect == "delay" and not self.delay:
            raise ValueError("effect: delay needs a delay above 0: 5ms")
        if self.delay is not None and self.effect not in ("delay", "duplicate"):
            raise ValueError(f"delay goes with effect: delay or duplicate, not with {self.effect}")
        return self

    @property
    def trigger(self) -> str:
        """See :attr:`Fault.trigger`."""
        return "message"


class NetworkClog(Fault):
    """Nothing moves over a link while it lasts, and nothing is lost: at the end all that it held goes on at once."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-clog"]
    target: Target = Field(description=_LINKS)
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkSwizzle(Fault):
    """Links are clogged one by one and released in another order: the first half of the time, and the second."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-swizzle"]
    target: Target = Field(description=_LINKS + " mode: fixed or percent draws a part of them.")
    duration: Duration = Field(gt=0, description="From the first clog to the last release.")

    @property
    def lasting(self) -> DurationDistribution | None:
        """See :attr:`Fault.lasting`."""
        return Constant[Duration].model_construct(value=self.duration)


class NetworkFlap(Fault):
    """A link goes down and up again and again."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-flap"]
    target: Target = Field(description=_LINKS)
    period: Duration = Field(gt=0, description="From one loss of the link to the next.")
    down: Ratio = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Share of the time that it is down, at the beginning of each period; default 0.5. Source: chosen: "
        "as long down as up.",
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class NetworkReset(Fault):
    """All connections between machines whose messages pass a link are reset, as by a middlebox; it ends at once."""

    unit: ClassVar[Unit] = "link"
    kind: Literal["network-reset"]
    target: Target = Field(description=_LINKS)


class NetworkHalfOpen(Fault):
    """A machine forgets its connections and tells nobody; it ends at once."""

    unit: ClassVar[Unit] = "machine"
    kind: Literal["network-half-open"]
    target: Target = Field(description="Which machines forget.")
    peer: Names | None = Field(
        default=None, description="Only connections to these machines: r3/m12, or r3/*. Default: to all."
    )


def strikes_messages(fault: Any) -> bool:
    """Whether the fault strikes single messages, so that all messages of the run must be explicit and numbered."""
    return bool(getattr(fault, "strikes_messages", False))
