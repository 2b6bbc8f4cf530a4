"""The parts of ``fuxi`` that are about packages: what they are, how they spread, how they are unpacked."""

from __future__ import annotations

from pydantic import Field

from feitian_sim.kernel import Bandwidth, Duration, Size, StrictModel, written


class PackageConfig(StrictModel):
    """Binaries that workers need on their machine, kept in Pangu."""

    size: Size = Field(
        default=written("400MB"), gt=0, description="Size, in size units; default 400MB. Source: VLDB 2014 sec. 5.2."
    )
    copies: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Files with the same content, each read by its share of the machines (count); default 1.",
    )


class UnpackConfig(StrictModel):
    """What becomes of a package that has arrived."""

    ratio: float = Field(
        default=3.15,
        ge=0,
        description="Bytes on the disk for each byte of a package; 0: it is used as it has come (ratio); default 3.15. "
        "Source: own measurement, gzip -6 of 514 MB of shared libraries and Python.",
    )
    rate: Bandwidth = Field(
        default=written("200MB/s"),
        gt=0,
        description="Bytes unpacked in a time, in bandwidth units; default 200MB/s. Source: own measurement of the same "
        "with gzip 1.12, 194 MB/s on one core.",
    )


class SpreadConfig(StrictModel):
    """How a package gets to the machines that want it."""

    peers: bool = Field(
        default=True,
        description="Whether machines hand pieces to each other; else each reads all of it from Pangu; default true. "
        "Source: Dragonfly (Alibaba, 2015).",
    )
    piece: Size = Field(
        default=written("16MiB"),
        gt=0,
        description="What is handed on at a time, in size units: a machine sends a piece on when it has all of it; "
        "default 16MiB. Source: own assumption; Dragonfly has 4 MiB, which is four times as many events.",
    )
    at_once: int = Field(
        default=8,
        ge=1,
        description="Pieces that a machine fetches at a time, of all packages (count); default 8. Source: own "
        "assumption, four packages.",
    )
    downloads: int = Field(
        default=2,
        ge=1,
        description="Pieces of a package that a machine fetches at a time (count); default 2. Source: own assumption.",
    )
    uploads: int = Field(
        default=2,
        ge=1,
        description="Pieces of a package that a machine sends at a time (count); default 2. Source: as many as it "
        "fetches, so that those who give suffice for those who take.",
    )
    seeds: int = Field(
        default=3,
        ge=1,
        description="Pieces of a package that are read from Pangu at a time (count); default 3. Source: as many as there "
        "are replicas.",
    )
    forget: Duration = Field(
        default=written("10m"),
        gt=0,
        description="A tracker of which nobody asks anything for so long is forgotten, in time units; default 10m. "
        "Source: own assumption, far above what a package takes to spread.",
    )
