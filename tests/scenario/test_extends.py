"""`extends`: mappings merge, the rest is replaced, positions stay with the file that says a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.scenario.extends import read_extended
from feitian_sim.scenario.problems import Position, ScenarioProblems


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "base.yaml").write_text(
        "name: base\ncluster:\n  racks: 20\n  network: {kind: tree, oversubscription: 4}\n"
        "faults: [{kind: a}, {kind: b}]\n"
    )
    return tmp_path


def test_mappings_merge_and_lists_are_replaced(folder: Path) -> None:
    (folder / "s.yaml").write_text("extends: shared/base.yaml\nname: mine\ncluster: {racks: 3}\nfaults: [{kind: c}]\n")
    source, problems = read_extended(Path("s.yaml"))
    assert source.data == {
        "name": "mine",
        "cluster": {"racks": 3, "network": {"kind": "tree", "oversubscription": 4}},
        "faults": [{"kind": "c"}],
    }
    assert not problems


def test_positions_point_to_the_file_in_which_a_value_stands(folder: Path) -> None:
    (folder / "s.yaml").write_text("extends: shared/base.yaml\nfaults: [{kind: c}]\n")
    source, _ = read_extended(Path("s.yaml"))
    assert source.value(("cluster", "racks")) == Position("shared/base.yaml", 3, 10)
    assert source.value(("faults", 0, "kind")) == Position("s.yaml", 2, 17)
    assert source.value(("faults", 1, "kind")) == Position("s.yaml", 2, 9)


def test_another_kind_replaces_the_whole_mapping(folder: Path) -> None:
    (folder / "s.yaml").write_text("extends: shared/base.yaml\ncluster: {network: {kind: fat-tree, k: 8}}\n")
    source, _ = read_extended(Path("s.yaml"))
    assert source.data["cluster"] == {"racks": 20, "network": {"kind": "fat-tree", "k": 8}}


def test_a_cycle_is_refused(folder: Path) -> None:
    (folder / "a.yaml").write_text("extends: b.yaml\n")
    (folder / "b.yaml").write_text("name: b\nextends: a.yaml\n")
    with pytest.raises(ScenarioProblems, match=r"b.yaml:2:10: a.yaml extends itself, through a.yaml -> b.yaml"):
        read_extended(Path("a.yaml"))


def test_problems_of_the_extended_file_name_both_files(folder: Path) -> None:
    (folder / "s.yaml").write_text("extends: shared/bass.yaml\n")
    with pytest.raises(ScenarioProblems) as caught:
        read_extended(Path("s.yaml"))
    assert "s.yaml:1:10: the file that this one extends has problems" in str(caught.value)
    assert "shared/bass.yaml: there is no such file; did you mean" in str(caught.value)


def test_extends_names_one_file(folder: Path) -> None:
    (folder / "s.yaml").write_text("extends: [a.yaml, b.yaml]\n")
    with pytest.raises(ScenarioProblems, match=r"s.yaml:1:10: extends names one other scenario file"):
        read_extended(Path("s.yaml"))
