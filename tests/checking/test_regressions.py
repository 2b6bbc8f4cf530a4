"""What checks have found stays mended: each scenario that failed once is run with its invariant on."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.experiments.check.found import replayed
from feitian_sim.scenario import load

_FOLDER = Path(__file__).resolve().parents[2] / "scenarios" / "regressions"
_FOUND = sorted(_FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("scenario", _FOUND, ids=lambda path: path.stem)
def test_what_failed_once_holds(scenario: Path):
    assert replayed(load(scenario)) == ""


def test_there_are_some():
    assert len(_FOUND) >= 4
