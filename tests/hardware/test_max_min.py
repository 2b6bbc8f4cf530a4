"""Max-min fair sharing against a brute-force solver, on a thousand random networks."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.hardware import flow_region
from feitian_sim.hardware.flow_arrays import IS_MEMBER, LOCAL, NONE
from feitian_sim.hardware.flow_slots import Slots


def solved(paths: list[list[int]], capacity: list[float], weight: list[float], cap: list[float]) -> list[float]:
    slots = Slots()
    order = [
        slots.take(tuple(path), 1.0, share, most, 0, place)
        for place, (path, share, most) in enumerate(zip(paths, weight, cap, strict=True))
    ]
    flows, none = np.array(order), np.zeros(0, dtype=np.int64)
    net = slots.net(np.array(capacity))
    flow_region.update(net, flows.copy(), flows, none, True, False, 0)
    assert (net.link_ints[LOCAL] == NONE).all()
    assert not net.flow_ints[IS_MEMBER].any()
    return [slots.rate(slot) for slot in order]


def brute_force(paths: list[list[int]], capacity: list[float], weight: list[float], cap: list[float]) -> list[float]:
    """Raise one common level in exact fractions, freeze what is bound, repeat: the definition, and slow."""
    exact_capacity = [Fraction(value) for value in capacity]
    rate: list[Fraction | None] = [None] * len(paths)
    while any(value is None for value in rate):
        growing = [flow for flow, value in enumerate(rate) if value is None]
        levels: list[Fraction] = []
        for link, room in enumerate(exact_capacity):
            demand = sum(Fraction(weight[flow]) * paths[flow].count(link) for flow in growing)
            used = sum((value or 0) * paths[flow].count(link) for flow, value in enumerate(rate))
            levels.append((room - used) / demand if demand else Fraction(10**30))
        bound = {flow: min(levels[link] for link in paths[flow]) for flow in growing}
        for flow in growing:
            if cap[flow] != float("inf"):
                bound[flow] = min(bound[flow], Fraction(cap[flow]) / Fraction(weight[flow]))
        level = min(bound.values())
        for flow in growing:
            if bound[flow] == level:
                rate[flow] = level * Fraction(weight[flow])
    return [float(value) for value in rate if value is not None]


def random_network(stream: np.random.Generator) -> tuple[list[list[int]], list[float], list[float], list[float]]:
    links, flows = int(stream.integers(1, 9)), int(stream.integers(1, 11))
    capacity = [float(value) for value in stream.choice([1.0, 2.0, 3.0, 10.0, 0.1, 7.5e9], links)]
    paths = [stream.integers(0, links, stream.integers(1, 5)).tolist() for _ in range(flows)]
    weight = [float(value) for value in stream.choice([1.0, 1.0, 2.0, 0.5], flows)]
    cap = [float(value) for value in stream.choice([np.inf, np.inf, 0.05, 1.0], flows)]
    return paths, capacity, weight, cap


def test_a_thousand_random_networks_agree_with_brute_force():
    stream = np.random.default_rng(1)
    for _ in range(1000):
        network = random_network(stream)
        assert solved(*network) == pytest.approx(brute_force(*network), rel=1e-9, abs=0)


def test_a_link_that_is_crossed_twice_counts_twice():
    assert solved([[0, 0], [0]], [3.0], [1.0, 1.0], [np.inf, np.inf]) == [1.0, 1.0]


def test_a_flow_without_bound_is_unbounded():
    assert solved([[]], [], [1.0], [5.0]) == [5.0]


def test_a_dead_link_stops_only_its_flows():
    assert solved([[0, 1], [0]], [4.0, 0.0], [1.0, 1.0], [np.inf, np.inf]) == [0.0, 4.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_link_carries_more_than_it_can_and_no_flow_could_be_faster(seed: int):
    paths, capacity, weight, cap = random_network(np.random.default_rng(seed))
    rates = solved(paths, capacity, weight, cap)
    load = [
        sum(rate * path.count(link) for rate, path in zip(rates, paths, strict=True)) for link in range(len(capacity))
    ]
    for carried, room in zip(load, capacity, strict=True):
        assert carried <= room * (1 + 1e-12)
    for flow, path in enumerate(paths):
        full = [link for link in path if load[link] >= capacity[link] * (1 - 1e-12)]
        # Bound by its cap, or by a full link on which nobody gets more for its weight.
        assert rates[flow] >= cap[flow] or any(
            rates[flow] / weight[flow] >= (1 - 1e-9) * max(rates[f] / weight[f] for f, p in enumerate(paths) if link in p)
            for link in full
        )


UNCOMPILED = """
import numpy as np
from tests.hardware.test_max_min import random_network, solved
stream = np.random.default_rng(7)
print([solved(*random_network(stream)) for _ in range(50)])
"""


@pytest.mark.slow
def test_the_uncompiled_form_gives_the_same_bits():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", UNCOMPILED],
            env={**os.environ, "NUMBA_DISABLE_JIT": disable},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disable in ("0", "1")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 100
