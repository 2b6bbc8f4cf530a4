"""P1 and P5: a cell of tens of millions of replicas lies in arrays, and more servers give more bytes per second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plain_guard import PlainGuard
from plain_office import PlainOffice

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import GIB, Simulation
from feitian_sim.kuafu import Kuafu
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.wiring import PanguCell
from feitian_sim.scenario import load
from feitian_sim.scenario.wiring import build


def test_p1_a_large_dataset_is_placed_in_one_step_and_held_in_arrays():
    """A fifteenth of the 10^7 chunks that are the aim, on 200 servers; the whole of it is a benchmark."""
    sim = Simulation(seed=1)
    machines = DataCenter(sim, ClusterConfig.model_validate({"racks": 25, "machines_per_rack": 8}))
    config = PanguConfig.model_validate({"dataset": {"bytes": "40TiB", "file_size": "1GiB"}})
    cell = PanguCell(sim, machines, Kuafu(sim, machines, PlainGuard()), config, PlainOffice(sim), PlainGuard())
    cell.preload()
    chunks = 40 * 1024 * GIB // config.chunk_size
    stores = [keeper.store for keeper in cell.keepers.values()]
    assert sum(len(store) for store in stores) == 3 * chunks
    held = np.concatenate([store.rows()[0] for store in stores])
    assert (np.bincount(held, minlength=chunks) == 3).all()
    # No object for a chunk: it would take hundreds of bytes.
    own_bytes = sum(
        column.nbytes for store in stores for column in vars(store).values() if isinstance(column, np.ndarray)
    )
    assert own_bytes / (3 * chunks) <= 24
    assert not any(store._own for store in stores)


@pytest.mark.slow
def test_p5_twice_the_servers_carry_twice_the_bytes(scenarios: Path):
    """Linear between 100 and 200 servers: within a tenth, as the paper's word is."""
    carried = {}
    for racks in (20, 40):
        loaded = load(
            scenarios / "pangu" / "scale-out.yaml",
            [f"cluster.racks={racks}", "duration=12s", "warmup=4s", "pangu.dataset.bytes=200GB"],
        )
        ran = build(loaded, 0).run()
        carried[racks] = {op: ran.metrics[f"pangu.{op}_bytes_per_s"] for op in ("read", "write")}
    for op in ("read", "write"):
        assert carried[40][op] / carried[20][op] == pytest.approx(2.0, rel=0.1)
