"""``rpc``: processes that call processes, for what calls themselves cost: connections, credits, balancing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, DurationDistribution, Size, StrictModel, written
from feitian_sim.kuafu.balance import BalanceName
from feitian_sim.workloads.paced_config import Arrival, Load


class Processes(StrictModel):
    """Some processes on some machines."""

    machines: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Their names; default: every machine of the cluster."
    )
    per_machine: int = Field(default=1, ge=1, description="How many on each (count); default 1.")


class Discovery(StrictModel):
    """Servers that are found by name."""

    service: str = Field(
        default="echo", pattern="^[a-z][a-z0-9.-]*$", description="Callers call nuwa://cell/<service>; default echo."
    )
    balance: BalanceName = Field(
        default="round-robin", description="round-robin (default), least-outstanding or local-first."
    )
    move_every: Duration | None = Field(
        default=None,
        gt=0,
        description="Each time, the server that has served longest ends, and another begins on the next machine. "
        "Default: none moves.",
    )
    leave_after: Duration = Field(
        default=written("1s"),
        description="How long a server that moves goes on serving after it has taken its name back, in time units; "
        "default 1s. Source: longer than the news takes; 0s shows what a hasty end costs.",
    )


class LargeRequests(StrictModel):
    """Requests of another size among the others."""

    every: int = Field(ge=2, description="Each time after so many, one is large (count).")
    size: Size = Field(ge=64, description="Of each of these, in size units.")


class RpcLoad(Load):
    """Processes that call other processes."""

    kind: Literal["rpc"]
    callers: Processes = Field(default_factory=Processes, description="Who calls; default one on each machine.")
    servers: Processes = Field(default_factory=Processes, description="Who is called; default one on each machine.")
    fanout: int = Field(
        default=1, ge=1, description="Servers that each caller calls, drawn once, in turn (count); default 1."
    )
    discovery: Discovery | None = Field(default=None, description="Find the servers through Nuwa, in place of fanout.")
    arrival: Arrival | None = Field(default=None, description="Open load: {kind: poisson, rate: 2/s}, of all callers.")
    outstanding: int | None = Field(
        default=None, ge=1, description="Closed load: calls that each caller has under way (count)."
    )
    think: DurationDistribution | None = Field(default=None, description="Closed load: pause between calls. Default 0s.")
    request_size: Size = Field(
        default=written("256B"), ge=64, description="Of each request, in size units; default 256B."
    )
    large: LargeRequests | None = Field(
        default=None, description="Large requests among the others: {every: 5, size: 12KiB}. Default: none."
    )
    reply_size: Size = Field(default=written("256B"), ge=64, description="Of each reply, in size units; default 256B.")
    service: DurationDistribution | None = Field(
        default=None, description="Time of a server's one thread for each call. Default: it answers at once."
    )
    deadline: Duration = Field(
        default=written("10s"), gt=0, description="Of each call, in time units; default 10s. Source: chosen."
    )
    repeatable: bool = Field(
        default=True,
        description="Whether a call may be done twice; false: at most once, by request id; default true.",
    )
    measured: bool = Field(
        default=True, description="Whether its calls count in kuafu.rpc metrics; false: it is background; default true."
    )
    stop: Duration | None = Field(default=None, description="No call begins after this. Default: the end.")
    counted_above: int | None = Field(
        default=None,
        ge=1,
        description="With more machines than this, nothing is sent: who would have a connection to whom is counted. "
        "Default: always simulated.",
    )

    @model_validator(mode="after")
    def _open_or_closed(self) -> RpcLoad:
        if (self.arrival is None) == (self.outstanding is None):
            raise ValueError("exactly one of arrival (an open load) and outstanding (a closed load) is needed")
        if self.discovery is not None and self.counted_above is not None:
            raise ValueError("counted_above goes with fanout: who finds whom by name is not known beforehand")
        return self
