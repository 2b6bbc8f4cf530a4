"""What the loads of scenarios share: a name, when they run, and whether they are open or closed.

A load is *open* (``arrival``: operations come whether or not earlier ones have ended) or *closed* (``clients``: N
clients that each wait for their operation, then think), never both: the two react to a slow system in opposite
ways. Rates are totals of the load.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, DurationDistribution, Frequency, StrictModel, written


class PoissonArrival(StrictModel):
    """Memoryless arrivals."""

    kind: Literal["poisson"]
    rate: Frequency = Field(gt=0, description="Operations per time, of the whole load: 2/s.")


class ConstantArrival(StrictModel):
    """Arrivals at equal distance."""

    kind: Literal["constant"]
    rate: Frequency = Field(gt=0, description="Operations per time, of the whole load: 2/s.")


Arrival = Annotated[PoissonArrival | ConstantArrival, Field(discriminator="kind")]


class Load(StrictModel):
    """What all loads share: a name and when it runs."""

    name: str | None = Field(
        default=None,
        min_length=1,
        description="Identity in facts and draws. Default: the kind (write, write-2, ...).",
    )
    start: Duration = Field(default=written("0s"), description="When it begins. Default 0s.")


class PacedLoad(Load):
    """What the loads of clients share: open or closed, and when it ends."""

    arrival: Arrival | None = Field(default=None, description="Open load: {kind: poisson, rate: 2/s}.")
    clients: int | None = Field(default=None, ge=1, description="Closed load: how many clients.")
    clients_per_server: float | None = Field(
        default=None, gt=0, description="Closed load: clients for each machine of the cluster, in place of clients."
    )
    think: DurationDistribution | None = Field(
        default=None, description="Closed load: pause of a client between operations. Default 0s."
    )
    ramp: Duration = Field(
        default=written("0s"),
        description="Closed load: its clients begin evenly over this time from the start on; default "
        "0s, all at once. Source: none.",
    )
    stop: Duration | None = Field(default=None, description="No operation begins after this. Default: the end.")
    limit: int | None = Field(default=None, ge=1, description="Operations in all. Default: no limit.")
    max_in_flight: int = Field(
        default=10_000,
        ge=1,
        description="Open load: arrivals beyond so many unfinished ones are dropped and counted; default 10000. "
        "Source: chosen; it bounds memory in an overload and is far above what a healthy cluster keeps in flight.",
    )

    def client_count(self, servers: int) -> int | None:
        """Clients of a closed load in a cluster of so many machines; None for an open one."""
        if self.clients_per_server is not None:
            return max(1, round(self.clients_per_server * servers))
        return self.clients

    @model_validator(mode="after")
    def _open_or_closed(self) -> PacedLoad:
        given = sum(way is not None for way in (self.arrival, self.clients, self.clients_per_server))
        if given != 1:
            found = "neither is given" if not given else "both are given" if self.arrival is not None else "clients twice"
            raise ValueError(f"exactly one of arrival (an open load) and clients (a closed load) is needed; {found}")
        if self.think is not None and self.arrival is not None:
            raise ValueError("think goes with clients: in an open load nobody waits")
        if self.ramp and self.arrival is not None:
            raise ValueError("ramp goes with clients: an open load has none that could begin")
        if self.stop is not None and self.stop <= self.start:
            raise ValueError("stop must come after start")
        return self
