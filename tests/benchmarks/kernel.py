"""The kernel against stock SimPy and against a bare heap."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heapreplace
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import simpy

from feitian_sim.kernel import Simulation
from tests.benchmarks.line import Line, ratio

EVENTS = 300_000
CLIENTS, REQUESTS = 1_000, 100
DELAYS_NS = (np.random.default_rng(1).exponential(1e6, 1 << 16).astype(np.int64) + 1).tolist()


def lines() -> Iterator[Line]:
    """Hold model, deadlines that are cancelled, ordinary processes."""
    for pending, aim in ((1_000, 2.0), (100_000, 3.5)):
        times = ratio(lambda n=pending: hold_simpy(n), lambda n=pending: hold_feitian(n))
        yield Line(f"hold model, {pending:,} pending", times, "x", "stock SimPy", at_least=aim)
    share = median(hold_heap(1_000) / hold_feitian(1_000) for _ in range(5))
    yield Line("hold model, 1,000 pending, of a bare heap's speed", share, "x", "heapq without callbacks")
    yield Line("requests with a cancelled deadline", ratio(asked_simpy, asked_feitian), "x", "stock SimPy", at_least=5.0)
    for processes in (1_000, 10_000):
        times = ratio(
            lambda n=processes: sleepers(simpy.Environment(), n), lambda n=processes: sleepers(Simulation(seed=1), n)
        )
        yield Line(f"{processes:,} ordinary SimPy processes", times, "x", "stock SimPy", at_least=1.0)
    queueing = ratio(lambda: customers(simpy.Environment()), lambda: customers(Simulation(seed=1)))
    yield Line("processes at a SimPy resource", queueing, "x", "stock SimPy", at_least=1.0)


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
    return _run(environment)


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
    return _run(sim)


def hold_heap(pending: int) -> float:
    """Nothing but the heap: what no simulator in Python on heapq can beat."""
    heap = [(DELAYS_NS[number & 0xFFFF], number) for number in range(pending)]
    heapify(heap)
    began = process_time()
    for number in range(EVENTS):
        now, _ = heap[0]
        heapreplace(heap, (now + DELAYS_NS[number & 0xFFFF], number))
    while heap:
        heappop(heap)
    return process_time() - began


def asked_simpy() -> float:
    """Clients that wait for a reply or a deadline that does not come; seconds."""
    environment = simpy.Environment()

    def client(number: int) -> Any:
        for _ in range(REQUESTS):
            reply, deadline = environment.event(), environment.timeout(10_000_000)
            answered = environment.timeout(1000 + number * 7919 % 1000)
            answered.callbacks.append(lambda _, reply=reply: reply.succeed())
            yield reply | deadline

    for number in range(CLIENTS):
        environment.process(client(number))
    return _run(environment)


def asked_feitian() -> float:
    """The same with timers."""
    sim = Simulation(seed=1)

    def ask(number: int, left: int) -> None:
        deadline = sim.timer(10_000_000, print, "never")
        sim.call_later(1000 + number * 7919 % 1000, replied, number, left, deadline)

    def replied(number: int, left: int, deadline: Any) -> None:
        deadline.cancel()
        if left:
            ask(number, left - 1)

    for number in range(CLIENTS):
        ask(number, REQUESTS - 1)
    return _run(sim)


def sleepers(environment: Any, processes: int) -> float:
    """Processes that sleep again and again; seconds."""
    naps = 200_000 // processes

    def sleeper(number: int) -> Any:
        for nap in range(naps):
            yield environment.timeout(DELAYS_NS[(number * naps + nap) & 0xFFFF])

    for number in range(processes):
        environment.process(sleeper(number))
    return _run(environment)


def customers(environment: Any) -> float:
    """A thousand processes that share half as many servers; seconds."""
    resource = simpy.Resource(environment, capacity=500)

    def customer(number: int) -> Any:
        for turn in range(60):
            with resource.request() as request:
                yield request
                yield environment.timeout(DELAYS_NS[(number * 60 + turn) & 0xFFFF])

    for number in range(1_000):
        environment.process(customer(number))
    return _run(environment)


def _run(environment: Any) -> float:
    began = process_time()
    environment.run()
    return process_time() - began
