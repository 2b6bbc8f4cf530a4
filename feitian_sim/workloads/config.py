"""What the scenario says of loads: one model per kind, tagged by ``kind``.

:data:`LoadConfig` is the union that the scenario reads. Those of Pangu's clients stand here, the others in files of
their own; what all share is in ``paced_config``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, DurationDistribution, Size, SizeDistribution, StrictModel, written
from feitian_sim.workloads.attack_config import AttackLoad, KeyRotationLoad
from feitian_sim.workloads.fuxi_config import FuxiJobsLoad, FuxiTraceLoad
from feitian_sim.workloads.fuxi_service_config import FuxiServiceLoad
from feitian_sim.workloads.history_config import FileHistoryLoad, NuwaHistoryLoad
from feitian_sim.workloads.lock_config import LockLoad
from feitian_sim.workloads.nuwa_config import NuwaLoad
from feitian_sim.workloads.paced_config import Arrival, Load, PacedLoad
from feitian_sim.workloads.popularity_config import Popularity
from feitian_sim.workloads.rpc_config import RpcLoad

_POPULARITY = "Which file: uniform (default), or {kind: zipf, exponent: 0.99}."


class ClientLoad(PacedLoad):
    """What the loads of Pangu clients share."""


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
    popularity: Popularity = Field(default=written("uniform"), description=_POPULARITY)


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
    popularity: Popularity = Field(default=written("uniform"), description=_POPULARITY)


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
    popularity: Popularity = Field(default=written("uniform"), description=_POPULARITY)

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
    WriteLoad
    | ReadLoad
    | AppendLoad
    | MixLoad
    | FlowsLoad
    | RequestsLoad
    | NuwaLoad
    | NuwaHistoryLoad
    | FileHistoryLoad
    | LockLoad
    | RpcLoad
    | AttackLoad
    | KeyRotationLoad
    | FuxiJobsLoad
    | FuxiTraceLoad
    | FuxiServiceLoad,
    Field(discriminator="kind"),
]
