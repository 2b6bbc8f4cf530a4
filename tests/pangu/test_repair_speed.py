"""How long a repair takes, against the closed form that its throttles give."""

from __future__ import annotations

import math

import pytest
from cell_bench import MIB, CellBench


@pytest.mark.parametrize("slots", [2, 5])
def test_the_time_to_restore_is_rounds_of_clones_through_the_cluster_s_slots(slots):
    """All chunks of one size, nothing else going on: ceil(chunks / slots) rounds of transfer plus dispatch."""
    bench = CellBench(
        racks=6,
        per_rack=4,
        dataset={"bytes": "25600MiB", "file_size": "64MiB"},
        repair={"per_cluster": slots, "per_server": 4, "rate": "8MB/s", "dispatch_cost": "2s"},
    )
    lost = len(bench.core.books.locations.held_by(3))
    bench.at(60, bench.machine(3).crash, "a test")
    bench.run(20_000)
    repairs = bench.table("pangu.repair")
    assert len(repairs) == lost
    span_s = max(row["time_s"] for row in repairs) - min(row["started_s"] for row in repairs)
    clone_s = 64 * MIB / 8e6 + 2.0
    # The bytes are written and synced after they have moved; that and the messages are the slack.
    expected_s = math.ceil(lost / slots) * clone_s
    assert expected_s <= span_s < 1.12 * expected_s
