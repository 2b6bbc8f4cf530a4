"""Sweeps: every combination, in one process or several, with the same results."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import ruamel.yaml

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.experiments.engines import engine_of
from feitian_sim.experiments.study import points_of
from feitian_sim.experiments.sweep import SweepOptions, sweep
from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario import load
from feitian_sim.scenario.overrides import split_axes
from feitian_sim.scenario.problems import ScenarioProblems

AXES = {"load[0].service.mean": ("1ms", "2ms"), "cluster.machine.cores": ("1", "2", "4")}


def test_all_combinations_the_last_axis_fastest():
    points = points_of(AXES)
    assert [dict(point.values)["cluster.machine.cores"] for point in points] == ["1", "2", "4"] * 2
    assert points[0].overrides == ("load[0].service.mean=1ms", "cluster.machine.cores=1")


def test_commas_within_brackets_belong_to_the_value():
    single, axes = split_axes(["a=1", "b=x,y", "c={kind: copyset, scatter_width: 4},random", "d='p,q'"])
    assert single == ("a=1", "d='p,q'")
    assert axes == {"b": ("x", "y"), "c": ("{kind: copyset, scatter_width: 4}", "random")}
    for wrong in ("a", "=1", "a=1,"):
        with pytest.raises(ScenarioProblems):
            split_axes([wrong])


@pytest.mark.slow
def test_several_processes_leave_what_one_leaves(queue: Path, tmp_path: Path):
    """The same digests and the same table, whatever the number of jobs."""
    swept = [
        sweep(queue, SweepOptions(axes=AXES, runs=2, engine=engine_of("local", jobs), output=tmp_path / str(jobs)))
        for jobs in (1, 2)
    ]
    one, two = swept
    assert one.digest == two.digest
    assert [record.digest for _, record in one.records] == [record.digest for _, record in two.records]
    tables = [(found.directory / "summary.csv").read_text() for found in swept]
    assert tables[0] == tables[1]
    rows = list(csv.DictReader(tables[0].splitlines()))
    assert {(row["load[0].service.mean"], row["cluster.machine.cores"], row["run"]) for row in rows} == {
        (mean, cores, run) for mean in ("1ms", "2ms") for cores in ("1", "2", "4") for run in ("0", "1")
    }
    done = sorted(path.parent.name for path in one.directory.rglob("DONE"))
    assert done == ["run=0000"] * 6 + ["run=0001"] * 6


def test_a_point_is_the_run_that_its_values_would_give_alone(queue: Path, tmp_path: Path):
    """Common random numbers: the seed is one, and an axis changes nothing but its key."""
    from feitian_sim.experiments.run import Options, run

    swept = sweep(queue, SweepOptions(axes={"cluster.machine.cores": ("2", "4")}, output=tmp_path / "sweep"))
    alone = run(queue, Options(overrides=("cluster.machine.cores=4",), output=tmp_path / "alone"))
    assert swept.records[1][1].digest == alone.records[0].digest


def test_a_sweep_is_verified_and_drawn_again(queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    axes = ["--set", "cluster.machine.cores=1,2"]
    assert invoke(["sweep", str(queue), *axes, "-o", str(tmp_path), "-q", "--runs", "2"]) == ExitCode.DONE
    (folder,) = tmp_path.glob("*-sweep")
    assert invoke(["verify", str(folder)]) == ExitCode.DONE
    # Requests at one machine's cores have no throughput to draw over its cores.
    assert invoke(["report", str(folder)]) == ExitCode.DONE
    assert "nothing to draw" in capsys.readouterr().err
    other = ["--set", "cluster.machine.cores=1,4"]
    assert invoke(["sweep", str(queue), *other, "-o", str(tmp_path), "-q"]) == ExitCode.DONE
    assert len(list(tmp_path.glob("*-sweep"))) == 2


def test_an_expectation_is_judged_at_every_point(queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    document = ruamel.yaml.YAML(typ="safe").load(queue)
    document["expect"] = ["workloads.request_wait_s.mean < 1us"]
    queue.write_text(json.dumps(document), encoding="utf-8")
    arguments = ["sweep", str(queue), "--set", "cluster.machine.cores=1,64", "-o", str(tmp_path), "-q"]
    assert invoke(arguments) == ExitCode.FAILED
    said = capsys.readouterr().err
    assert "cluster.machine.cores=1 run 0" in said
    assert "cluster.machine.cores=64" not in said


def test_an_interrupted_sweep_keeps_what_is_finished(queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from feitian_sim.experiments import task as module

    def stopped_at_the_second(loaded, run, teller, position=None):
        if loaded.scenario.cluster.machine.cores == 2:
            raise KeyboardInterrupt
        return run_once(loaded, run, teller, position)

    run_once = module.run_once
    monkeypatch.setattr(module, "run_once", stopped_at_the_second)
    with pytest.raises(KeyboardInterrupt) as stopped:
        sweep(queue, SweepOptions(axes={"cluster.machine.cores": ("1", "2", "4")}, output=tmp_path))
    assert "1 of 3 runs were finished and are kept in" in stopped.value.__notes__[0]
    (kept,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert kept.name.endswith(".interrupted")
    assert json.loads((kept / "manifest.json").read_text())["status"] == "interrupted"
    assert len(list(kept.rglob("DONE"))) == 1


def test_a_run_that_fails_does_not_take_the_others_along(queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from feitian_sim.experiments import task as module

    def sometimes(loaded, run, teller, position=None):
        if loaded.scenario.cluster.machine.cores == 2:
            raise RuntimeError("meant")
        return run_once(loaded, run, teller, position)

    run_once = module.run_once
    monkeypatch.setattr(module, "run_once", sometimes)
    arguments = ["sweep", str(queue), "--set", "cluster.machine.cores=1,2,4", "-o", str(tmp_path), "--no-figures", "-q"]
    assert invoke(arguments) == ExitCode.SOME_FAILED
    (summary,) = tmp_path.rglob("*-sweep/summary.json")
    document = json.loads(summary.read_text())
    assert [one["axes"]["cluster.machine.cores"] for one in document["points"]] == ["1", "4"]
    assert document["failed"][0]["reason"] == "RuntimeError: meant"


def test_what_cannot_be_swept_is_refused_before_anything_runs(queue: Path, tmp_path: Path):
    with pytest.raises(ScenarioError, match="nothing to vary"):
        sweep(queue, SweepOptions(output=tmp_path / "none"))
    for axis in ("cluster.machine.cores=1,zero", "cluster.machine.coers=1,2"):
        assert invoke(["sweep", str(queue), "--set", axis, "-o", str(tmp_path / "out")]) == ExitCode.REFUSED
    assert not list(tmp_path.rglob("DONE"))


def test_a_dry_run_counts_and_runs_nothing(queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    axis = "cluster.machine.cores=1,2,4"
    assert invoke(["sweep", str(queue), "--set", axis, "--dry-run", "--runs", "5", "-o", str(tmp_path)]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert "15" in shown
    assert not list(tmp_path.rglob("DONE"))
    assert load(queue).scenario.runs != 5
