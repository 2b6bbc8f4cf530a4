"""Fixtures that every test may use, and where published traces are looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from feitian_sim.kernel import Simulation

REPOSITORY = Path(__file__).resolve().parents[1]


QUEUE = """\
name: queue
question: How long do requests wait for a core?
seed: 7
duration: 20s
cluster: {racks: 2, machines_per_rack: 2, machine: {cores: 1}}
load:
  - {kind: requests, arrival: {kind: poisson, rate: 8/s}, service: {kind: exponential, mean: 100ms}}
expect:
  - hardware.machine_crashes_count == 0
"""


@pytest.fixture
def sim() -> Simulation:
    """A fresh simulation with seed 1."""
    return Simulation(seed=1)


@pytest.fixture(scope="session")
def scenarios() -> Path:
    """The folder of shipped scenarios."""
    return REPOSITORY / "scenarios"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of published traces; skips the test when there is none."""
    for candidate in (os.environ.get("FEITIAN_DATA"), REPOSITORY.parent / "shared" / "data"):
        if candidate and (Path(candidate) / "flow-oracle").is_dir():
            return Path(candidate)
    pytest.skip("published traces are not here: set FEITIAN_DATA to the folder that holds them")


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """The file of a scenario that takes milliseconds and has chance in it: requests at the cores of one machine."""
    path = tmp_path / "queue.yaml"
    path.write_text(QUEUE, encoding="utf-8")
    return path
