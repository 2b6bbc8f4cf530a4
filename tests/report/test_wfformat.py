"""Export of a job as WfFormat: valid by the published schema, and read back as what was written."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from synthetic_jobs import BIG, WIDE, write_job_results

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.kernel import ScenarioError
from feitian_sim.report.wfformat import export_job, write_job
from feitian_sim.workloads.traces import Selection, read_jobs


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with jobs."""
    return write_job_results(tmp_path_factory.mktemp("wf"), tasks=30)


def test_an_exported_job_is_read_back_as_it_ran(results: Path, tmp_path: Path) -> None:
    """Every instance with its time, waiting for every instance of the task before."""
    path = write_job(results, BIG, tmp_path / "job.json")
    reading = read_jobs("wfformat", [path], Selection())
    (job,) = reading.jobs
    assert len(job.tasks) == 38
    assert job.edges == 30 * 8
    reduce = next(task for task in job.tasks if task.name == "reduce.3")
    assert reduce.duration_ns == pytest.approx(20e9, rel=1e-9)
    assert {job.tasks[parent].name for parent in reduce.parents} == {f"map.{one}" for one in range(30)}


def test_the_most_eventful_job_is_exported_unless_one_is_named(results: Path) -> None:
    """And a job that is not there is refused with some that are."""
    assert export_job(results)[0] == BIG
    assert export_job(results, WIDE)[1]["name"] == WIDE
    with pytest.raises(ScenarioError, match=r"no job 'nothing' \(jobs: etl.job-0"):
        export_job(results, "nothing")


@pytest.mark.data
def test_an_export_is_valid_by_the_published_schema(results: Path, data_dir: Path) -> None:
    """WfFormat 1.5 as WfCommons checks it."""
    schema = json.loads((data_dir / "formats" / "wfcommons-schema.json").read_text(encoding="utf-8"))
    document = json.loads(json.dumps(export_job(results, BIG)[1]))
    rules = {key: value for key, value in schema.items() if key != "$schema"}
    jsonschema.validate(document, rules)
    del document["workflow"]
    with pytest.raises(jsonschema.ValidationError, match="'workflow' is a required property"):
        jsonschema.validate(document, rules)


def test_the_command_writes_beside_the_results(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says where."""
    assert invoke(["export", "wfformat", str(results)]) == ExitCode.DONE
    assert f"{BIG}.wfformat.json" in capsys.readouterr().out
    assert (results / f"{BIG}.wfformat.json").is_file()
