"""How chunks are relieved that many read: when one is hot, and how many temporary copies it may have."""

from __future__ import annotations

from pydantic import Field

from feitian_sim.kernel import Bandwidth, Duration, StrictModel, written


class HotConfig(StrictModel):
    """Temporary copies of chunks that are read by many."""

    copies: int = Field(
        default=10,
        ge=0,
        le=1000,
        description="Temporary copies of a chunk at most, beside its replicas (count); 0 leaves hot chunks alone; "
        "default 10. Source: mapreduce.client.submit.file.replication of Hadoop, for files that every task reads.",
    )
    window: Duration = Field(
        default=written("5s"),
        gt=0,
        description="A server counts the reads of a chunk over this, in time units; default 5s. Source: own assumption: "
        "some reads of a chunk one after the other, so that a burst of a few is none.",
    )
    above: int = Field(
        default=10,
        ge=1,
        description="A chunk with so many reads at one server within the window is hot there (count); default 10. "
        "Source: a disk of 150 MB/s reads 11 chunks of 64 MiB in 5s.",
    )
    idle: Duration = Field(
        default=written("60s"),
        gt=0,
        description="A temporary copy that nobody has read for so long is dropped, in time units; default 60s. Source: "
        "as pangu.client.remember_locations, so that a client that was told of it finds it.",
    )
    weight: float = Field(
        default=8.0,
        gt=0,
        le=100,
        description="Share of a link that making a temporary copy gets beside one reader's transfer (ratio); default 8. "
        "Source: own assumption: all readers win by it, and at an equal share it comes when they have all read.",
    )
    rate: Bandwidth = Field(
        default=written("100MB/s"),
        gt=0,
        description="Most that the making of one temporary copy may take; default 100MB/s. Source: twice "
        "pangu.repair.rate: it helps for as long as the chunk is read.",
    )
