"""A results folder of one run, and one of several, made once for all tests of the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_results import write_results


@pytest.fixture(scope="session")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of one run with its fault-free twin."""
    return write_results(tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="session")
def five_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of five runs without a twin."""
    return write_results(tmp_path_factory.mktemp("five"), runs=5, twin=False)


@pytest.fixture
def quiet_run(tmp_path: Path) -> Path:
    """Results of a run in which nothing happened."""
    return write_results(tmp_path / "quiet", runs=1, twin=False, eventful=False)
