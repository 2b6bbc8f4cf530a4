"""Datasets of 10^7 chunks on 1,000 servers: placed by each policy, and held by a whole cell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from time import process_time

import numpy as np

from feitian_sim.kernel import MIB, Simulation
from feitian_sim.pangu.placement import POLICIES, placement_from
from feitian_sim.testing.placement import cluster
from tests.benchmarks.line import Line

CHUNKS, FEW = 10_000_000, 2_000

HELD = """
from pathlib import Path
from feitian_sim.scenario import load_text
from feitian_sim.scenario.wiring import build
loaded = load_text('''
name: large
duration: 1s
cluster: {racks: 50, machines_per_rack: 20, machine: {disks: 12, disk: hdd-2tb}}
pangu: {dataset: {bytes: 640000GiB, file_size: 1GiB}}
''')
build(loaded, 0).run()
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""


def lines() -> Iterator[Line]:
    """Seconds for each policy, how much faster that is than one by one, and memory."""
    for kind in POLICIES:
        view = cluster([40] * 25)
        view.capacity_bytes[:] = 24 * 10**12
        policy, draws = placement_from(kind), Simulation(seed=1).stream("bench")
        policy.prepare(view, 3, draws.child("prepare"))
        began = process_time()
        policy.place_many(view, CHUNKS, 3, draws, np.full(CHUNKS, 64 * MIB, dtype=np.int64))
        spent_s = process_time() - began
        yield Line(f"10^7 chunks on 1,000 servers, {kind}", spent_s, "s", "processor time", at_most=20.0)
        began = process_time()
        for _ in range(FEW):
            policy.place(view, 3, draws, size_bytes=64 * MIB)
        one_by_one_s = (process_time() - began) / FEW * CHUNKS
        yield Line(f"placing all at once, {kind}", one_by_one_s / spent_s, "x", "chunk by chunk")
    kib = int(subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True).stdout)
    yield Line("10^7 chunks held, whole process", kib / 1024, "MiB", "peak resident memory", at_most=2048.0)
