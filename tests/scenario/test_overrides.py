"""`--set`: any key, values as YAML, what is not there is created, and clear refusals."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.scenario.overrides import apply, key_path
from feitian_sim.scenario.source import parse

TEXT = "cluster: {racks: 3}\npangu: ~\nload: [{kind: write}, {kind: read}]\nplacement: hdfs\n"


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("cluster.racks=20", ("cluster", "racks"), 20),
        ("load[1].file=x.csv", ("load", 1, "file"), "x.csv"),
        ("load[2].kind=append", ("load", 2, "kind"), "append"),
        ("pangu.repair.rate=50MiB/s", ("pangu", "repair", "rate"), "50MiB/s"),
        ("faults[0]={kind: disk-fail, at: 1m}", ("faults", 0), {"kind": "disk-fail", "at": "1m"}),
        ("sweep['pangu.placement']=[a, b]", ("sweep", "pangu.placement"), ["a", "b"]),
        ("pangu.placement=no", ("pangu", "placement"), "no"),
        ("pangu=", ("pangu",), None),
    ],
)
def test_any_key_can_be_set(override: str, key: tuple[Any, ...], value: Any) -> None:
    source, _ = parse(TEXT, "s.yaml")
    assert apply(source, [override]) == []
    found: Any = source.data
    for part in key:
        found = found[part]
    assert found == value
    assert str(source.value(key)) == f"--set {override.partition('=')[0]}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("cluster.racks", "--set cluster.racks: write key=value"),
        ("=3", "--set =3: write key=value"),
        ("a..b=3", "--set a..b: not a key"),
        ("[0]=3", "--set [0]: not a key"),
        ("load[7].kind=x", "--set load[7].kind: load has 2 items, so there is no load[7]"),
        ("load.kind=x", "--set load.kind: load is a list, not a mapping with a key 'kind'"),
        ("placement.width=4", "--set placement.width: placement is 'hdfs', not a mapping with a key 'width'"),
        ("cluster[0]=4", "--set cluster[0]: cluster is a mapping, not a list with an item 0"),
        ("a=[1", "--set a: not YAML"),
        ("a={b: 1, b: 2}", "--set a: 'b' is given twice"),
    ],
)
def test_what_cannot_be_set_is_refused(override: str, message: str) -> None:
    source, _ = parse(TEXT, "s.yaml")
    problems = apply(source, [override, "cluster.racks=9"])
    assert [message in str(problem) for problem in problems] == [True]
    assert source.data["cluster"]["racks"] == 9


def test_the_rest_of_the_file_keeps_its_positions() -> None:
    source, _ = parse(TEXT, "s.yaml")
    apply(source, ["load[1].kind=append"])
    assert str(source.value(("load", 0, "kind"))) == "s.yaml:3:15"


def test_key_paths() -> None:
    assert key_path("faults[0].target.rack") == ("faults", 0, "target", "rack")
    assert key_path('sweep["a.b"]') == ("sweep", "a.b")
    assert key_path("a b") is None
