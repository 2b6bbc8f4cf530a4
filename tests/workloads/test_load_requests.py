"""Requests to one machine's cores: waiting times of M/M/1 and M/M/c against their closed forms."""

from __future__ import annotations

from math import factorial, sqrt
from typing import Any

import numpy as np
import pytest
from started_loads import started

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import SECOND, FactTables, Simulation
from feitian_sim.kernel.metric import Tables, measure
from feitian_sim.workloads.config import RequestsLoad
from feitian_sim.workloads.metrics import METRICS

SERVICE_S = 0.01


def waits_s(cores: int, rate: float, requests: int, seed: int) -> Any:
    sim = Simulation(seed=seed)
    tables = FactTables(sim.facts)
    cluster = ClusterConfig.model_validate({"racks": 1, "machines_per_rack": 1, "machine": {"cores": cores}})
    load = RequestsLoad.model_validate(
        {
            "kind": "requests",
            "arrival": {"kind": "poisson", "rate": f"{rate}/s"},
            "service": {"kind": "exponential", "mean": "10ms"},
            "limit": requests,
        }
    )
    (running,) = started(sim, DataCenter(sim, cluster), None, [load])
    sim.run_until(10**6 * SECOND)
    assert running.check() == []
    return tables.columns("hardware.request")["waited_s"]


def erlang_c_wait_s(cores: int, rate: float) -> float:
    """Mean wait in M/M/c (Kleinrock, Queueing Systems I, sec. 3.5)."""
    offered = rate * SERVICE_S
    top = offered**cores / factorial(cores) * cores / (cores - offered)
    queued = top / (sum(offered**k / factorial(k) for k in range(cores)) + top)
    return queued * SERVICE_S / (cores - offered)


@pytest.mark.parametrize(("cores", "rate"), [(1, 70.0), (4, 300.0)])
def test_the_mean_wait_is_that_of_the_closed_form(cores: int, rate: float) -> None:
    means = np.array([waits_s(cores, rate, 2000, seed)[200:].mean() for seed in range(6)])
    error = means.std(ddof=1) / sqrt(len(means))
    # Student's t with 5 degrees of freedom: 6.87 holds in 99.9 % of cases.
    assert abs(means.mean() - erlang_c_wait_s(cores, rate)) < 6.87 * error


def test_an_empty_queue_does_not_wait() -> None:
    sim = Simulation(seed=1)
    tables = FactTables(sim.facts)
    cluster = ClusterConfig(racks=1, machines_per_rack=1)
    load = RequestsLoad.model_validate(
        {"kind": "requests", "arrival": {"kind": "constant", "rate": "10/s"}, "service": "10ms", "limit": 5}
    )
    started(sim, DataCenter(sim, cluster), None, [load])
    sim.run_until(SECOND)
    assert tables.columns("hardware.request")["waited_s"].tolist() == [0.0] * 5
    measured = measure(METRICS, Tables(tables.columns, duration_s=1.0))
    assert measured["workloads.request_response_s.mean"] == pytest.approx(0.01)
