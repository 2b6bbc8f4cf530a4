"""The kernel against stock SimPy in the same process: processor time as ratios, printed."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest
import simpy

from feitian_sim.kernel import Simulation

EVENTS = 300_000
DELAYS_NS = (np.random.default_rng(1).exponential(1e6, 1 << 16).astype(np.int64) + 1).tolist()


def hold_simpy(pending: int) -> float:
    """The hold model: each event schedules the next; seconds of processor time."""
    environment = simpy.Environment()
    left = [EVENTS]

    def again(_: object) -> None:
        left[0] -= 1
        if left[0] > 0:
            environment.timeout(DELAYS_NS[left[0] & 0xFFFF]).callbacks.append(again)

    for number in range(pending):
        environment.timeout(DELAYS_NS[number & 0xFFFF]).callbacks.append(again)
    began = process_time()
    environment.run()
    return process_time() - began


def hold_feitian(pending: int) -> float:
    """The same through ``call_later``."""
    sim = Simulation(seed=1)
    left = [EVENTS]

    def again() -> None:
        left[0] -= 1
        if left[0] > 0:
            sim.call_later(DELAYS_NS[left[0] & 0xFFFF], again)

    for number in range(pending):
        sim.call_later(DELAYS_NS[number & 0xFFFF], again)
    began = process_time()
    sim.run()
    return process_time() - began


@pytest.mark.parametrize("pending", [1_000, 100_000])
def test_hold_model(pending: int):
    ratios = sorted(hold_simpy(pending) / hold_feitian(pending) for _ in range(5))
    print(f"\nhold model, {pending} pending: {ratios[2]:.2f} x stock SimPy ({ratios[0]:.2f} .. {ratios[-1]:.2f})")
    assert ratios[2] > 0
