"""Disks: what one is made of, and the models that a scenario can name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import Field

from feitian_sim.kernel import Bandwidth, Duration, Size, StrictModel


class DiskConfig(StrictModel):
    """One model of disk."""

    capacity: Size = Field(
        default="2TB",
        validate_default=True,
        gt=0,
        description="Usable bytes, in size units; default 2TB. Source: preset hdd-2tb.",
    )
    read_bandwidth: Bandwidth = Field(
        default="150MB/s",
        validate_default=True,
        gt=0,
        description="Sequential reading, in bandwidth units; default 150MB/s. Source: preset hdd-2tb.",
    )
    write_bandwidth: Bandwidth = Field(
        default="150MB/s",
        validate_default=True,
        gt=0,
        description="Sequential writing, in bandwidth units; default 150MB/s. Source: preset hdd-2tb.",
    )
    seek: Duration = Field(
        default="12.7ms",
        validate_default=True,
        description="Mean time to reach the data of a small read or write (on a hard disk the mean seek and half a "
        "rotation), in time units; default 12.7ms. Source: preset hdd-2tb.",
    )
    half_duplex: bool = Field(
        default=True,
        description="Whether reads and writes share one head (no unit); default true. Source: a hard disk has one "
        "set of heads on one arm; a solid-state disk serves both at once.",
    )
    cache: Size = Field(
        default="64MiB",
        validate_default=True,
        description="Volatile write cache, lost in a crash, in size units; default 64MiB. Source: preset hdd-2tb.",
    )
    sync_latency: Duration = Field(
        default="4.2ms",
        validate_default=True,
        description="What a sync costs beyond positioning and transfer, in time units; default 4.2ms. Source: half "
        "a rotation at 7200 rpm for the commit record that a file system writes after the data.",
    )


#: Seagate Constellation ES.2 (140 MB/s sustained) and ES.3 (175 MB/s), 2 TB, 7200 rpm: mean seek 8.5 ms, half a
#: rotation 4.2 ms, cache 64 MB; data sheets of 2010 and 2012. The bandwidth lies between the two.
_HDD_2TB = DiskConfig()

#: Seagate Constellation ES.3, 4 TB, 7200 rpm: 175 MB/s sustained, mean seek 8.5 ms, cache 128 MB; data sheet 2012.
_HDD_4TB = DiskConfig(capacity="4TB", read_bandwidth="175MB/s", write_bandwidth="175MB/s", cache="128MiB")

#: A helium-filled 12 TB disk of 7200 rpm: about 250 MB/s sustained, mean seek 8 ms, half a rotation 4.2 ms, cache
#: 256 MB; data sheets of 2017.
_HDD_12TB = DiskConfig(
    capacity="12TB", read_bandwidth="250MB/s", write_bandwidth="250MB/s", seek="12.2ms", cache="256MiB"
)

#: The disk of the GFS test cluster (Ghemawat et al., SOSP 2003, sec. 6.1: "two 80 GB 5400 rpm disks"); the paper
#: gives no more, so: data sheets of such desktop disks of 2001, about 30 MB/s over the whole surface, mean seek
#: 12 ms, half a rotation 5.6 ms, cache 2 MB.
_HDD_80GB_5400 = DiskConfig(
    capacity="80GB",
    read_bandwidth="30MB/s",
    write_bandwidth="30MB/s",
    seek="17.6ms",
    cache="2MiB",
    sync_latency="5.6ms",
)

#: A data-centre SATA SSD of 1 TB: about 550 MB/s reading and 500 MB/s writing (the bus allows 600), access in
#: about 40 us, a write cache protected by capacitors, so that a sync costs one more access; data sheets of 2018.
_SSD_1TB = DiskConfig(
    capacity="1TB",
    read_bandwidth="550MB/s",
    write_bandwidth="500MB/s",
    seek="40us",
    half_duplex=False,
    cache="1GiB",
    sync_latency="40us",
)

#: The disks that a scenario can name.
DISKS: Mapping[str, DiskConfig] = MappingProxyType(
    {
        "hdd-2tb": _HDD_2TB,
        "hdd-4tb": _HDD_4TB,
        "hdd-12tb": _HDD_12TB,
        "hdd-80gb-5400rpm": _HDD_80GB_5400,
        "ssd-1tb": _SSD_1TB,
    }
)
