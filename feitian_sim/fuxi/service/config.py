"""How services are run: leases of workers, when a service fails, when hot spots are looked for, how clients ask."""

from __future__ import annotations

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, StrictModel, written


class ServiceClientConfig(StrictModel):
    """How clients ask workers, and ask again."""

    call: Duration = Field(
        default=written("2s"),
        gt=0,
        description="Deadline of one try of a request, in time units; default 2s. Source: own assumption, far above a "
        "request's time and below fuxi.call: whoever does not answer may not have the key any more.",
    )
    backoff: Duration = Field(
        default=written("40ms"),
        gt=0,
        description="Pause before the second try of a request, doubled for each that follows, in time units; default "
        "40ms. Source: own assumption, below the time in which a partition moves.",
    )
    backoff_max: Duration = Field(
        default=written("1s"),
        gt=0,
        description="Longest pause between two tries, and the pause before a partition table that could not be read is "
        "read again, in time units; default 1s. Source: as fuxi.retry.",
    )


class ServiceConfig(StrictModel):
    """What all services of the cell share."""

    lease: Duration = Field(
        default=written("15s"),
        gt=0,
        description="How long a worker may serve its partitions after it last asked its ServiceMaster, in time units; "
        "default 15s. Source: own assumption, near Chubby's 12 s (OSDI 2006 sec. 2.8) and above the fail-over of a "
        "ServiceMaster, so that this interrupts nobody.",
    )
    renew_every: Duration = Field(
        default=written("3s"),
        gt=0,
        description="Between a worker's renewals, which also report its load, in time units; default 3s. Source: as "
        "Fuxi's heartbeats.",
    )
    drift: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="By how much the clocks of two machines may go at different rates (ratio); default 0.01. Source: own "
        "assumption, fifty times what is allowed to a quartz (200 ppm).",
    )
    margin: Duration = Field(
        default=written("100ms"),
        description="Besides drift, how much longer the ServiceMaster waits for a lease to run out, in time units; "
        "default 100ms. Source: own assumption.",
    )
    session: Duration = Field(
        default=written("6s"),
        gt=0,
        description="Silence after which a ServiceMaster loses its lock in Nuwa and another may take over, in time "
        "units; default 6s. Source: as fuxi.session.",
    )
    gather: Duration = Field(
        default=written("10s"),
        description="Partitions are first given out when all workers are there, or after this, in time units; default "
        "10s. Source: own assumption, the start of a worker.",
    )
    adopt_within: Duration = Field(
        default=written("10s"),
        gt=0,
        description="A restarted ServiceMaster waits so long for machines to say what runs there, in time units; default "
        "10s. Source: as fuxi.jobs.adopt_within.",
    )
    attempts: int = Field(
        default=4,
        ge=1,
        description="Workers of a role that find no package and so fail the service, unless one of the role has come up "
        "before (count); default 4. Source: as fuxi.jobs.attempts.",
    )
    look_every: Duration = Field(
        default=written("5s"),
        gt=0,
        description="Between looks at hot spots, in time units; default 5s. Source: own assumption, a little above "
        "renew_every.",
    )
    settle: Duration = Field(
        default=written("15s"),
        description="A partition that was split or moved is left alone for so long, in time units; default 15s. Source: "
        "own assumption: some reports of its new load must have come.",
    )
    store: Duration = Field(
        default=written("100us"),
        description="What the storage takes for one write of a partition beside the network and its disk, in time units; "
        "default 100us. Source: own assumption, a hundred thousand cycles.",
    )
    client: ServiceClientConfig = Field(
        default_factory=ServiceClientConfig, description="How clients ask workers, and ask again."
    )

    @model_validator(mode="after")
    def _consistent(self) -> ServiceConfig:
        if self.lease < 2 * self.renew_every:
            raise ValueError("lease must be at least twice renew_every: one lost renewal would stop a worker")
        return self

    @property
    def wait_ns(self) -> int:
        """How long after an answer the ServiceMaster counts the lease as running."""
        return self.lease + self.margin + int(self.lease * self.drift)
