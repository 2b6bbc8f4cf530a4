"""Planted nondeterminism is found, in which of the double runs it can be, and located at the planted handler."""

from __future__ import annotations

import plants
import pytest

from feitian_sim.experiments.double_run import SAME_PROCESS, DoubleRun, DoubleRunError, double_run
from feitian_sim.kernel import SECOND
from feitian_sim.scenario import Loaded
from feitian_sim.scenario.load import load_text

SMALL = """\
name: small
question: Does it do the same again?
seed: 3
duration: 1s
sample_every: 1s
cluster:
  racks: 5
  machines_per_rack: 2
  machine: {cores: 8, disks: 2, disk: hdd-2tb, nic: 10Gbit/s}
  clients: {machines: 2}
nuwa: {servers: 3}
load:
  - {kind: nuwa, name: writers, ratios: {put: 1}, arrival: {kind: poisson, rate: 100/s}, sessions: 4}
"""

#: Plants that a second run in the same process shows, and those that only another process does.
WITHIN = (
    "sort_by_id", "set_of_objects", "weak_set", "address", "wall_clock", "global_random", "numpy_random",
    "operating_system_random", "left_state", "cached", "sort_by_default_repr", "object_hash",
)  # fmt: skip
BETWEEN = ("set_of_str", "frozenset_of_tuples", "hash_of_str", "process_id", "environment", "frozenset_of_enums")


@pytest.fixture(scope="module")
def small() -> Loaded:
    return load_text(SMALL)


def _planted(small: Loaded, plant: str) -> DoubleRun:
    return double_run(small, prepare=f"plants:{plant}")


def _is_located(found: DoubleRun, handler: str) -> None:
    assert found.divergence is not None
    events = [event for event in (found.divergence.first, found.divergence.second) if event is not None]
    named = [event for event in events if f".{handler}" in event.name.handler]
    assert named, found.words()
    event = named[0]
    assert event.number == found.divergence.number > 0
    assert 0 < event.time_ns < SECOND
    assert event.name.source.startswith("plants.py:"), event.name
    assert found.divergence.common is not None
    assert found.divergence.common.number == event.number - 1


@pytest.mark.slow
def test_what_is_deterministic_is_the_same_in_all_three_runs(small: Loaded) -> None:
    found = _planted(small, "none")
    assert found.equal, found.words()
    assert len(set(found.digests)) == len(set(found.event_digests)) == 1
    assert len(found.digests) == 3
    assert found.words() == [f"the same in 3 runs: {found.digests[0]}"]


@pytest.mark.parametrize("plant", WITHIN)
def test_what_differs_within_one_process_is_found_there(small: Loaded, plant: str) -> None:
    found = _planted(small, plant)
    assert found.where == SAME_PROCESS
    _is_located(found, "Ticker.visit")


@pytest.mark.slow
@pytest.mark.parametrize("plant", BETWEEN)
def test_what_differs_between_processes_is_found_there(small: Loaded, plant: str) -> None:
    found = _planted(small, plant)
    assert "in another process with PYTHONHASHSEED=" in found.where
    assert found.event_digests[0] == found.event_digests[1] != found.event_digests[2]
    _is_located(found, "Ticker.visit")


def test_a_simpy_process_is_named_by_its_generator_and_where_it_waits(small: Loaded) -> None:
    found = _planted(small, "wall_clock_in_a_process")
    _is_located(found, "wall_clock_in_a_process.<locals>.waiting on Timeout")


def test_an_owner_is_named(small: Loaded) -> None:
    found = _planted(small, "wall_clock_of_an_owner")
    _is_located(found, "wall_clock_of_an_owner.<locals>.again")
    assert found.divergence is not None
    assert "planted#1" in {event.name.owner for event in (found.divergence.first, found.divergence.second) if event}


def test_the_words_name_number_instant_handler_and_source(small: Loaded) -> None:
    found = _planted(small, "wall_clock")
    text = "\n".join(found.words())
    assert found.divergence is not None
    assert text.startswith(f"not deterministic: {SAME_PROCESS}")
    assert f"event {found.divergence.number:,} at 0.0" in text
    assert "plants.Ticker.visit(one)" in text
    assert "[plants.py:" in text


def test_another_seed_may_be_given(small: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plants, "_LEFT", [])
    digests = {double_run(small, seed=seed, prepare="plants:left_state").digests[0] for seed in (3, 4)}
    assert len(digests) == 2


@pytest.mark.slow
def test_a_process_that_fails_says_why(small: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plants, "only_here", lambda platform: None, raising=False)
    with pytest.raises(DoubleRunError, match="only_here"):
        _planted(small, "only_here")
