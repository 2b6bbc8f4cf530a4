"""``nuwa``: clients of the coordination service that read and write small files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, Size, StrictModel, written
from feitian_sim.workloads.paced_config import PacedLoad


class NuwaRatios(StrictModel):
    """How often each operation, relative to each other."""

    get: float = Field(default=0, ge=0, description="Weight of reads from the client's server; default 0.")
    fresh: float = Field(default=0, ge=0, description="Weight of reads from the leader, as of now; default 0.")
    put: float = Field(default=0, ge=0, description="Weight of writes of files that are there; default 0.")
    create: float = Field(default=0, ge=0, description="Weight of new files, with numbers as names; default 0.")

    @model_validator(mode="after")
    def _something(self) -> NuwaRatios:
        if self.get + self.fresh + self.put + self.create <= 0:
            raise ValueError("one of get, fresh, put and create needs a weight above 0")
        return self


class NuwaLoad(PacedLoad):
    """Sessions with Nuwa whose clients read and write files of one directory."""

    kind: Literal["nuwa"]
    ratios: NuwaRatios = Field(description="Weights: {get: 0.7, put: 0.3}.")
    outstanding: int = Field(
        default=1,
        ge=1,
        description="Closed load: operations that each client has under way at a time (count); default 1. Source: a "
        "client that waits for each; the throughput of ZooKeeper was measured with 100 (ATC 2010, sec. 5.1).",
    )
    sessions: int = Field(
        default=100, ge=1, description="Open load: sessions over which arrivals go in turn (count); default 100."
    )
    files: int = Field(default=1000, ge=1, description="Files that are there from the beginning (count); default 1000.")
    value_size: Size = Field(
        default=written("1KiB"),
        ge=0,
        description="Bytes of each value, in size units; default 1KiB. Source: ZooKeeper, ATC 2010, sec. 5.1.",
    )
    session: Duration | None = Field(
        default=None, gt=0, description="Silence after which a session is over. Default: as nuwa.session."
    )
