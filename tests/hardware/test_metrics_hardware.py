"""What is measured of the hardware, from small tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from feitian_sim.hardware.metrics import METRICS
from feitian_sim.kernel.metric import Tables, measure


def measured(tables: Mapping[str, Mapping[str, list[Any]]], warmup_s: float = 0.0) -> dict[str, float]:
    columns = {kind: {name: np.array(values) for name, values in table.items()} for kind, table in tables.items()}
    return measure(METRICS, Tables(lambda kind: columns.get(kind, {}), duration_s=100.0, warmup_s=warmup_s))


def test_down_time_counts_to_the_restart_or_the_end() -> None:
    values = measured(
        {
            "hardware.machine_crashed": {"time_s": [10.0, 20.0]},
            "hardware.machine_restarted": {"time_s": [15.0]},
        }
    )
    assert values["hardware.machine_down_s"] == 5.0 + 80.0
    assert values["hardware.machine_crashes_count"] == 2


def test_an_untroubled_run_has_zero_failures_and_no_samples() -> None:
    assert measured({}) == {
        "hardware.machine_crashes_count": 0.0,
        "hardware.machine_down_s": 0.0,
        "hardware.rack_power_losses_count": 0.0,
        "hardware.disks_failed_count": 0.0,
        "hardware.disks_damaged_count": 0.0,
    }


def test_traffic_counts_from_the_end_of_the_warmup() -> None:
    traffic = {
        "time_s": [0.0, 0.0, 50.0, 50.0, 100.0, 100.0],
        "link_class": ["nic", "rack"] * 3,
        "bytes": [0, 0, 70, 7, 90, 9],
    }
    assert measured({"hardware.traffic": traffic})["hardware.cross_rack_bytes"] == 9.0
    assert measured({"hardware.traffic": traffic}, warmup_s=60.0)["hardware.cross_rack_bytes"] == 2.0


def test_disk_use_is_that_of_the_last_sample() -> None:
    use = {
        "time_s": [0.0, 0.0, 100.0, 100.0, 100.0],
        "machine": ["r0/m0", "r0/m1", "r0/m0", "r0/m1", "r0/m2"],
        "used_bytes": [1, 1, 50, 30, 0],
        "capacity_bytes": [100, 100, 100, 100, 0],
    }
    values = measured({"hardware.disk_use": use})
    assert values["hardware.disk_use_ratio.mean"] == pytest.approx(0.4)
    assert values["hardware.disk_use_ratio.count"] == 2
    assert values["hardware.disk_use_min_ratio"] == pytest.approx(0.3)


def test_flow_times_leave_out_the_warmup() -> None:
    flows = {"time_s": [5.0, 40.0], "start_s": [1.0, 10.0], "finish_s": [5.0, 40.0]}
    assert measured({"hardware.flow": flows}, warmup_s=10.0)["hardware.flow_s.mean"] == 30.0
