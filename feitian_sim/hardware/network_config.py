"""The network's part of the scenario: switches, links and latencies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from feitian_sim.kernel import Bandwidth, Duration, StrictModel


class NetLatency(StrictModel):
    """How long a message is under way beside its transmission."""

    nic: Duration = Field(
        default="5us",
        validate_default=True,
        description="Machine to its switch or back, one way; default 5us. Source: kernel bypass is 1-2 us, kernel TCP "
        "10-20 us (Kalia et al., NSDI 2019); the latency of published simulator comparisons.",
    )
    rack: Duration = Field(
        default="10us",
        validate_default=True,
        description="Between switches, one way, each hop; default 10us. Source: store-and-forward of a full frame "
        "at 10 Gbit/s plus a loaded switch's buffer (Guo et al., SIGCOMM 2015: 250 us round trip at most).",
    )
    local: Duration = Field(
        default="2us",
        validate_default=True,
        description="Between two processes of one machine; default 2us. Source: loopback without the wire.",
    )
    jitter: Duration = Field(
        default="2us",
        validate_default=True,
        description="Largest random addition, uniform, per message; default 2us. Source: a tenth of a cross-rack way.",
    )


class _Network(StrictModel):
    latency: NetLatency = Field(
        default_factory=NetLatency, description="Latencies (no unit); default: see each key. Source: see each key."
    )
    stall_timeout: Duration = Field(
        default="6s",
        validate_default=True,
        gt=0,
        description="A bulk transfer that makes no progress for so long fails; default 6s. Source: as kuafu.keepalive; a "
        "TCP user time-out of a data centre (HDFS dfs.datanode.socket.write.timeout is longer, 8 min).",
    )


class TreeNetwork(_Network):
    """Top-of-rack switches on one core: the shape of GFS- and Fuxi-era clusters."""

    kind: Literal["tree"] = Field(default="tree", description="A two-level tree.")
    oversubscription: float = Field(
        default=1.0,
        gt=0,
        description="Sum of a rack's network cards over its uplink (ratio); default 1. Source: the neutral choice; "
        "2.5 to 10 are common (Barroso et al., The Datacenter as a Computer).",
    )
    uplink: Bandwidth | None = Field(
        default=None,
        gt=0,
        description="A rack's uplink, each way, in bandwidth units; default: from oversubscription. Source: as given.",
    )
    core: Bandwidth | None = Field(
        default=None,
        gt=0,
        description="What the core carries in all, in bandwidth units; default: it never limits. Source: as given.",
    )


class FatTreeNetwork(_Network):
    """A k-ary fat tree (Al-Fares et al., SIGCOMM 2008): racks are edge switches, paths are chosen per flow (ECMP)."""

    kind: Literal["fat-tree"] = Field(description="A three-level fat tree.")
    k: int | None = Field(
        default=None,
        ge=2,
        description="Ports of a switch (count, even); default: the smallest that fits racks and machines. Source: "
        "Al-Fares et al.: k pods of k/2 edge switches with k/2 machines each, (k/2)^2 cores.",
    )
    link: Bandwidth | None = Field(
        default=None,
        gt=0,
        description="Each link between switches, in bandwidth units; default: as a machine's card. Source: Al-Fares.",
    )

    @field_validator("k")
    @classmethod
    def _even(cls, value: int | None) -> int | None:
        if value is not None and value % 2:
            raise ValueError(f"k is even in a fat tree: {value}")
        return value
