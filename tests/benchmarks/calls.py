"""Calls and coordination: what a call with a deadline costs from end to end, and how many reads of Nuwa a second are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time
from typing import Any

from feitian_sim.authority import IssuingOffice, Judge, ZhongkuiConfig
from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import SECOND, Simulation, less_collection
from feitian_sim.kuafu import Kuafu, Need
from feitian_sim.scenario import build, load_text
from tests.benchmarks.line import Line

CALLS = 200_000
READS = """\
name: reads
duration: 2s
cluster: {racks: 5, machines_per_rack: 2, machine: {cores: 4, disks: 2, disk: ssd-1tb}, clients: {machines: 20}}
nuwa: {servers: 5}
load: [{kind: nuwa, ratios: {get: 1}, clients: 60, outstanding: 5}]
"""


@dataclass(frozen=True, slots=True)
class Ask:
    """A small request."""

    number: int


def lines() -> Iterator[Line]:
    """Processor time of one call, checked by the real judge, and reads a second."""
    each_s = min(calls(CALLS) for _ in range(3)) / CALLS
    yield Line("a call with a deadline, checked", each_s * 1e6, "us", "processor time from end to end", at_most=12.0)
    yield Line("reads of Nuwa", reads(), "1/s", "simulated reads per second of processor time", at_least=50_000)


def calls(count: int) -> float:
    """Seconds for so many calls between 32 machines, a hundred under way."""
    sim = Simulation(seed=1)
    config = {"racks": 2, "machines_per_rack": 16, "machine": {"disks": 1}}
    center = DataCenter(sim, ClusterConfig.model_validate(config))
    zhongkui = ZhongkuiConfig()
    office = IssuingOffice(sim, zhongkui)
    kuafu = Kuafu(sim, center, Judge(sim, zhongkui, office))
    need = Need("read", "pangu://cell/bench")
    endpoints = []
    for number, machine in enumerate(center.machines):
        endpoint = kuafu.endpoint(sim.owner(machine.name), machine, 7000, office.user(f"u{number}"))
        endpoint.serve(Ask, _echo, need)
        endpoints.append(endpoint)
    addresses = [endpoint.address for endpoint in endpoints]
    left = [count]

    def ask(at: int) -> None:
        if left[0] > 0:
            left[0] -= 1
            target = addresses[(at + 1 + left[0] % 31) % 32]
            endpoints[at].call(target, Ask(1), SECOND, lambda _: ask(at), _wrong)

    with less_collection():
        for number in range(100):
            ask(number % 32)
        sim.run_until(SECOND // 1000)
        before, began = left[0], process_time()
        sim.run_until(1000 * SECOND)
        took = process_time() - began
    assert left[0] == 0
    return took * count / before


def reads() -> float:
    """Reads per second of processor time in the steady state."""
    platform = build(load_text(READS))
    done: list[Any] = []
    platform.sim.facts.subscribe("nuwa.operation", lambda _, operation: done.append(operation.zxid))
    with less_collection():
        platform.sim.run_until(SECOND // 2)
        done.clear()
        began = process_time()
        platform.sim.run_until(SECOND)
        took = process_time() - began
    return len(done) / took


def _echo(call: Any) -> None:
    call.reply(call.message)


def _wrong(error: Any) -> None:
    raise AssertionError(f"a call failed: {error}")
