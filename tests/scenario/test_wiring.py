"""A built platform: same seed, same digest; observers change nothing; the user's mistakes stay the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario import Loaded, build, load_text
from feitian_sim.scenario.roles import roles

QUEUE = """\
name: queue
duration: 100s
sample_every: 10s
cluster: {racks: 2, machines_per_rack: 2, machine: {cores: 1, disks: 2}}
load:
  - {kind: requests, arrival: {kind: poisson, rate: 8/s}, service: {kind: exponential, mean: 100ms}}
faults:
  - {kind: machine-crash, at: 50s, duration: 10s, target: {machine: r1/m0}}
expect: [workloads.request_wait_s.mean < 1h, pangu.recovery_s.p95 < 1h]
"""


def queue(**options: object) -> Loaded:
    return load_text(QUEUE, **options)


def test_the_same_seed_and_run_give_the_same_digest() -> None:
    digests = [build(queue(seed=seed), run).run().digest for seed, run in ((1, 0), (1, 0), (2, 0), (1, 1))]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_how_often_is_sampled_does_not_reach_the_digest() -> None:
    often = build(queue(overrides=["sample_every=1s"])).run()
    seldom = build(queue()).run()
    assert often.digest == seldom.digest
    assert len(often.facts.columns("hardware.traffic")["time_s"]) > len(
        seldom.facts.columns("hardware.traffic")["time_s"]
    )


def test_samples_are_taken_at_the_start_at_every_interval_and_at_the_end() -> None:
    ran = build(queue(overrides=["sample_every=30s"])).run()
    times = sorted(set(ran.facts.columns("hardware.traffic")["time_s"].tolist()))
    assert times == [0.0, 30.0, 60.0, 90.0, 100.0]
    assert sorted(set(ran.facts.columns("hardware.disk_use")["time_s"].tolist())) == [0.0, 100.0]


def test_the_event_digest_is_there_when_asked_for() -> None:
    assert build(queue()).run().event_digest == ""
    first, again = (build(queue(), event_hash=True).run() for _ in range(2))
    assert first.event_digest == again.event_digest != ""


def test_expectations_are_checked_against_the_metrics() -> None:
    loaded = queue()
    metrics = build(loaded).run().metrics
    assert [expectation.check(metrics).held for expectation in loaded.expectations] == [True, False]


def test_a_missing_trace_is_a_warning_when_loaded_and_an_error_when_built(tmp_path: Path) -> None:
    text = QUEUE.replace("load:\n", "load:\n  - {kind: flows, file: nowhere.csv}\n")
    loaded = load_text(text, name="s.yaml")
    (warning,) = loaded.warnings
    assert str(warning).startswith("s.yaml:6:25: data file nowhere.csv was not found")
    with pytest.raises(ScenarioError, match=r"nowhere\.csv was not found"):
        build(loaded)


OWN = """\
from feitian_sim.pangu.placement import PlacementPolicy


class Mine(PlacementPolicy):
    width: int = 2

    def place_many(self, view, count, replicas, stream, sizes):
        return self.width // 0
"""


def own(folder: Path, placement: str) -> Loaded:
    (folder / "mine.py").write_text(OWN)
    pangu = f"pangu: {{placement: {placement}, replicas: 2, dataset: {{bytes: 1GB, file_size: 64MiB}}}}\n"
    return load_text(QUEUE + pangu, folder, "s.yaml")


def test_a_policy_that_raises_in_the_run_is_named_with_file_and_line(tmp_path: Path) -> None:
    loaded = own(tmp_path, "mine.py:Mine")
    with pytest.raises(ScenarioError) as caught:
        build(loaded)
    assert str(caught.value).startswith(f"{tmp_path / 'mine.py'}:8:1: ZeroDivisionError")


def test_options_of_an_own_policy_are_its_fields(tmp_path: Path) -> None:
    (part,) = own(tmp_path, "{kind: 'mine.py:Mine', width: 5}").policies
    assert part.create().width == 5
    assert (part.reference, part.file) == ("mine.py:Mine", tmp_path / "mine.py")
    with pytest.raises(ScenarioError, match=r"mine.py:Mine has no field 'widht'; did you mean 'width'"):
        own(tmp_path, "{kind: 'mine.py:Mine', widht: 5}")


def test_a_class_that_is_no_policy_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("class Other:\n    pass\n")
    with pytest.raises(
        ScenarioError, match=r"it has no prepare, place, place_many, satisfied; extend feitian_sim\.pangu"
    ):
        own(tmp_path, "other.py:Other")


def test_roles_are_those_of_the_running_cell() -> None:
    pangu = "pangu: {replicas: 2, dataset: {bytes: 1GB, file_size: 64MiB}}\n"
    loaded = load_text(QUEUE + pangu)
    running: dict[str, list[str]] = {}
    for daemon in build(loaded).daemons:
        running.setdefault(daemon.role, []).append(daemon.machine.name)
    assert {role: list(machines) for role, machines in roles(loaded.scenario).items()} == running
