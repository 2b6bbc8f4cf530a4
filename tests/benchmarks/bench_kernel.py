"""The kernel against stock SimPy in the same process: processor time as ratios, printed."""

from __future__ import annotations

from time import process_time

import pytest
import simpy

from feitian_sim.kernel import Simulation

EVENTS = 200_000


def hold_simpy(pending: int) -> float:
    """The hold model: each event schedules the next; seconds of processor time."""
    environment = simpy.Environment()
    left = [EVENTS]

    def again(number: int) -> None:
        if left[0] > 0:
            left[0] -= 1
            environment.timeout(1 + number * 7919 % 1000).callbacks.append(lambda _: again(number))

    for number in range(pending):
        again(number)
    began = process_time()
    environment.run()
    return process_time() - began


def hold_feitian(pending: int) -> float:
    """The same through ``call_later``."""
    sim = Simulation(seed=1)
    left = [EVENTS]

    def again(number: int) -> None:
        if left[0] > 0:
            left[0] -= 1
            sim.call_later(1 + number * 7919 % 1000, again, number)

    for number in range(pending):
        again(number)
    began = process_time()
    sim.run()
    return process_time() - began


@pytest.mark.parametrize("pending", [1_000, 100_000])
def test_hold_model(pending: int):
    ratios = sorted(hold_simpy(pending) / hold_feitian(pending) for _ in range(5))
    print(f"\nhold model, {pending} pending: {ratios[2]:.2f} x stock SimPy ({ratios[0]:.2f} .. {ratios[-1]:.2f})")
    assert ratios[2] > 0
