"""Faults of disks themselves, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from feitian_sim.faults.fault import FOREVER, Traced, Unit, text
from feitian_sim.kernel import DurationDistribution, Ratio, Size


class DiskFail(Traced):
    """A disk fails for good with all it held; an empty one takes its place after ``replace_after``."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-fail"]
    replace_after: DurationDistribution | None = Field(
        default=text("7d"),
        description="Until a new, empty disk is in. null: never. Default 7d (hardware replacement time of the clyso "
        "durability calculator V2).",
    )

    @property
    def lasting(self) -> DurationDistribution | None:
        """See :attr:`Fault.lasting`."""
        return self.replace_after


class DiskSlow(Traced):
    """A disk reads and writes ``factor`` times slower."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-slow"]
    factor: float = Field(gt=1, description="How many times slower.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class DiskSectorError(Traced):
    """A latent sector error: one stored piece of data can no longer be read; it is noticed when it is read."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-sector-error"]


class DiskBitrot(Traced):
    """Silent corruption: one stored piece of data changes; it is noticed when its checksum is verified."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-bitrot"]


class DiskFsyncFail(Traced):
    """The next sync fails with an error; what it would have made durable counts as clean and is lost."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-fsync-fail"]


class DiskFull(Traced):
    """While it lasts, something else fills the disk: larger writes are refused; what is stored is not harmed."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-full"]
    free: Size = Field(
        default=text("0B"), description="Bytes left. Default 0B. Source: ENOSPC means none; own choice of the worst."
    )
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class DiskHang(Traced):
    """While it lasts, IO neither ends nor fails."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-hang"]
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class DiskIoError(Traced):
    """While it lasts, a share of small IOs and of chunk reads fails with an error."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-io-error"]
    share: Ratio = Field(gt=0, description="Share of IOs that fail.")
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class DiskReadonly(Traced):
    """While it lasts, the disk takes no writes; what is on it can be read."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-readonly"]
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)
