"""Every shipped scenario has a reference, and what takes seconds still gives its digest."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden import SCENARIOS, reference_of, shipped

import feitian_sim
from feitian_sim.scenario import load

#: Scenarios that take some seconds; the others are run by ``make golden``.
QUICK = ("quickstart", "max-min")


@pytest.mark.parametrize("scenario", shipped(), ids=lambda path: str(path.relative_to(SCENARIOS)))
def test_every_shipped_scenario_has_a_reference(scenario: Path):
    kept = reference_of(scenario)
    assert len((kept / "digest").read_text().strip()) == 32
    header = (kept / "summary.csv").read_text().splitlines()[0]
    axes = load(scenario).scenario.sweep
    assert header == ",".join((*axes, "run", "metric", "value", "unit"))


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_the_digest_is_that_of_the_reference(name: str, tmp_path: Path):
    (scenario,) = (path for path in shipped() if path.stem == name)
    done = feitian_sim.run(scenario, output=tmp_path)
    assert done.digest == (reference_of(scenario) / "digest").read_text().strip()
