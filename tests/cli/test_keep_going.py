"""`feitian run --keep-going`: a trace with bad rows is refused without it, and run with them left out and counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke

SCENARIO = """\
name: replay
duration: 1m
cluster: {racks: 3, machines_per_rack: 3, machine: {cores: 8, memory: 32GB, disks: 1, disk: ssd-1tb}}
fuxi: {}
load: [{kind: fuxi-trace, format: alibaba-hour, file: jobs.csv}]
expect: [fuxi.jobs_finished_count == 2]
"""
TRACE = "0,j_1,M1,5,100,1,2\n1,j_2,M1,five,100,1,2\n2,j_3,M1,5,100,1,2\n"


def test_the_rest_of_a_bad_trace_runs_when_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File and line first; then two jobs of three, and the row that was dropped."""
    scenario = tmp_path / "replay.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "jobs.csv").write_text(TRACE, encoding="utf-8")
    call = ["run", str(scenario), "-o", str(tmp_path / "out"), "-q", "--no-figures", "--json"]
    assert invoke(call) == ExitCode.REFUSED
    refused = capsys.readouterr().err
    assert "jobs.csv:2: duration_s is 'five'" in refused
    assert "--keep-going" in refused
    assert invoke([*call, "--keep-going"]) == ExitCode.DONE
    metrics = {row["name"]: row["value"] for row in json.loads(capsys.readouterr().out)["metrics"]}
    assert (metrics["fuxi.trace_dropped_count"], metrics["fuxi.jobs_finished_count"]) == (1, 2)
