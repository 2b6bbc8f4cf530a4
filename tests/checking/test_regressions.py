"""What checks have found stays mended: each scenario that failed once is run with its invariant on."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.experiments.check.found import replayed
from feitian_sim.experiments.estimate import estimate
from feitian_sim.scenario import load

_FOLDER = Path(__file__).resolve().parents[2] / "scenarios" / "regressions"
_FOUND = sorted(_FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("scenario", _FOUND, ids=lambda path: path.stem)
def test_what_failed_once_holds(scenario: Path):
    assert replayed(load(scenario)) == ""


@pytest.mark.parametrize("scenario", _FOUND, ids=lambda path: path.stem)
def test_how_long_it_takes_can_be_said(scenario: Path):
    assert estimate(load(scenario)).wall_seconds > 0


def test_there_are_some():
    assert len(_FOUND) >= 4
