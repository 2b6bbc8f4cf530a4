"""Faults of what a disk has stored or was told to store, as the scenario says them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from feitian_sim.faults.fault import FOREVER, Traced, Unit
from feitian_sim.kernel import DurationDistribution


class DiskTorn(Traced):
    """While it lasts, a crash of the machine leaves a drawn part of what was not synced: torn, lost or whole records."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-torn"]
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class DiskLostWrite(Traced):
    """A write that was acknowledged and synced has never reached the medium; noticed when it is read again.

    In a journal it is a gap in the sequence numbers; in a chunk replica the extents do not match their checksum.
    """

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-lost-write"]
    of: Literal["journal", "chunk"] | None = Field(
        default=None, description="Which kind of write is lost. Default: drawn among those that are on the disk."
    )


class DiskMisdirect(Traced):
    """A well-formed write to one chunk replica landed on another of the same disk: neither matches its checksum."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-misdirect"]


class DiskStaleRead(Traced):
    """While it lasts, reads of one chunk replica serve its bytes as they were before its latest writes.

    Version and checksum are kept apart from the bytes, with the server's metadata, and are not stale: the version
    agrees, and the checksum finds it.
    """

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-stale-read"]
    duration: DurationDistribution | None = Field(default=None, description=FOREVER)


class DiskWiped(Traced):
    """All that a disk held is gone, at once if its machine is down, else at its next crash; the disk works."""

    unit: ClassVar[Unit] = "disk"
    kind: Literal["disk-wiped"]
