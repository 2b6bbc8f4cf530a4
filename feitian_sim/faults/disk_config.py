"""Faults of disks, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from feitian_sim.faults.fault import FOREVER, Traced, Unit, text
from feitian_sim.kernel import DurationDistribution


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
