"""Chunk transfers of a whole cell per second of processor time, and how that grows with the cluster."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from feitian_sim.kernel import MIB
from feitian_sim.scenario import load
from feitian_sim.scenario.wiring import Ran, build
from tests.benchmarks.line import Line

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios" / "pangu"


def lines() -> Iterator[Line]:
    """The rack that loses power, and 100 servers beside 1,000."""
    ran, spent_s = simulated("rack-power-loss.yaml")
    per_s = transfers(ran) / spent_s
    yield Line("rack-power-loss: chunk transfers per CPU second", per_s, "1/s", "processor time", at_least=10_000)
    cost_s = {20: math.inf, 200: math.inf}
    # The lowest of paired rounds: others on the machine only ever add.
    for racks in (20, 200, 20, 200):
        ran, spent_s = simulated("scale-out.yaml", f"cluster.racks={racks}", "duration=20s")
        cost_s[racks] = min(cost_s[racks], spent_s / (transfers(ran) + reads(ran)))
    yield Line("processor time per chunk transfer, 1,000 servers", 1e3 * cost_s[200], "ms", "processor time")
    yield Line("its growth from 100 to 1,000 servers", cost_s[200] / cost_s[20], "x", "100 servers", at_most=1.3)


def simulated(name: str, *overrides: str) -> tuple[Ran, float]:
    """A run, and its seconds of processor time without the placing of the dataset."""
    platform = build(load(SCENARIOS / name, overrides), 0)
    began = process_time()
    return platform.run(), process_time() - began


def transfers(ran: Ran) -> int:
    """Chunks written with all their replicas, and chunks copied by repairs."""
    return _chunks_moved(ran, "write") + int(ran.metrics.get("pangu.chunks_repaired", 0.0))


def reads(ran: Ran) -> int:
    """Chunks read."""
    return _chunks_moved(ran, "read")


def _chunks_moved(ran: Ran, operation: str) -> int:
    columns = ran.tables.columns("pangu.operation")
    wanted = (columns["op"] == operation) & columns["ok"]
    return sum(math.ceil(size / (64 * MIB)) for size in columns["size_bytes"][wanted].tolist())
