"""A built platform: same seed, same digest; observers change nothing; the user's mistakes stay the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario import Loaded, build, load_text

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
