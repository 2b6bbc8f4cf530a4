"""Placing a dataset in one step against placing its chunks one by one: processor time as ratios, printed."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest

from feitian_sim.kernel import MIB, Simulation
from feitian_sim.pangu.placement import POLICIES, placement_from
from feitian_sim.testing.placement import cluster

MANY, FEW = 1_000_000, 2_000


@pytest.mark.parametrize("kind", POLICIES)
def test_place_many(kind: str):
    view = cluster([40] * 25)
    view.capacity_bytes[:] = 24 * 10**12
    policy, draws = placement_from(kind), Simulation(seed=1).stream("bench")
    policy.prepare(view, 3, draws.child("prepare"))
    began = process_time()
    rows = policy.place_many(view, MANY, 3, draws, np.full(MANY, 64 * MIB, dtype=np.int64))
    many_s = (process_time() - began) / MANY
    began = process_time()
    for _ in range(FEW):
        policy.place(view, 3, draws, size_bytes=64 * MIB)
    one_s = (process_time() - began) / FEW
    print(f"\n{kind}: {many_s * 1e7:.1f} s for 10^7 chunks on 1,000 servers, {one_s / many_s:.0f} x one by one")
    assert rows.shape == (MANY, 3)
