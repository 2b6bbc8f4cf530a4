"""What is measured of the hardware."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel.metric import Measured, Metric, Tables


def _count(kind: str) -> Callable[[Tables], Measured]:
    return lambda tables: float(tables.count(kind))


def machine_down_s(tables: Tables) -> Measured:
    """Seconds that machines spent down, added up; a machine still down at the end counts until then."""
    total = tables.duration_s * (tables.count("hardware.machine_crashed") - tables.count("hardware.machine_restarted"))
    total -= float(np.sum(tables.column("hardware.machine_crashed", "time_s")))
    return total + float(np.sum(tables.column("hardware.machine_restarted", "time_s")))


def flow_s(tables: Tables) -> Measured:
    """Seconds that each finished flow took."""
    flows = tables.settled("hardware.flow")
    return flows["finish_s"] - flows["start_s"] if flows else None


def carried_bytes(link_class: str, tables: Tables) -> Measured:
    """Bytes that the links of a class carried from the end of the warm-up (its last sample) to the last sample."""
    samples = tables.columns("hardware.traffic")
    if not samples:
        return None
    of_class = samples["link_class"] == link_class
    carried, times = samples["bytes"][of_class], samples["time_s"][of_class]
    if not len(carried):
        return None
    before = carried[times <= tables.warmup_s]
    return float(carried[-1]) - (float(before[-1]) if len(before) else 0.0)


def disk_use(tables: Tables) -> npt.NDArray[np.float64] | None:
    """Share of its disks that each machine uses in the last sample; None when no machine has a working disk."""
    samples = tables.columns("hardware.disk_use")
    if not samples:
        return None
    last = (samples["time_s"] == samples["time_s"][-1]) & (samples["capacity_bytes"] > 0)
    ratios: npt.NDArray[np.float64] = samples["used_bytes"][last] / samples["capacity_bytes"][last]
    return ratios if len(ratios) else None


def _least(tables: Tables) -> Measured:
    ratios = disk_use(tables)
    return None if ratios is None else float(np.min(ratios))


METRICS: tuple[Metric, ...] = (
    Metric(
        "hardware.machine_crashes_count",
        "",
        "Number of hardware.machine_crashed facts: machines going down, by themselves or with their rack's power.",
        _count("hardware.machine_crashed"),
    ),
    Metric(
        "hardware.machine_down_s",
        "s",
        "Time that machines were down, added up over all machines: from hardware.machine_crashed to "
        "hardware.machine_restarted or the end of the run.",
        machine_down_s,
    ),
    Metric(
        "hardware.rack_power_losses_count",
        "",
        "Number of hardware.rack_power_lost facts.",
        _count("hardware.rack_power_lost"),
    ),
    Metric(
        "hardware.disks_failed_count",
        "",
        "Number of hardware.disk_failed facts: disks lost for good.",
        _count("hardware.disk_failed"),
    ),
    Metric(
        "hardware.disks_damaged_count",
        "",
        "Number of hardware.disk_damaged facts: bit rot and sector errors that hit stored data.",
        _count("hardware.disk_damaged"),
    ),
    Metric(
        "hardware.flow_s",
        "s",
        "Time from start to finish of each flow of a replayed trace (hardware.flow: finish_s - start_s) published "
        "after the warm-up.",
        flow_s,
        statistics=True,
    ),
    Metric(
        "hardware.cross_rack_bytes",
        "B",
        "Bytes on links between racks and core, up and down (class rack in hardware.traffic), after the warm-up: "
        "a byte from rack to rack counts twice.",
        partial(carried_bytes, "rack"),
    ),
    Metric(
        "hardware.disk_read_bytes",
        "B",
        "Bytes that bulk transfers read from disks (class disk-read in hardware.traffic) after the warm-up.",
        partial(carried_bytes, "disk-read"),
    ),
    Metric(
        "hardware.disk_write_bytes",
        "B",
        "Bytes that bulk transfers wrote to disks (class disk-write in hardware.traffic) after the warm-up.",
        partial(carried_bytes, "disk-write"),
    ),
    Metric(
        "hardware.disk_use_ratio",
        "",
        "Used bytes over capacity of the working disks of each machine, in the last sample of hardware.disk_use.",
        disk_use,
        statistics=True,
    ),
    Metric(
        "hardware.disk_use_min_ratio",
        "",
        "The least of hardware.disk_use_ratio over machines.",
        _least,
    ),
)
