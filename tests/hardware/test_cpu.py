"""Cores: a FIFO queue before equal servers, freed by the owner's name."""

from __future__ import annotations

from math import factorial, sqrt

import numpy as np
import pytest

from feitian_sim.hardware import Cpu
from feitian_sim.kernel import MILLISECOND, SECOND, Simulation
from feitian_sim.kernel.steady import logs

# Student's t, 19 degrees of freedom, two-sided 99 %.
T_99_19 = 2.861
RUNS = 20


def waits_s(run: int, servers: int, load: float, jobs: int, warmup: int) -> float:
    """Mean wait before service of exponential jobs (mean 1 s) at Poisson arrivals, one run."""
    sim = Simulation(seed=7, run=run)
    owner = sim.owner("jobs")
    cpu = Cpu(sim, servers)
    gaps = -logs(1 - sim.stream("test.arrival").uniforms(jobs)) / (load * servers)
    lengths = -logs(1 - sim.stream("test.service").uniforms(jobs))
    arrivals_ns = np.cumsum((gaps * SECOND).astype(np.int64)).tolist()
    lengths_ns = (lengths * SECOND).astype(np.int64).tolist()
    ends_ns = [0] * jobs

    def done(job: int) -> None:
        ends_ns[job] = sim.now

    for job, (arrival_ns, length_ns) in enumerate(zip(arrivals_ns, lengths_ns, strict=True)):
        sim.call_at(arrival_ns, cpu.submit, length_ns, owner, done, job)
    sim.run()
    waits_ns = np.array(ends_ns) - np.array(arrivals_ns) - np.array(lengths_ns)
    assert waits_ns.min() >= 0
    return float(waits_ns[warmup:].mean()) / SECOND


def erlang_c_wait_s(servers: int, load: float) -> float:
    """Mean wait in an M/M/c queue with mean service 1 s (Erlang 1917; Kleinrock, Queueing Systems I, 3.5)."""
    offered = servers * load
    last = offered**servers / factorial(servers) / (1 - load)
    waits = last / (sum(offered**k / factorial(k) for k in range(servers)) + last)
    return waits / (servers * (1 - load))


@pytest.mark.slow
@pytest.mark.parametrize(("servers", "load"), [(1, 0.6), (4, 0.7)])
def test_mean_wait_lies_in_the_confidence_interval_of_the_closed_form(servers: int, load: float) -> None:
    means = np.array([waits_s(run, servers, load, jobs=8000, warmup=500) for run in range(RUNS)])
    half_width = T_99_19 * means.std(ddof=1) / sqrt(RUNS)
    expected = erlang_c_wait_s(servers, load)
    assert half_width < 0.2 * expected
    assert abs(means.mean() - expected) <= half_width


def test_erlang_c_of_one_server_is_the_mm1_wait() -> None:
    assert erlang_c_wait_s(1, 0.6) == pytest.approx(0.6 / (1 - 0.6))


def test_jobs_wait_for_a_core_in_order_of_arrival(sim: Simulation) -> None:
    cpu, owner, log = Cpu(sim, 2), sim.owner("p"), []
    for name in "abc":
        cpu.submit(10, owner, lambda name: log.append((sim.now, name)), name)
    assert (cpu.busy, cpu.waiting) == (2, 1)
    sim.run()
    assert log == [(10, "a"), (10, "b"), (20, "c")]


def test_death_frees_the_cores_and_the_queue_of_its_owner_alone(sim: Simulation) -> None:
    cpu, doomed, other, log = Cpu(sim, 1), sim.owner("doomed"), sim.owner("other"), []
    cpu.submit(100, doomed, log.append, "running")
    cpu.submit(100, doomed, log.append, "queued")
    cpu.submit(5, other, lambda: log.append(sim.now))
    sim.call_later(10, doomed.kill)
    sim.run()
    assert log == [15]
    assert (cpu.busy, cpu.waiting) == (0, 0)


def test_a_dead_owner_submits_nothing(sim: Simulation) -> None:
    cpu, owner = Cpu(sim, 1), sim.owner("p")
    owner.kill()
    cpu.submit(1, owner, pytest.fail, "a dead process computed")
    sim.run()
    assert sim.now == 0


def test_slowness_stretches_the_jobs_that_begin_under_it(sim: Simulation) -> None:
    cpu, owner, log = Cpu(sim, 1), sim.owner("p"), []
    cpu.submit(10 * MILLISECOND, owner, lambda: log.append(sim.now // MILLISECOND))
    cpu.slow_factor = 2.5
    cpu.submit(10 * MILLISECOND, owner, lambda: log.append(sim.now // MILLISECOND))
    sim.run()
    assert log == [10, 35]


def test_a_halted_cpu_forgets_its_jobs_and_takes_none_until_it_resumes(sim: Simulation) -> None:
    cpu, owner, log = Cpu(sim, 1), sim.owner("p"), []
    cpu.submit(10, owner, log.append, "before")
    cpu.halt()
    cpu.submit(10, owner, log.append, "while down")
    cpu.resume()
    cpu.submit(10, owner, log.append, "after")
    sim.run()
    assert log == ["after"]
