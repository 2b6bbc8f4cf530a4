"""What the scenario says of loads: one model per kind, tagged by ``kind``.

A load is *open* (``arrival``: operations come whether or not earlier ones have ended) or *closed* (``clients``: N
clients that each wait for their operation, then think), never both: the two react to a slow system in opposite
ways. :data:`LoadConfig` is the union that the scenario reads. Rates are totals of the load.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from feitian_sim.kernel import Duration, DurationDistribution, Frequency, Size, SizeDistribution, StrictModel


class PoissonArrival(StrictModel):
    """Memoryless arrivals."""

    kind: Literal["poisson"]
    rate: Frequency = Field(gt=0, description="Operations per time, of the whole load: 2/s.")


class ConstantArrival(StrictModel):
    """Arrivals at equal distance."""

    kind: Literal["constant"]
    rate: Frequency = Field(gt=0, description="Operations per time, of the whole load: 2/s.")


Arrival = Annotated[PoissonArrival | ConstantArrival, Field(discriminator="kind")]


class UniformPopularity(StrictModel):
    """Every file is as likely as any other."""

    kind: Literal["uniform"]


class ZipfPopularity(StrictModel):
    """The n-th file is asked for in proportion to 1 / n^exponent."""

    kind: Literal["zipf"]
    exponent: float = Field(
        default=0.99, gt=0, description="Exponent (no unit); default 0.99. Source: YCSB's zipfian constant."
    )


_POPULARITY = "Which file: uniform (default), or {kind: zipf, exponent: 0.99}."


def _text(quantity: str) -> Any:
    """A default as scenarios write it; pydantic reads it like any other value."""
    return quantity


def _named(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Popularity = Annotated[
    Annotated[UniformPopularity | ZipfPopularity, Field(discriminator="kind")], BeforeValidator(_named)
]


class Load(StrictModel):
    """What all loads share: a name and when it runs."""

    name: str | None = Field(
        default=None,
        min_length=1,
        description="Identity in facts and draws. Default: the kind (write, write-2, ...).",
    )
    start: Duration = Field(default=_text("0s"), description="When it begins. Default 0s.")


class ClientLoad(Load):
    """What the loads of Pangu clients share: open or closed, and when it ends."""

    arrival: Arrival | None = Field(default=None, description="Open load: {kind: poisson, rate: 2/s}.")
    clients: int | None = Field(default=None, ge=1, description="Closed load: how many clients.")
    clients_per_server: float | None = Field(
        default=None, gt=0, description="Closed load: clients for each machine of the cluster, in place of clients."
    )
    think: DurationDistribution | None = Field(
        default=None, description="Closed load: pause of a client between operations. Default 0s."
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
    def _open_or_closed(self) -> ClientLoad:
        given = sum(way is not None for way in (self.arrival, self.clients, self.clients_per_server))
        if given != 1:
            found = "neither is given" if not given else "both are given" if self.arrival is not None else "clients twice"
            raise ValueError(f"exactly one of arrival (an open load) and clients (a closed load) is needed; {found}")
        if self.think is not None and self.arrival is not None:
            raise ValueError("think goes with clients: in an open load nobody waits")
        if self.stop is not None and self.stop <= self.start:
            raise ValueError("stop must come after start")
        return self


class WriteLoad(ClientLoad):
    """New files, written from beginning to end."""

    kind: Literal["write"]
    file_size: SizeDistribution = Field(description="Size of each file: 1GiB, or a distribution.")
    write_size: Size | None = Field(
        default=None, gt=0, description="Bytes of each write request, one after the other. Default: a chunk each."
    )


class ReadLoad(ClientLoad):
    """Reads of files that are there."""

    kind: Literal["read"]
    read_size: SizeDistribution | None = Field(
        default=None, description="Bytes of each read, at a uniformly drawn offset. Default: the whole file."
    )
    over: str = Field(default="dataset", description="Whose files: dataset, or the name of a load. Default dataset.")
    popularity: Popularity = Field(default=_text("uniform"), description=_POPULARITY)


class AppendLoad(ClientLoad):
    """Record appends to a few files that all clients share."""

    kind: Literal["append"]
    record_size: SizeDistribution = Field(description="Size of each record: 64KiB, or a distribution.")
    files: int = Field(
        default=1,
        ge=1,
        description="How many files the load creates and appends to; default 1. Source: the one shared log of "
        "GFS, SOSP 2003, sec. 6.1.3.",
    )
    popularity: Popularity = Field(default=_text("uniform"), description=_POPULARITY)


class MixRatios(StrictModel):
    """How often each operation, relative to each other."""

    read: float = Field(default=0, ge=0, description="Weight of reads.")
    write: float = Field(default=0, ge=0, description="Weight of writes of new files.")
    append: float = Field(default=0, ge=0, description="Weight of record appends.")

    @model_validator(mode="after")
    def _something(self) -> MixRatios:
        if self.read + self.write + self.append <= 0:
            raise ValueError("one of read, write and append needs a weight above 0")
        return self


class MixLoad(ClientLoad):
    """Reads, writes and appends in given proportions."""

    kind: Literal["mix"]
    ratios: MixRatios = Field(description="Weights: {read: 0.8, write: 0.2}.")
    file_size: SizeDistribution | None = Field(default=None, description="Needed when ratios.write is above 0.")
    record_size: SizeDistribution | None = Field(default=None, description="Needed when ratios.append is above 0.")
    read_size: SizeDistribution | None = Field(default=None, description="Of each read. Default: the whole file.")
    files: int = Field(default=1, ge=1, description="How many files the appends go to. Default 1.")
    over: str = Field(
        default="dataset", description="Whose files are read: dataset, own, or the name of a load. Default dataset."
    )
    popularity: Popularity = Field(default=_text("uniform"), description=_POPULARITY)

    @model_validator(mode="after")
    def _sizes_given(self) -> MixLoad:
        if self.ratios.write and self.file_size is None:
            raise ValueError("file_size is needed: ratios.write is above 0")
        if self.ratios.append and self.record_size is None:
            raise ValueError("record_size is needed: ratios.append is above 0")
        return self


class FlowsLoad(Load):
    """Replay of a flow trace over the network alone: columns id, start_s, src, dst, bytes."""

    kind: Literal["flows"]
    file: str = Field(
        description="CSV, plain or .gz; machines are numbered through the racks. Looked for beside the scenario, in "
        "--data DIR, $FEITIAN_DATA, ../shared/data."
    )


class RequestsLoad(Load):
    """Requests to one machine's cores: a queue with c servers, for comparison with closed forms (M/M/c)."""

    kind: Literal["requests"]
    arrival: Arrival = Field(description="{kind: poisson, rate: 80/s}.")
    service: DurationDistribution = Field(description="Time on a core: {kind: exponential, mean: 10ms}.")
    machine: str = Field(default="r0/m0", description="Whose cores. Default r0/m0.")
    stop: Duration | None = Field(default=None, description="No request arrives after this. Default: the end.")
    limit: int | None = Field(default=None, ge=1, description="Requests in all. Default: no limit.")


#: Any load of a scenario.
LoadConfig = Annotated[
    WriteLoad | ReadLoad | AppendLoad | MixLoad | FlowsLoad | RequestsLoad,
    Field(discriminator="kind"),
]
