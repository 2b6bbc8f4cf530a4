"""Reading YAML: values as YAML 1.2 means them, positions of keys and values, and what is refused before it hurts."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.scenario.problems import Position, ScenarioProblems
from feitian_sim.scenario.source import parse, read


def write(folder: Path, text: str | bytes, name: str = "s.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ScenarioProblems) as caught:
        read(path, path.name)
    return str(caught.value)


def test_values_are_those_of_yaml_1_2() -> None:
    source, problems = parse("[no, 010, 1:30, 1e3, 0x1F, 0o17, ~, true, 1_000, .inf, 2024-01-01, '5']", "t")
    expected = ["no", 10, "1:30", 1000.0, 31, 15, None, True, 1000, float("inf"), "2024-01-01", "5"]
    assert (source.data, problems) == (expected, [])


def test_every_key_and_value_has_its_position() -> None:
    source, _ = parse("a: 1\nfaults:\n  - {kind: x, target: {rack: r3}}\n  - kind: y\n", "t")
    assert source.key(("faults", 0, "target", "rack")) == Position("t", 3, 24)
    assert source.value(("faults", 0, "target", "rack")) == Position("t", 3, 30)
    assert source.key(("faults", 1)) == Position("t", 4, 5)
    assert source.value(("faults", 1, "missing")) == Position("t", 4, 5)


def test_columns_count_characters() -> None:
    source, _ = parse("飞天: {b: 1}\n", "t")
    assert source.value(("飞天", "b")) == Position("t", 1, 9)


def test_a_key_given_twice_is_reported_with_both_positions() -> None:
    source, problems = parse("a: 1\nb: {c: 1, d: 2,\n  c: 3}\na: 2\n", "t")
    assert [str(problem) for problem in problems] == [
        "t:3:3: 'c' is given twice: it stands already in line 2, column 5",
        "t:4:1: 'a' is given twice: it stands already in line 1, column 1",
    ]
    assert source.data["a"] == 1


def test_anchors_and_merge_keys_are_expanded() -> None:
    source, problems = parse("x-m: &m {disks: 12, cores: 8}\na: {<<: *m, cores: 4}\nb: *m\n", "t")
    assert source.data["a"] == {"disks": 12, "cores": 4}
    assert source.data["b"] == {"disks": 12, "cores": 8}
    assert not problems


def test_keys_beginning_with_x_are_places_for_anchors(tmp_path: Path) -> None:
    source, _ = read(write(tmp_path, "x-m: &m {disks: 12}\na: *m\n"))
    assert source.data == {"a": {"disks": 12}}


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["x-a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for old, new in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"x-{new}: &{new} [{', '.join([f'*{old}'] * 10)}]")
    assert "more than 100000 values, aliases (*name) expanded" in refusal(write(tmp_path, "\n".join(lines)))


def test_a_merge_key_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["x-a: &a {k: 1}"]
    for old, new in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"x-{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 10)}], {new}: 1}}")
    assert "aliases" in refusal(write(tmp_path, "\n".join(lines)))


def test_an_alias_of_itself_is_refused(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, "a: &a [1, *a]\n")) == "s.yaml:1:4: an alias (*name) contains itself"
    assert "contains itself" in refusal(write(tmp_path, "a: &a\n  <<: *a\n"))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "nested deeper than 60 levels" in refusal(write(tmp_path, "a: " + "[" * 5000))
    levels = ["x-0: &l0 1"] + [f"x-{n}: &l{n} [[[[[[[[[*l{n - 1}]]]]]]]]]" for n in range(1, 40)]
    assert "nest deeper than 120 levels" in refusal(write(tmp_path, "\n".join(levels)))


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 10**6)
    assert refusal(path) == "big.yaml: the file has 95.4 MiB; a scenario has at most 1 MiB (large inputs are traces)"


def test_not_utf_8_is_refused_at_its_place(tmp_path: Path) -> None:
    message = "s.yaml:2:6: the file is not UTF-8 (byte 0xe9): save it as UTF-8"
    assert refusal(write(tmp_path, "é: 1\nb: 'é".encode() + b"\xe9'\n")) == message
    assert "not UTF-8" in refusal(write(tmp_path, "a: 1\n".encode("utf-16")))


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    source, _ = read(write(tmp_path, b"\xef\xbb\xbfa: 1\n"))
    assert source.data == {"a": 1}
    assert source.key(("a",)).column == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "s.yaml:1:1: the file is empty"),
        ("# nothing\n", "s.yaml:1:1: the file is empty"),
        ("- a\n- b\n", "s.yaml:1:1: a scenario is a mapping of keys to values; found a list"),
        ("just text\n", "s.yaml:1:1: a scenario is a mapping of keys to values; found 'just text'"),
        ("a: 1\n---\nb: 2\n", "s.yaml:2:1: a second document begins here"),
        ("a: [1, 2\nb: 3\n", "s.yaml:2:2: not YAML: while parsing a flow sequence"),
        ("a: *none\n", "s.yaml:1:4: found undefined alias 'none'"),
        ("a:\n\tb: 1\n", "s.yaml:2:1: not YAML: while scanning for the next token"),
        ("a: b: c\n", "a colon inside text needs quotes"),
        ("a: @b\n", "put the text in quotes"),
        ("a: 1\nb: \x07\n", "s.yaml:2:4: character U+0007 is not allowed in YAML"),
    ],
)
def test_what_is_not_a_scenario_is_refused_at_its_place(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(write(tmp_path, text))


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "a: 1", "quickstart.yaml")
    assert "did you mean" in refusal(tmp_path / "quikstart.yaml")
    assert "there is no such file" in refusal(tmp_path / "none" / "quikstart.yaml")
    assert "folder" in refusal(tmp_path)


def test_tags_and_odd_keys_are_reported_and_the_reading_goes_on() -> None:
    _, problems = parse("a: !!python/object 1\nb: !x {c: 1}\n? [1]\n: 2\nd: !!int x\n", "t")
    assert [(at.position.line, at.position.column) for at in problems] == [(1, 4), (2, 4), (3, 3), (5, 4)]
