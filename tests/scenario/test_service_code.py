"""A service in a scenario with code of the user's own: roles and hot spots as file.py:Class."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.scenario import ScenarioProblems, build, load

_CODE = """
class Dear:
    def compute_ns(self, request):
        return 30_000_000

class Never:
    def relieve(self, partitions, workers, limits):
        return []
"""
_SCENARIO = """
name: own
question: Does the user's own code run?
duration: 14s
sample_every: 14s
cluster: {racks: 3, machines_per_rack: 2, machine: {cores: 8, memory: 32GiB, disks: 1}, clients: {machines: 1}}
nuwa: {servers: 3}
fuxi: {}
load:
  - kind: fuxi-service
    clients: 2
    think: 100ms
    warm: 8s
    service:
      name: kv
      roles: {server: {instances: 2, program: "own.py:PROGRAM"}}
      partitions: {keys: 100, count: 2, hot: {kind: "own.py:Never", split_above: 1/s}}
"""


def test_a_role_and_a_policy_of_the_users_own(tmp_path: Path) -> None:
    """What a request costs is what the program says; nothing is split though all is hot."""
    (tmp_path / "own.py").write_text(_CODE)
    (tmp_path / "own.yaml").write_text(_SCENARIO.replace("PROGRAM", "Dear"))
    ran = build(load(tmp_path / "own.yaml")).run()
    assert 0.03 < ran.metrics["fuxi.request_latency_s.p50"] < 0.05
    assert ran.metrics["fuxi.partitions_split_count"] == 0
    assert ran.metrics["fuxi.requests_failed_count"] == 0


def test_a_class_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the classes that are."""
    (tmp_path / "own.py").write_text(_CODE)
    (tmp_path / "own.yaml").write_text(_SCENARIO.replace("PROGRAM", "Deer"))
    with pytest.raises(ScenarioProblems, match=r"did you mean own\.py:Dear"):
        build(load(tmp_path / "own.yaml"))
