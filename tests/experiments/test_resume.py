"""Sweeps that are killed: what is finished stays, and what comes of it in the end is what an undisturbed one leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.experiments.engines import DaskEngine, LocalEngine, engine_of
from feitian_sim.experiments.run_folder import finished_runs
from feitian_sim.experiments.status import status_of
from feitian_sim.experiments.sweep import SweepOptions, resume, sweep
from feitian_sim.kernel import EnvironmentRefusal

AXES = {"load[0].service.mean": ("1ms", "2ms"), "cluster.machine.cores": ("1", "2", "4")}
SETTINGS = [f"--set={key}={','.join(values)}" for key, values in AXES.items()]
#: Kills in each test; the acceptance of the issue is ten, which this reaches together.
KILLS = 5


def options(folder: Path, jobs: int = 1) -> SweepOptions:
    return SweepOptions(axes=AXES, runs=2, engine=engine_of("local", jobs), output=folder)


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The queue of the other tests, of which a run takes some tenths of a second."""
    from tests.conftest import QUEUE

    path = tmp_path_factory.mktemp("scenario") / "queue.yaml"
    path.write_text(QUEUE.replace("duration: 20s", "duration: 20m"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def undisturbed(longer: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return sweep(longer, options(tmp_path_factory.mktemp("whole"))).digest


def started(scenario: Path, output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "feitian_sim", "sweep", str(scenario), *SETTINGS, "--runs", "2", "-j", "2"]
    return subprocess.Popen([*command, "-o", str(output), "--no-figures", "-q"], stdout=subprocess.DEVNULL)


def wait_for_runs(output: Path, runs: int) -> None:
    until = time.monotonic() + 60
    while len(finished_runs(output)) < runs:
        assert time.monotonic() < until, f"{runs} runs were not finished within a minute"
        time.sleep(0.02)


def test_finished_runs_are_told_while_others_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("run=0001", "run=0002", ".run=0003-7-0", ".run=0004-7-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "DONE").touch()
    look_into, placed = os.scandir, tmp_path / ".run=0004-7-1"

    def too_late(path: str) -> object:
        if Path(path) == placed and placed.exists():
            placed.rename(tmp_path / "run=0004")
        return look_into(path)

    monkeypatch.setattr(os, "scandir", too_late)
    assert [path.name for path in finished_runs(tmp_path)] == ["run=0001", "run=0002"]
    assert [path.name for path in finished_runs(tmp_path)] == ["run=0001", "run=0002", "run=0004"]


@pytest.mark.slow
def test_killed_parents_are_taken_up(longer: Path, undisturbed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    draws = np.random.default_rng(4)
    for number in range(KILLS):
        output = tmp_path / str(number)
        process = started(longer, output)
        wait_for_runs(output, int(draws.integers(1, 9)))
        time.sleep(float(draws.uniform(0, 0.2)))
        process.kill()
        process.wait()
        (partial,) = output.glob(".queue-*.partial")
        before = sorted(path.stat().st_mtime_ns for path in partial.rglob("DONE"))
        assert status_of(partial).state == "stopped"
        # As a user would name it, though it is not there yet.
        directory = output / partial.name.removesuffix(".partial")[1:]
        assert invoke(["resume", str(directory), "-j", "2", "--json", "-q", "--no-figures"]) == ExitCode.DONE
        assert json.loads(capsys.readouterr().out)["digest"] == undisturbed
        assert before == sorted(path.stat().st_mtime_ns for path in directory.rglob("DONE"))[: len(before)]
        assert status_of(directory).state == "finished"


@pytest.mark.slow
def test_killed_workers_are_replaced(longer: Path, undisturbed: str, tmp_path: Path):
    draws = np.random.default_rng(5)
    for number in range(KILLS):
        output = tmp_path / str(number)
        process = started(longer, output)
        wait_for_runs(output, int(draws.integers(1, 6)))
        workers = [child for child in psutil.Process(process.pid).children(recursive=True) if not child.children()]
        workers = [one for one in workers if "resource_tracker" not in " ".join(one.cmdline())]
        os.kill(workers[int(draws.integers(len(workers)))].pid, signal.SIGKILL)
        assert process.wait(timeout=120) == ExitCode.DONE
        (manifest,) = output.glob("queue-*-sweep/manifest.json")
        assert json.loads(manifest.read_text())["digest"] == undisturbed


POISON = '''
import os, signal
from feitian_sim.pangu.placement.random import RandomPlacement

class Poison(RandomPlacement):
    """Kills whoever asks it anything."""
    def place_many(self, *given):
        os.kill(os.getpid(), signal.SIGKILL)
'''


@pytest.mark.slow
def test_a_run_that_kills_its_process_twice_is_set_aside(tmp_path: Path):
    (tmp_path / "poison.py").write_text(POISON)
    scenario = tmp_path / "small.yaml"
    scenario.write_text(
        "name: small\nduration: 1s\ncluster: {racks: 3, machines_per_rack: 2}\n"
        "pangu: {placement: random, dataset: {bytes: 1GiB, file_size: 64MiB}}\n"
    )
    axes = {"pangu.placement": ("random", "poison.py:Poison", "rack-spread")}
    swept = sweep(scenario, SweepOptions(axes=axes, engine=LocalEngine(2), output=tmp_path / "out"))
    assert [point.label for point, _ in swept.records] == ["random", "rack-spread"]
    (failed,) = swept.failed
    assert failed.reason.startswith("its process was killed 2 times")
    assert status_of(swept.directory).state == "incomplete"
    # Once the file is mended the rest can be had.
    (tmp_path / "poison.py").write_text(POISON.replace("os.kill(os.getpid(), signal.SIGKILL)", "raise ValueError('x')"))
    with pytest.raises(EnvironmentRefusal, match="another content"):
        resume(swept.directory, SweepOptions())


def test_an_interrupted_sweep_is_taken_up(queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from feitian_sim.experiments import task as module

    whole = sweep(queue, options(tmp_path / "whole"))

    def stopped_in_the_middle(loaded, run, teller, position=None):
        if loaded.scenario.cluster.machine.cores == 4:
            raise KeyboardInterrupt
        return run_once(loaded, run, teller, position)

    run_once = module.run_once
    monkeypatch.setattr(module, "run_once", stopped_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        sweep(queue, options(tmp_path / "stopped"))
    (kept,) = (tmp_path / "stopped").glob("*.interrupted")
    assert status_of(kept).finished == 4
    monkeypatch.setattr(module, "run_once", run_once)
    resumed = resume(kept, SweepOptions())
    assert resumed.digest == whole.digest
    assert resumed.directory.name == whole.directory.name
    assert (resumed.directory / "summary.csv").read_bytes() == (whole.directory / "summary.csv").read_bytes()
    assert (resumed.directory / "summary.json").read_bytes() == (whole.directory / "summary.json").read_bytes()
    assert not kept.exists()


def test_only_what_belongs_together_is_taken_up(queue: Path, tmp_path: Path):
    swept = sweep(queue, options(tmp_path / "out"))
    queue.write_text(queue.read_text().replace("machines_per_rack: 2", "machines_per_rack: 3"), encoding="utf-8")
    with pytest.raises(EnvironmentRefusal, match="another content"):
        resume(swept.directory, SweepOptions())
    with pytest.raises(EnvironmentRefusal, match="no such results folder"):
        resume(tmp_path / "nowhere", SweepOptions())
    (tmp_path / "empty").mkdir()
    with pytest.raises(EnvironmentRefusal, match="not the folder of a sweep"):
        status_of(tmp_path / "empty")


@pytest.mark.slow
def test_dask_leaves_what_one_process_leaves(longer: Path, undisturbed: str, tmp_path: Path):
    """On a real cluster of two workers."""
    swept = sweep(longer, SweepOptions(axes=AXES, runs=2, engine=DaskEngine(None, 2), output=tmp_path))
    assert swept.digest == undisturbed
    assert not swept.failed


@pytest.mark.slow
def test_dask_at_an_address_that_is_given(longer: Path, undisturbed: str, tmp_path: Path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
        swept = sweep(
            longer, SweepOptions(axes=AXES, runs=2, engine=DaskEngine(cluster.scheduler_address, 2), output=tmp_path)
        )
    assert swept.digest == undisturbed


def test_a_dask_address_where_nobody_listens(queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("feitian_sim.experiments.engines._DASK_TIMEOUT_S", 1)
    with pytest.raises(EnvironmentRefusal, match="no Dask scheduler answers"):
        sweep(queue, SweepOptions(axes=AXES, engine=DaskEngine("tcp://127.0.0.1:1", 2), output=tmp_path))
