"""Published failure traces whose columns are known: what they are, where they are published, how they read.

* ``hpc-alpine``, ``hpc-campaign``: disk failures of two file systems of high-performance computers (Alpine, ORNL,
  39 racks; Campaign, LANL), with rack, enclosure and slot. Alpine's slots repeat in the eight enclosures of a
  rack, so an enclosure stands for a machine. Campaign also lists drives that were power-cycled and went on:
  only rows whose Action is ``replacement`` are failures for good.
* ``alibaba-ssd``: tickets of failed SSDs; node_id and disk_id are unique over the fleet.
* ``lanl``: node failures of LANL systems with the time that each was down; a system stands for a rack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from feitian_sim.faults.trace_config import TimeFormat, TraceColumns, TraceConfig


@dataclass(frozen=True, slots=True)
class TraceFormat:
    """How a trace reads."""

    file: str
    what_it_is: str
    columns: TraceColumns
    time_format: TimeFormat
    where: Mapping[str, tuple[str, ...]]


_NO_FILTER: Mapping[str, tuple[str, ...]] = MappingProxyType({})

FORMATS: Mapping[str, TraceFormat] = MappingProxyType(
    {
        "hpc-alpine": TraceFormat(
            file="hpc_disk_failures/alpine_2019-2020.csv.gz",
            what_it_is="It lists disk failures of the Alpine file system (ORNL Summit), published as doi "
            "10.13139/OLCF/2441482 and, formatted, in the repository Ann-Geo/Disk-failures-in-HPC-2024",
            columns=TraceColumns(time="Timestamp", rack="Rack id", machine="Unique enclosure", disk="Slot"),
            time_format="iso",
            where=_NO_FILTER,
        ),
        "hpc-campaign": TraceFormat(
            file="hpc_disk_failures/campaign_2021-2023.csv.gz",
            what_it_is="It lists disk failures of the Campaign file system (LANL), published as doi "
            "10.13139/OLCF/2446874 and, formatted, in the repository Ann-Geo/Disk-failures-in-HPC-2024",
            columns=TraceColumns(time="Timestamp", rack="Rack id", machine=("Server", "Enclosure"), disk="Slot"),
            time_format="iso",
            where=MappingProxyType({"Action": ("replacement",)}),
        ),
        "alibaba-ssd": TraceFormat(
            file="alibaba_ssd_tickets/ssd_failures_2018.csv.gz",
            what_it_is="It lists failed SSDs of Alibaba, published in the repository alibaba-edu/dcbrain (ssd_open_data)",
            columns=TraceColumns(
                time="failure_time", rack=("machine_room_id", "rack_id"), machine="node_id", disk="disk_id"
            ),
            time_format="iso",
            where=_NO_FILTER,
        ),
        "lanl": TraceFormat(
            file="lanl_node_failures/lanl_sys_2_8_9_12_16_18_24.csv.gz",
            what_it_is="It lists node failures of LANL systems from 1996 to 2005, published as LA-UR-05-7318",
            columns=TraceColumns(time="Prob Started", rack="System", machine="nodenumz", down_minutes="Down Time"),
            time_format="us",
            where=_NO_FILTER,
        ),
    }
)


def resolved(config: TraceConfig) -> TraceFormat:
    """The format of ``config`` with what it overrides."""
    known = FORMATS[config.format] if config.format is not None else None
    file = config.file or (known.file if known else None)
    columns = config.columns or (known.columns if known else None)
    assert file is not None, config
    assert columns is not None, config
    return TraceFormat(
        file=file,
        what_it_is=known.what_it_is if known else "",
        columns=columns,
        time_format=config.time_format or (known.time_format if known else "iso"),
        where=config.where if config.where is not None else (known.where if known else _NO_FILTER),
    )
