"""Repairs in bundles against repairs clone by clone, and what happens when their servers go."""

from __future__ import annotations

import numpy as np
import pytest
from cell_bench import CellBench

from feitian_sim.kernel import SECOND
from feitian_sim.pangu.bundle_runner import bundle_rate_bps
from feitian_sim.pangu.config import RepairConfig

REPAIR = {"rate": "10MB/s", "per_server": 20}
DATASET = {"bytes": "60GB", "file_size": "256MiB"}


def repaired(bundle: str, **more) -> tuple[CellBench, float]:
    bench = CellBench(racks=5, per_rack=4, dataset=DATASET, repair={**REPAIR, "bundle": bundle, **more})
    bench.at(60, bench.machine(3).disks[0].fail, "a test")
    bench.run(3600)
    repairs = bench.table("pangu.repair")
    return bench, max(row["time_s"] for row in repairs) - min(row["started_s"] for row in repairs)


def test_a_bundle_moves_as_fast_as_its_slots_would():
    config = RepairConfig.model_validate({"rate": "10MB/s", "dispatch_cost": "2s"})
    lengths = np.full(50, 64_000_000, dtype=np.int64)
    # A clone takes 6.4 s and 2 s; four at once.
    assert bundle_rate_bps(config, 4, lengths) == pytest.approx(4 * 64_000_000 * 8 / 8.4, rel=1e-6)
    assert bundle_rate_bps(config, 2.5, lengths) == pytest.approx(2.5 * 64_000_000 * 8 / 8.4, rel=1e-6)


def test_bundles_restore_the_same_chunks_in_nearly_the_same_time():
    one_by_one, span_s = repaired("none")
    bundled, bundled_span_s = repaired("rack-pair")
    lost = {row["replicas"] for row in [*one_by_one.table("pangu.replicas_lost"), *bundled.table("pangu.replicas_lost")]}
    assert len(lost) == 1
    assert sum(row["chunks"] for row in bundled.table("pangu.repair")) == lost.pop()
    assert len(bundled.table("pangu.repair")) <= 25
    # The documented difference: one clone's time (a full chunk at the rate, and its dispatch).
    config = bundled.config.repair
    clone_s = (64 * 2**20 * 8 / config.rate) + config.dispatch_cost / SECOND
    assert abs(bundled_span_s - span_s) < 2 * clone_s
    for bench in (one_by_one, bundled):
        for chunk in range(bench.core.books.state.chunks.count):
            holders = bench.holders(chunk)
            assert len({bench.machine(server).rack for server in holders}) == len(holders) == 3


def test_running_bundles_never_take_more_than_the_clusters_slots():
    bench = CellBench(racks=5, per_rack=4, dataset=DATASET, repair={**REPAIR, "bundle": "rack-pair"})
    for number, server in enumerate((3, 7, 11)):
        bench.at(60 + 7 * number, bench.machine(server).disks[0].fail, "a test")
    most = 0.0
    for second in range(60, 400):
        bench.run(second)
        running = bench.core._bundler._running.values()
        most = max(most, sum(planned.effect.slots for planned in running))
    assert 1 < most <= bench.core.books.repair.limit + 1e-9
    bench.run(3600)
    count = bench.core.books.state.chunks.count
    assert (bench.core.books.locations.live(count) == 3).all()


@pytest.mark.parametrize("victim", ["source", "target"])
def test_a_server_that_dies_under_a_bundle_delays_its_chunks_only(victim):
    bench = CellBench(racks=5, per_rack=4, dataset=DATASET, repair={**REPAIR, "bundle": "rack-pair"})
    bench.at(60, bench.machine(3).disks[0].fail, "a test")
    bench.run(80)
    planned = next(iter(bench.core._bundler._running.values())).effect
    server = int((planned.sources if victim == "source" else planned.targets)[-1])
    bench.machine(server).crash("a test")
    bench.run(3600)
    count = bench.core.books.state.chunks.count
    assert (bench.core.books.locations.live(count) == 3).all()
    for chunk in range(count):
        assert len([one for one in bench.holders(chunk) if one != server]) == 3


def test_where_there_is_no_target_the_chunks_wait_for_one():
    bench = CellBench(racks=3, per_rack=1, disks=1, dataset={"bytes": "2GB"}, repair={**REPAIR, "bundle": "rack-pair"})
    bench.at(60, bench.machine(2).crash, "a test")
    bench.run(600)
    assert not bench.table("pangu.repair")
    assert bench.core.books.repair.put_off
    bench.machine(2).disks[0].fail("a test")
    bench.machine(2).disks[0].replace()
    bench.machine(2).restart()
    bench.run(2400)
    count = bench.core.books.state.chunks.count
    assert (bench.core.books.locations.live(count) == 3).all()
