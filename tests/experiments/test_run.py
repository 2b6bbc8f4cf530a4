"""One scenario, its runs, its results folder."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path
from typing import Any

import pytest

import feitian_sim
from feitian_sim.experiments import run as running
from feitian_sim.experiments.manifest import file_hash, total_digest
from feitian_sim.experiments.results import Results
from feitian_sim.experiments.run import Options, run
from feitian_sim.experiments.verify import verify
from feitian_sim.kernel import EnvironmentRefusal, FactTables


def _options(tmp_path: Path, **more: Any) -> Options:
    return Options(output=tmp_path / "results", **more)


def test_a_run_leaves_a_whole_folder(queue: Path, tmp_path: Path) -> None:
    done = run(queue, _options(tmp_path))
    names = {path.relative_to(done.directory).as_posix() for path in done.directory.rglob("*") if path.is_file()}
    assert {
        "scenario.resolved.yaml",
        "manifest.json",
        "summary.csv",
        "summary.json",
        "runs/base/run=0000/DONE",
        "runs/base/run=0000/summary.json",
        "runs/base/run=0000/facts/hardware.request.parquet",
    } <= names
    assert [path.name for path in (tmp_path / "results").iterdir()] == [done.directory.name]


def test_the_manifest_tells_where_it_comes_from(queue: Path, tmp_path: Path) -> None:
    done = run(queue, _options(tmp_path))
    manifest = json.loads((done.directory / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert done.directory.name == f"queue-{manifest['config_hash']}"
    assert (manifest["seed"], manifest["runs"], manifest["sim_duration_s"]) == (7, 1, 20.0)
    assert manifest["digest"] == done.records[0].digest
    assert manifest["events"] > 100
    assert manifest["versions"]["numpy"]
    for name, about in manifest["files"].items():
        assert file_hash(done.directory / name) == about["sha256"]


def test_the_same_seed_gives_the_same_digest_and_another_seed_another(queue: Path, tmp_path: Path) -> None:
    digests = [run(queue, _options(tmp_path, seed=seed)).summary.digest for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_the_folder_is_named_by_the_configuration_not_by_seed_and_runs(queue: Path, tmp_path: Path) -> None:
    plain = run(queue, _options(tmp_path))
    assert run(queue, _options(tmp_path, seed=3, runs=2)).directory == plain.directory
    assert run(queue, _options(tmp_path, overrides=("duration=10s",))).directory != plain.directory


def test_runs_are_substreams_with_an_interval_over_them(queue: Path, tmp_path: Path) -> None:
    done = run(queue, _options(tmp_path, runs=3))
    digests = [record.digest for record in done.records]
    assert len(set(digests)) == 3
    assert digests[0] == run(queue, _options(tmp_path)).summary.digest
    assert done.summary.digest == total_digest(digests)
    assert all(estimate.interval is not None for estimate in done.summary.metrics if estimate.runs == 3)


def test_the_summary_is_tidy(queue: Path, tmp_path: Path) -> None:
    done = run(queue, _options(tmp_path, runs=2))
    with (done.directory / "summary.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == {"run", "metric", "value", "unit"}
    assert {row["run"] for row in rows} == {"0", "1"}
    assert "hardware.machine_crashes_count" in {row["metric"] for row in rows}


def test_results_are_read_back_from_python(queue: Path, tmp_path: Path) -> None:
    results = feitian_sim.run(queue, runs=2, output=tmp_path / "results")
    again = feitian_sim.load(results.directory)
    assert again.digest == results.digest
    assert again.metrics["hardware.machine_crashes_count"] == 0
    table = again.table("hardware.request")
    assert table.columns[0] == "run"
    assert sorted(table["run"].unique()) == [0, 1]
    assert set(again.summary.columns) == {"run", "metric", "value", "unit"}
    with pytest.raises(KeyError, match=r"hardware\.request"):
        again.table("hardware.requested")


def test_overrides_from_python_may_be_a_mapping(queue: Path, tmp_path: Path) -> None:
    results = feitian_sim.run(queue, overrides={"duration": "5s", "cluster.racks": 3}, output=tmp_path / "results")
    assert results.manifest["sim_duration_s"] == 5.0


def test_a_full_disk_leaves_nothing_half_written(queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: FactTables, folder: Path) -> list[Path]:
        folder.mkdir()
        (folder / "half.parquet").touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FactTables, "write_parquet", full)
    with pytest.raises(EnvironmentRefusal, match="the disk is full"):
        run(queue, _options(tmp_path))
    assert list((tmp_path / "results").iterdir()) == []


def _interrupting_in_run(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = running.run_once

    def interrupted(loaded: Any, run: int, teller: Any, *more: Any) -> Any:
        if run == number:
            raise KeyboardInterrupt
        return ordinary(loaded, run, teller)

    monkeypatch.setattr(running, "run_once", interrupted)


def test_an_interruption_keeps_finished_runs_apart(queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(queue, _options(tmp_path)).directory
    _interrupting_in_run(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt) as caught:
        run(queue, _options(tmp_path, runs=5))
    assert "2 of 5 runs were finished" in caught.value.__notes__[0]
    kept = whole.with_name(f"{whole.name}.interrupted")
    assert sorted(path.name for path in (kept / "runs" / "base").iterdir()) == ["run=0000", "run=0001"]
    assert not (kept / "summary.json").exists()
    assert Results(kept).interrupted
    assert Results(whole).runs == 1


def test_an_interruption_before_the_first_run_ends_leaves_nothing(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _interrupting_in_run(0, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(queue, _options(tmp_path))
    assert list((tmp_path / "results").iterdir()) == []


def test_a_mistake_in_drawing_does_not_cost_the_results(queue: Path, tmp_path: Path) -> None:
    def render(folder: Path) -> list[Path]:
        raise ZeroDivisionError("in a figure")

    with pytest.raises(ZeroDivisionError) as caught:
        run(queue, _options(tmp_path, render=render))
    assert "only figures are missing" in caught.value.__notes__[0]
    assert Results(tmp_path / "results").runs == 1


def test_what_is_drawn_is_listed_and_its_paths_are_the_final_ones(queue: Path, tmp_path: Path) -> None:
    def render(folder: Path) -> list[Path]:
        (folder / "report.html").write_text("<html>")
        return [folder / "report.html"]

    done = run(queue, _options(tmp_path, render=render))
    assert done.figures == (done.directory / "report.html",)
    assert "report.html" in Results(done.directory).manifest["files"]


def test_a_twin_runs_without_the_faults_and_is_no_run_of_its_own(queue: Path, tmp_path: Path) -> None:
    crash = "faults=[{kind: machine-crash, at: 5s, duration: 5s, target: {machine: r1/m0}}]"
    done = run(queue, _options(tmp_path, overrides=(crash, "expect=[]"), twin=True))
    facts = [path.parent for path in done.directory.rglob("hardware.machine_crashed.parquet")]
    assert [path.parent.parent.name for path in facts] == ["base"]
    assert (done.directory / "runs" / "twin" / "run=0000" / "DONE").exists()
    assert Results(done.directory).runs == 1


def test_verify_repeats_a_folder_and_sees_what_was_changed(queue: Path, tmp_path: Path) -> None:
    done = run(queue, _options(tmp_path, runs=2))
    assert verify(done.directory).ok
    with (done.directory / "summary.csv").open("a") as file:
        file.write("0,pangu.chunks_lost,0,\n")
    found = verify(done.directory)
    assert found.changed_files == ("summary.csv",)
    assert not found.ok


def test_verify_sees_another_digest(queue: Path, tmp_path: Path) -> None:
    done = run(queue, _options(tmp_path))
    manifest = json.loads((done.directory / "manifest.json").read_text())
    manifest["digests"] = ["0" * 32]
    (done.directory / "manifest.json").write_text(json.dumps(manifest))
    assert [compared.same for compared in verify(done.directory).runs] == [False]
