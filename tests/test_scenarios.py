"""Every shipped scenario lints clean, runs, and gives the same digest again in the same process."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden import SCENARIOS, shipped

import feitian_sim
from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.kernel import SECOND
from feitian_sim.scenario import load

#: The beginning of each scenario; what it expects of its end is not looked at.
BEGINNING = {"warmup": "0s", "runs": 1}


@pytest.mark.parametrize("scenario", shipped(), ids=lambda path: str(path.relative_to(SCENARIOS)))
def test_it_lints_clean(scenario: Path, capsys: pytest.CaptureFixture[str]):
    assert invoke(["lint", str(scenario)]) == ExitCode.DONE
    assert "0 problems" in capsys.readouterr().err


@pytest.mark.parametrize("scenario", shipped(), ids=lambda path: str(path.relative_to(SCENARIOS)))
def test_its_beginning_runs_and_repeats(scenario: Path, tmp_path: Path, request: pytest.FixtureRequest):
    needs_trace = any(name in scenario.stem for name in ("flow-oracle", "disk-year", "alibaba"))
    data = request.getfixturevalue("data_dir") if needs_trace else None
    whole = load(scenario).scenario
    # No more of one that is short itself: some keep every server busy for a second. One that is to be checked says
    # itself how long it must be.
    duration = whole.duration if whole.check else min(20 * SECOND, whole.duration)
    beginning = {**BEGINNING, "duration": f"{duration}ns"}
    first, again = (
        feitian_sim.run(scenario, overrides=beginning, output=tmp_path / name, data=data).digest for name in ("a", "b")
    )
    assert first == again
    assert len(first) == 32


@pytest.mark.slow
def test_a_year_of_disk_failures_is_accounted_for(data_dir: Path, scenarios: Path, tmp_path: Path):
    """Failures in = failures accounted for; repaired + lost = affected: here over the first fourteen weeks."""
    done = feitian_sim.run(
        scenarios / "pangu" / "disk-year.yaml", overrides={"duration": "14week"}, output=tmp_path, data=data_dir
    )
    metrics = done.metrics
    assert metrics["faults.trace_rows_count"] == (
        metrics["faults.trace_kept_count"] + metrics["faults.trace_dropped_count"]
    )
    assert metrics["faults.trace_kept_count"] == (
        metrics["faults.injected_count"] + metrics["faults.trace_absorbed_count"]
    )
    assert metrics["faults.trace_unaccounted_count"] == 0
    assert metrics["pangu.replicas_affected_count"] > 0
    assert metrics["pangu.replicas_affected_count"] == metrics["pangu.chunks_repaired"] + metrics["pangu.chunks_lost"]


@pytest.mark.slow
def test_the_master_forgets_nothing_that_it_acknowledged(scenarios: Path, tmp_path: Path):
    done = feitian_sim.run(scenarios / "pangu" / "master-restart.yaml", output=tmp_path)
    assert done.ok
    assert done.metrics["pangu.acknowledged_lost_count"] == 0
    assert done.metrics["pangu.longest_pause_s"] > 0


@pytest.mark.slow
def test_no_reader_gets_wrong_bytes_and_what_is_read_is_repaired(scenarios: Path, tmp_path: Path):
    done = feitian_sim.run(scenarios / "pangu" / "corruption.yaml", output=tmp_path)
    assert done.ok
    assert done.metrics["pangu.wrong_bytes_count"] == 0
    assert done.metrics["pangu.corruptions_found_count"] == done.metrics["pangu.corruptions_repaired_count"] > 0
