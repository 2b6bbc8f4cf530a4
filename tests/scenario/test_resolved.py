"""The resolved scenario loads to itself, and its hash names the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.scenario import ScenarioProblems, load, load_text

GOOD = Path(__file__).with_name("good.yaml").read_text(encoding="utf-8")
FULL = Path(__file__).with_name("full.yaml").read_text(encoding="utf-8")


def test_the_dump_loads_to_the_same_model_and_hash() -> None:
    first = load_text(FULL)
    again = load_text(first.resolved_yaml())
    assert again.scenario == first.scenario
    assert again.config_hash == first.config_hash
    assert again.resolved_yaml() == first.resolved_yaml()
    assert "replace_after: null" in first.resolved_yaml()


def test_the_hash_leaves_out_seed_and_runs_only() -> None:
    plain = load_text(FULL)
    assert load_text(FULL, seed=7, runs=5).config_hash == plain.config_hash
    assert load_text(FULL, overrides=["duration=2h"]).config_hash != plain.config_hash
    assert len(plain.config_hash) == 8


def test_the_hash_does_not_depend_on_how_a_value_is_written() -> None:
    assert load_text(FULL.replace("1TB", "1000GB").replace("1h", "60m")).config_hash == load_text(FULL).config_hash


def test_the_hash_takes_in_the_text_of_own_classes(tmp_path: Path) -> None:
    policy = tmp_path / "mine.py"
    (tmp_path / "s.yaml").write_text(GOOD.replace("placement: pangu", "placement: mine.py:Mine"))
    hashes = []
    for note in ("# one", "# two"):
        policy.write_text(
            "from feitian_sim.pangu.placement import PlacementPolicy\n"
            f"class Mine(PlacementPolicy):\n    {note}\n    width: int = 3\n"
        )
        hashes.append(load(tmp_path / "s.yaml").config_hash)
    assert hashes[0] != hashes[1]


def test_seed_and_runs_from_the_command_are_checked() -> None:
    assert load_text(GOOD, seed=7).scenario.seed == 7
    with pytest.raises(ScenarioProblems, match=r"--set runs: must be at least 1; found 0"):
        load_text(GOOD, runs=0)


def test_a_fault_after_the_end_is_a_warning() -> None:
    (warning,) = load_text(GOOD.replace("at: 10m", "at: 10h"), name="s.yaml").warnings
    assert str(warning) == "s.yaml:20:33: at 10h the simulation is over: it lasts 1h"


@pytest.mark.parametrize(
    ("lines", "says"), [("ramp: 2h", "ends at 1h, when 50%"), ("ramp: 40m\n    stop: 30m", "ends at 30m, when 75%")]
)
def test_clients_whose_turn_never_comes_are_warned_of(lines: str, says: str) -> None:
    (warning,) = load_text(GOOD.replace("clients: 4", f"clients: 4\n    {lines}"), name="s.yaml").warnings
    assert (warning.key, says in warning.message) == ("load[1].ramp", True)
    assert not load_text(GOOD.replace("clients: 4", "clients: 4\n    ramp: 1h"), name="s.yaml").warnings


def test_set_reaches_sections_that_the_file_leaves_out() -> None:
    loaded = load_text(GOOD, overrides=["pangu.repair.rate=10MB/s", "cluster.network.oversubscription=2", "twin=true"])
    assert loaded.scenario.twin
    network = GOOD.replace("  network: {kind: tree, oversubscription: 4}\n", "")
    assert load_text(network, overrides=["cluster.network.oversubscription=2"]).scenario.cluster.network.kind == "tree"


def test_problems_of_set_name_the_key() -> None:
    with pytest.raises(ScenarioProblems) as caught:
        load_text(GOOD, overrides=["cluster.rack=3", "pangu.replicas=x"])
    assert str(caught.value).splitlines()[0].startswith("--set cluster.rack: unknown key 'rack' in cluster; did you mean")
    assert "--set pangu.replicas: must be a whole number; found 'x'" in str(caught.value)
