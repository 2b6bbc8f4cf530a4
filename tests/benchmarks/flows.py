"""Flows of the oracle: finish times, processor time, and the incremental solver against a full solve for each event."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

from feitian_sim.hardware import ClusterConfig, DataCenter, flow_region
from feitian_sim.kernel import Simulation
from feitian_sim.scenario.load import data_dirs
from tests.benchmarks.line import Line, ratio

FOLDER = "flow-oracle"
CLUSTER = {
    "racks": 25,
    "machines_per_rack": 40,
    "machine": {"disks": 1, "nic": "10Gbit/s"},
    "network": {"kind": "tree", "uplink": "100Gbit/s"},
}


def lines() -> Iterator[Line]:
    """Nothing where the oracle is absent."""
    folder = next((path / FOLDER for path in data_dirs(()) if (path / FOLDER).is_dir()), None)
    if folder is None:
        yield Line("flows: the oracle is absent", 0, "", "set FEITIAN_DATA")
        return
    replay(folder, "light", most=100)  # Compiles.
    for name, most_s, simgrid_s in (("light", 1.0, 1.04), ("heavy5k", 12.0, 23.9)):
        spent_s, finished = replay(folder, name)
        yield Line(f"oracle {name}: processor time", spent_s, "s", f"SimGrid {simgrid_s} on its machine", at_most=most_s)
        worst_s = largest_difference(folder, name, finished)
        yield Line(f"oracle {name}: largest difference", worst_s, "s", "SimGrid, DSLab, brute force", at_most=1e-6)
    for name, rounds in (("light", 3), ("heavy5k", 1)):
        times = ratio(lambda n=name: replay(folder, n, whole=True)[0], lambda n=name: replay(folder, n)[0], rounds)
        yield Line(f"oracle {name}: incremental", times, "x", "a full solve for each event")
    spent_s, _ = replay(folder, "heavy")
    yield Line("oracle heavy, 20,000 flows in 1 s", spent_s, "s", "SimGrid: not in 682 s", at_most=120.0)


def replay(folder: Path, name: str, *, most: int | None = None, whole: bool = False) -> tuple[float, dict[str, float]]:
    """Seconds of processor time, and when each flow finished."""
    sim = Simulation(seed=1)
    center = DataCenter(sim, ClusterConfig.model_validate(CLUSTER))
    finished: dict[str, float] = {}
    owner = sim.owner("flows")

    def begin(row: dict[str, str]) -> None:
        source, target = center.machines[int(row["src"])], center.machines[int(row["dst"])]
        center.network.transfer(
            source,
            target,
            int(row["bytes"]),
            owner=owner,
            on_done=lambda _: finished.__setitem__(row["id"], sim.now / 1e9),
            on_fail=lambda *_: None,
        )

    for row in table(folder / f"flows_{name}.csv.gz")[:most]:
        sim.call_at(round(float(row["start_s"]) * 1e9), begin, row)
    update = flow_region.update
    if whole:
        flow_region.update = _always_whole(update)
    try:
        began = process_time()
        sim.run()
        return process_time() - began, finished
    finally:
        flow_region.update = update


def _always_whole(update: Any) -> Any:
    def solve_all(net: Any, order: Any, begun: Any, ended: Any, _: bool, relist: bool, now_ns: int) -> Any:
        return update(net, order, begun, ended, True, relist, now_ns)

    return solve_all


def largest_difference(folder: Path, name: str, finished: dict[str, float]) -> float:
    """Of a finish time, to the published one; infinite when one is missing."""
    published = {row["id"]: float(row["finish_s"]) for row in table(folder / f"finish_{name}.csv.gz")}
    if published.keys() != finished.keys():
        return float("inf")
    return max(abs(finished[flow] - when_s) for flow, when_s in published.items())


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a gzipped CSV file."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        return list(csv.DictReader(text))
