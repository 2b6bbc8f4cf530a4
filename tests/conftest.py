"""Fixtures that every test may use, and where published traces are looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from feitian_sim.kernel import Simulation

REPOSITORY = Path(__file__).resolve().parents[1]


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
