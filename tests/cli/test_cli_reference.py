"""`list`, `explain`, `schema`, `estimate` and `doctor` answer from the models themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke


def _document(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert invoke([*arguments, "--json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    return dict(document)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("faults", "rack-power-loss"),
        ("policies", "copyset"),
        ("workloads", "flows"),
        ("metrics", "pangu.chunks_lost"),
    ],
)
def test_a_list_has_what_is_there(kind: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = _document(["list", kind], capsys)[kind]
    assert isinstance(rows, list)
    assert name in [row["name"] for row in rows]
    assert all(row["meaning"] for row in rows)
    assert invoke(["list", kind]) == ExitCode.DONE
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("key", ["pangu.placement", "pangu.chunks_lost", "pangu.recovery_s.p95", "disk-fail", "duration"])
def test_a_key_a_metric_and_an_id_are_explained(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _document(["explain", key], capsys)["description"]


def test_an_unknown_key_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["explain", "pangu.placment"]) == ExitCode.REFUSED
    assert "placement" in capsys.readouterr().err


def test_the_schema_is_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["schema"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("http://json-schema.org/")


def test_an_estimate_counts_and_states_its_error(queue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _document(["estimate", str(queue)], capsys)
    assert (found["machines"], found["operations"]) == (4, 160)
    assert isinstance(found["error_factor"], float)
    assert found["error_factor"] > 1
    assert invoke(["estimate", str(queue)]) == ExitCode.DONE
    assert "run time" in capsys.readouterr().out


def test_the_doctor_looks_at_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _document(["doctor", "-o", str(tmp_path / "results")], capsys)
    checks = found["checks"]
    assert isinstance(checks, list)
    names = [check["name"] for check in checks]
    assert {"Python", "numpy", "results folder", "free disk", "numba cache", "published traces", "fonts"} <= set(names)


def test_the_doctor_refuses_an_unwritable_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["doctor", "-o", "/proc/results"]) == ExitCode.REFUSED
