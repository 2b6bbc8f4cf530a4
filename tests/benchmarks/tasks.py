"""Independent tasks through Fuxi against a bare master and its hosts in stock SimPy, as the peers were measured.

The peers hand out 100,000 tasks to 1,000 hosts with a message each way; SimGrid's C++ takes 0.51 of the processor time
that SimPy takes. Here the same tasks go through a JobMaster, workers that a FuxiMaster grants, calls and capabilities.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import simpy

from feitian_sim.scenario import load
from feitian_sim.scenario.wiring import build
from tests.benchmarks.line import Line

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "validation" / "fuxi-instances.yaml"
TASKS, RACKS, PER_RACK = 100_000, 25, 40
#: Seconds: a message's way, and the shortest and the longest task.
WAY_S, SHORT_S, LONG_S = 15e-6, 1.0, 10.0
_ONE_AT_A_TIME = (
    f"cluster.racks={RACKS}",
    f"cluster.machines_per_rack={PER_RACK}",
    f"load[0].jobs[0].tasks.only.instances={TASKS}",
    f"load[0].jobs[0].tasks.only.time={{kind: uniform, low: {SHORT_S}s, high: {LONG_S}s}}",
    # Two of them have no room on one machine.
    "load[0].jobs[0].tasks.only.resources={cpu: 13, memory: 2GB}",
    "duration=15m",
    "expect=[]",
)


def lines() -> Iterator[Line]:
    """Processor time, and how much of it there is for each task."""
    theirs_s = _bare()
    ours_s = _through_fuxi()
    what = f"{TASKS:,} independent tasks on {RACKS * PER_RACK:,} machines"
    yield Line(what, ours_s / theirs_s, "x", "stock SimPy's time, of which SimGrid takes 0.51", at_most=0.51)
    yield Line("one of them", 1e6 * ours_s / TASKS, "us", "processor time")


def _through_fuxi() -> float:
    platform = build(load(SCENARIO, _ONE_AT_A_TIME), 0)
    began = process_time()
    ran = platform.run()
    spent_s = process_time() - began
    finished = ran.metrics["fuxi.instances_count"]
    assert finished == TASKS, f"{finished} of {TASKS} tasks are done"
    return spent_s


def _bare() -> float:
    """A master and its hosts: a queue for each, one task under way at each."""
    environment = simpy.Environment()
    works = iter(np.random.default_rng(1).uniform(SHORT_S, LONG_S, TASKS).tolist())
    answers = simpy.Store(environment)
    orders = [simpy.Store(environment) for _ in range(RACKS * PER_RACK)]
    done = [0]

    def host(number: int) -> Generator[Any, Any, None]:
        while True:
            work_s = yield orders[number].get()
            yield environment.timeout(work_s + WAY_S)
            answers.put(number)

    def master() -> Generator[Any, Any, None]:
        for number in range(len(orders)):
            answers.put(number)
        for work_s in works:
            number = yield answers.get()
            yield environment.timeout(0.0)
            orders[number].put(work_s + WAY_S)
            done[0] += 1

    for number in range(len(orders)):
        environment.process(host(number))
    environment.process(master())
    began = process_time()
    environment.run()
    assert done[0] == TASKS
    return process_time() - began
