"""Phases are read from facts alone, and are not told when there is no story."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from synthetic_results import DETECTED_S, END_S, FAULT_S, RESTORED_S

from feitian_sim.kernel.metric import Column, Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.phases import fault_windows, phases


def tables(**kinds: dict[str, Column]) -> Tables:
    return Tables(lambda kind: kinds.get(kind.replace(".", "_"), {}), duration_s=100.0)


def started(kind: str, *times_s: float, target: str = "r0/m0/d0") -> dict[str, Column]:
    texts = {"fault": "f0", "kind": kind, "target": target}
    columns = {name: np.array([text] * len(times_s), dtype=object) for name, text in texts.items()}
    return {"time_s": np.array(times_s), **columns}


def test_the_phases_of_a_rack_loss_in_order(one_run: Path) -> None:
    told = phases(Evidence(one_run).runs[0], 3600.0)
    assert [phase.name for phase in told] == ["fault", "detected", "repairing", "restored"]
    times_s = {phase.name: phase.time_s for phase in told}
    assert times_s["fault"] == FAULT_S
    assert times_s["detected"] == DETECTED_S
    assert DETECTED_S < times_s["repairing"] < DETECTED_S + 10
    assert times_s["restored"] == RESTORED_S


def test_a_fault_window_ends_with_the_fault(one_run: Path) -> None:
    (window,) = fault_windows(Evidence(one_run).runs[0], 3600.0)
    assert (window.kind, window.target, window.start_s, window.end_s) == ("rack-power-loss", "r3", FAULT_S, END_S)


def test_a_lasting_fault_without_end_lasts_as_long_as_the_run() -> None:
    (window,) = fault_windows(tables(faults_started=started("machine-crash", 10.0)), 100.0)
    assert window.end_s == 100.0


def test_a_momentary_fault_has_no_window() -> None:
    (window,) = fault_windows(tables(faults_started=started("disk-bitrot", 10.0)), 100.0)
    assert window.end_s == 10.0


def test_a_repeated_fault_takes_the_next_end_of_its_own() -> None:
    ended = started("link-loss", 12.0, 33.0)
    windows = fault_windows(tables(faults_started=started("link-loss", 10.0, 30.0), faults_ended=ended), 100.0)
    assert [(window.start_s, window.end_s) for window in windows] == [(10.0, 12.0), (30.0, 33.0)]


def test_redundancy_that_never_came_back_is_not_called_restored() -> None:
    redundancy = {"time_s": np.array([0.0, 20.0, 40.0]), "missing": np.ones(3, int), "chunks": np.array([0, 5, 2])}
    run = tables(faults_started=started("disk-fail", 10.0), pangu_redundancy=redundancy)
    assert "restored" not in [phase.name for phase in phases(run, 100.0)]


def test_each_fault_begins_the_story_anew() -> None:
    redundancy = {
        "time_s": np.arange(0.0, 100.0, 10.0),
        "missing": np.ones(10, int),
        "chunks": np.array([0, 5, 5, 0, 0, 0, 7, 7, 0, 0]),
    }
    run = tables(faults_started=started("machine-crash", 8.0, 58.0), pangu_redundancy=redundancy)
    told = [(phase.name, phase.time_s) for phase in phases(run, 100.0)]
    assert told == [("fault", 8.0), ("restored", 30.0), ("fault", 58.0), ("restored", 80.0)]


def test_nothing_is_detected_after_all_is_restored() -> None:
    redundancy = {"time_s": np.array([0.0, 20.0, 40.0]), "missing": np.ones(3, int), "chunks": np.array([0, 5, 0])}
    lost = {"time_s": np.array([90.0])}
    run = tables(faults_started=started("disk-fail", 10.0), pangu_redundancy=redundancy, pangu_replicas_lost=lost)
    assert [phase.name for phase in phases(run, 100.0)] == ["fault", "restored"]


def test_many_faults_are_no_story() -> None:
    assert phases(tables(faults_started=started("disk-fail", *range(1, 9))), 100.0) == ()


def test_no_fault_no_phases() -> None:
    assert phases(tables(), 100.0) == ()
