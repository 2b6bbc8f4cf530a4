"""`feitian run` as its users meet it: answer, messages, exit codes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke

FEITIAN = [sys.executable, "-m", "feitian_sim"]


def _run(queue: Path, *arguments: str) -> ExitCode:
    return invoke(["run", str(queue), "-o", str(queue.parent / "out"), "--no-figures", *arguments])


def test_the_json_answer_is_one_document(queue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(queue, "--json", "--seed", "3") == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert {"schema_version", "scenario", "seed", "digest", "metrics", "expectations", "directory"} <= set(document)
    assert (document["scenario"], document["seed"]) == ("queue", 3)
    assert {"name", "value", "unit", "interval"} <= set(document["metrics"][0])
    assert document["expectations"][0]["ok"] is True
    assert Path(document["directory"], "manifest.json").is_file()


def test_the_answer_fits_on_a_screen_and_ends_with_what_to_type_next(
    queue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(queue, "--runs", "2") == ExitCode.DONE
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert len(lines) <= 25
    assert any(line.startswith("Results") for line in lines[-5:])
    assert lines[-1].startswith("Next     feitian verify")


def test_a_failed_expectation_is_exit_code_1(queue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(queue, "--set", "expect=[hardware.machine_crashes_count > 0]") == ExitCode.FAILED
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "duration=20"], "--set"),
        (["--set", "cluster.rack=3"], "racks"),
        (["--runs", "0"], "--runs"),
        (["--seed", "x"], "--seed"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    queue: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(queue, *arguments) == ExitCode.REFUSED
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.out == ""


def test_a_missing_file_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", str(tmp_path / "absent.yaml")]) == ExitCode.REFUSED
    assert "absent.yaml" in capsys.readouterr().err


def test_a_results_folder_that_cannot_be_written_is_exit_code_2(queue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", str(queue), "-o", "/proc/results", "--no-figures"]) == ExitCode.REFUSED
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.slow
def test_a_full_disk_while_writing_is_exit_code_2_and_leaves_nothing(queue: Path) -> None:
    def no_room() -> None:
        # Files beyond this are refused as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    done = subprocess.run(
        [*FEITIAN, "run", str(queue), "-o", str(queue.parent / "out"), "--quiet"],
        capture_output=True,
        text=True,
        preexec_fn=no_room,
        check=False,
    )
    assert done.returncode == ExitCode.REFUSED, done.stderr
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((queue.parent / "out").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_the_middle_keeps_finished_runs_as_interrupted(queue: Path, number: int, code: int) -> None:
    out = queue.parent / "out"
    process = subprocess.Popen(
        [*FEITIAN, "run", str(queue), "--runs", "90000", "-o", str(out), "--quiet"],
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(2400):
        if list(out.glob(".queue-*.partial/runs/base/*/DONE")):
            break
        time.sleep(0.05)
    os.kill(process.pid, number)
    _, words = process.communicate(timeout=60)
    assert process.returncode == code
    assert "runs were finished and are kept in" in words
    assert "Traceback" not in words
    names = [path.name for path in out.iterdir()]
    assert len(names) == 1
    assert names[0].endswith(".interrupted")


@pytest.mark.slow
def test_a_second_run_into_the_same_folder_is_told_so(queue: Path) -> None:
    out = queue.parent / "out"
    first = subprocess.Popen(
        [*FEITIAN, "run", str(queue), "--runs", "90000", "-o", str(out), "--quiet"], stderr=subprocess.DEVNULL
    )
    for _ in range(2400):
        if list(out.glob(".queue-*.partial")):
            break
        time.sleep(0.05)
    second = subprocess.run([*FEITIAN, "run", str(queue), "-o", str(out)], capture_output=True, text=True, check=False)
    first.terminate()
    first.wait(60)
    assert second.returncode == ExitCode.REFUSED
    assert "another run" in second.stderr


def test_nothing_is_shown_of_progress_when_quiet(queue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(queue, "--quiet")
    assert capsys.readouterr().err == ""


def test_verify_and_show_and_lint(queue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(queue) == ExitCode.DONE
    assert invoke(["verify", str(queue.parent / "out"), "--quiet"]) == ExitCode.DONE
    assert "verified" in capsys.readouterr().out
    assert invoke(["show", str(queue)]) == ExitCode.DONE
    shown = queue.parent / "shown.yaml"
    shown.write_text(capsys.readouterr().out, encoding="utf-8")
    assert invoke(["lint", str(queue), str(shown)]) == ExitCode.DONE
    shown.write_text("name: queue\nduration: 5\n", encoding="utf-8")
    capsys.readouterr()
    assert invoke(["lint", str(shown)]) == ExitCode.REFUSED
    assert "shown.yaml:2:" in capsys.readouterr().out
