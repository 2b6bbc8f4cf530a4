"""Validation: simulated beside published."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.experiments.validate import Validated, validate
from feitian_sim.kernel import ScenarioError

SECTION = """
validation:
  source: a test
  quick: {quick}
  quantities:
    - {{quantity: crashes, metric: hardware.machine_crashes_count, published: "{published}", tolerance: {tolerance},
       source: none is injected}}
"""


def _validated(queue: Path, published: str, tolerance: str, quick: str = "true") -> list[Validated]:
    with queue.open("a", encoding="utf-8") as file:
        file.write(SECTION.format(published=published, tolerance=tolerance, quick=quick))
    return validate(queue, quick=True, data=(), listener=None)


def test_a_value_within_its_tolerance_holds(queue: Path) -> None:
    (row,) = _validated(queue, "0", "{absolute: 0.5}")
    assert (row.name, row.published, row.simulated, row.tolerance, row.ok) == ("queue", 0.0, 0.0, 0.5, True)
    assert set(row.document()) == {
        "name", "quantity", "published", "simulated", "unit", "tolerance", "calibrated", "source", "ok",
    }  # fmt: skip


def test_a_value_outside_fails(queue: Path) -> None:
    (row,) = _validated(queue, "1", "50%")
    assert (row.tolerance, row.ok) == (0.5, False)


@pytest.mark.parametrize(("published", "ok"), [("1", True), ("0", True), ("-1", False)])
def test_a_lower_bound_may_be_anything_up_to_what_was_measured(published: str, ok: bool, queue: Path) -> None:
    (row,) = _validated(queue, published, "{bound: lower}")
    assert (row.tolerance, row.ok) == (None, ok)
    assert row.document()["bound"] == "lower"


@pytest.mark.parametrize(("published", "ok"), [("1", False), ("0", True)])
def test_a_known_gap_is_shown_and_must_be_one(published: str, ok: bool, queue: Path) -> None:
    with queue.open("a", encoding="utf-8") as file:
        section = SECTION.format(published=published, tolerance="{absolute: 0.5}", quick="true")
        file.write(section.replace("source: none", "known_gap: not modelled, source: none"))
    (row,) = validate(queue, quick=True, data=(), listener=None)
    assert (row.ok, row.as_expected) == (ok, not ok)
    assert row.document()["known_gap"] == "not modelled"


def test_an_interval_needs_runs(queue: Path) -> None:
    (row,) = _validated(queue, "0", "{confidence: 95%}")
    assert (row.tolerance, row.ok) == (None, False)


def test_a_published_number_that_cannot_be_read_is_refused(queue: Path) -> None:
    with pytest.raises(ScenarioError, match="crashes is a plain number"):
        _validated(queue, "3m", "10%")


def test_what_is_not_quick_is_left_out_of_quick(queue: Path) -> None:
    assert _validated(queue, "0", "10%", quick="false") == []


def test_a_scenario_without_the_section_is_refused(queue: Path) -> None:
    with pytest.raises(ScenarioError, match="validation"):
        validate(queue, quick=False, data=(), listener=None)


def test_a_column_is_held_against_a_file(queue: Path) -> None:
    flows = queue.with_name("flows.csv")
    # One flow of 1.25 GB over a card of 10 Gbit/s takes 1 s.
    flows.write_text("id,start_s,src,dst,bytes\n0,0.5,0,1,1250000000\n")
    queue.with_name("finish.csv").write_text("id,finish_s\n0,1.5\n")
    queue.write_text(
        "name: one-flow\nduration: 10s\ncluster: {racks: 1, machines_per_rack: 2, machine: {nic: 10Gbit/s}}\n"
        "load: [{kind: flows, file: flows.csv}]\n"
        "validation:\n  quantities:\n"
        "    - {quantity: finish, table: {fact: hardware.flow, column: finish_s, file: finish.csv},\n"
        "       tolerance: {absolute: 1us}, source: by hand}\n"
    )
    (row,) = validate(queue, quick=False, data=(), listener=None)
    assert row.ok
    assert (row.unit, row.tolerance) == ("s", 1e-6)


def test_an_unknown_validation_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", "gfs-recovry"]) == ExitCode.REFUSED
    assert "there is no" in capsys.readouterr().err


def test_a_quantity_may_be_of_another_variant_of_the_scenario(queue: Path) -> None:
    with queue.open("a", encoding="utf-8") as file:
        file.write(VARIANTS)
    slow, fast = validate(queue, quick=True, data=(), listener=None)
    assert slow.simulated is not None
    assert slow.simulated > 5e-3
    assert fast.simulated == pytest.approx(1e-3, rel=0.5)


VARIANTS = """
validation:
  source: a test
  quantities:
    - {quantity: response, metric: workloads.request_response_s.mean, published: 10ms, tolerance: 50%, source: none}
    - quantity: response of a machine ten times as fast
      metric: workloads.request_response_s.mean
      given: {"load[0].service": {kind: exponential, mean: 1ms}}
      published: 1ms
      tolerance: 50%
      source: none
"""


def test_a_quantity_may_be_a_difference_between_two_variants(queue: Path) -> None:
    with queue.open("a", encoding="utf-8") as file:
        file.write(DIFFERENCES)
    slow, fast, more, share = validate(queue, quick=True, data=(), listener=None)
    assert slow.simulated is not None
    assert fast.simulated is not None
    assert more.simulated == pytest.approx(slow.simulated - fast.simulated)
    assert share.simulated == pytest.approx(slow.simulated / fast.simulated - 1)
    assert (more.unit, more.tolerance) == ("s", 5e-3)
    assert (share.unit, share.published, share.tolerance) == ("ratio", 9.0, pytest.approx(4.5))


FAST = """{"load[0].service": {kind: exponential, mean: 1ms}}"""
MEAN = "metric: workloads.request_response_s.mean, source: none"
DIFFERENCES = f"""
validation:
  source: a test
  quantities:
    - {{quantity: slow, {MEAN}, published: 10ms, tolerance: 50%}}
    - {{quantity: fast, {MEAN}, given: {FAST}, published: 1ms, tolerance: 50%}}
    - {{quantity: more, {MEAN}, more_than: {FAST}, published: 9ms, tolerance: {{absolute: 5ms}}}}
    - {{quantity: share, {MEAN}, more_than: {FAST}, published: 900%, tolerance: 50%}}
"""
