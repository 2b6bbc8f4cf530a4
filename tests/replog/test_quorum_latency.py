"""The latency of a quorum is an order statistic: an entry is chosen when the middle one of the members' disks is done.

Each disk's sync takes a base time drawn uniformly between one and two times; of n uniform draws the k-th smallest is
k / (n + 1) on average (David and Nagaraja, "Order statistics", 2003, sec. 2.1), here with k = n // 2 + 1.
"""

from __future__ import annotations

import numpy as np
import pytest
from replog_bench import Bench

from feitian_sim.kernel import SECOND

_APPENDS = 300


@pytest.mark.parametrize("size", [3, 5, 7])
def test_the_time_to_choose_is_that_of_the_middle_disk(size: int) -> None:
    bench = Bench(size, seed=size)
    bench.run(1)
    disks = [daemon.machine.disks[0] for daemon in bench.daemons]
    config = disks[0].config
    base_s = (config.seek + config.sync_latency) / SECOND
    draws = np.random.default_rng(size).uniform(0.0, 1.0, (_APPENDS, size))
    took = []
    for number in range(_APPENDS):
        for disk, draw in zip(disks, draws[number], strict=True):
            disk.slow_factor = 1.0 + float(draw)
        began_ns = bench.sim.now
        bench.propose(0, number)
        bench.run(0.2)
        took.append((bench.at[number] - began_ns) / SECOND)
    middle = size // 2 + 1
    # One by one: what is left are messages and processors, well below a millisecond.
    expected = base_s * (1.0 + np.sort(draws, axis=1)[:, middle - 1])
    beside = np.array(took) - expected
    assert np.all(beside > -1e-6)
    assert np.all(beside < 1e-3)
    # And on average, against the closed form.
    mean_s = base_s * (1.0 + middle / (size + 1))
    error_s = np.std(expected) / np.sqrt(_APPENDS)
    assert np.mean(took) - np.mean(beside) == pytest.approx(mean_s, abs=3 * error_s)
