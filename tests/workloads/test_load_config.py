"""Load models: open or closed, never both, and what is wrong with a load in its scenario."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.workloads.check import check_load, load_names
from feitian_sim.workloads.config import LoadConfig

LOAD: TypeAdapter[Any] = TypeAdapter(LoadConfig)
CLUSTER = ClusterConfig(racks=2, machines_per_rack=2)
OPEN = {"arrival": {"kind": "poisson", "rate": "2/s"}}


def load(**fields: Any) -> Any:
    return LOAD.validate_python(fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "neither is given"),
        ({**OPEN, "clients": 3}, "both are given"),
        ({**OPEN, "think": "1s"}, "think goes with clients"),
        ({**OPEN, "ramp": "1s"}, "ramp goes with clients"),
        ({"clients": 0}, "greater than or equal to 1"),
        ({"clients": 1, "start": "5s", "stop": "5s"}, "stop must come after start"),
        ({"arrival": {"kind": "poisson", "rate": 2}}, "needs a unit"),
        ({"arrival": {"kind": "poisson", "rate": "0/s"}}, "greater than 0"),
        ({"clients": 1, "file_siz": "1MiB"}, "Extra inputs"),
    ],
)
def test_loads_that_make_no_sense_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        load(kind="write", file_size="1MiB", **fields)


def test_a_mix_needs_the_sizes_of_what_it_does() -> None:
    with pytest.raises(ValidationError, match="file_size is needed"):
        load(kind="mix", clients=1, ratios={"read": 1, "write": 1})
    with pytest.raises(ValidationError, match="needs a weight above 0"):
        load(kind="mix", clients=1, ratios={})


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "write", "name": "ingest", "file_size": "1GiB", **OPEN},
        {
            "kind": "read",
            "clients": 8,
            "think": {"kind": "exponential", "mean": "1s"},
            "popularity": {"kind": "zipf"},
        },
        {"kind": "append", "record_size": "64KiB", "clients": 2, "files": 3, "popularity": "uniform"},
        {
            "kind": "mix",
            "ratios": {"read": 0.8, "write": 0.2},
            "file_size": {"kind": "lognormal", "median": "1MiB", "sigma": 1},
            "read_size": "64KiB",
            **OPEN,
        },
        {"kind": "flows", "file": "flows.csv", "start": "1s"},
        {"kind": "requests", "arrival": {"kind": "constant", "rate": "80/s"}, "service": "10ms", "limit": 5},
    ],
)
def test_what_is_dumped_loads_to_the_same(fields: dict[str, Any]) -> None:
    found = load(**fields)
    assert LOAD.validate_python(LOAD.dump_python(found, mode="json")) == found


def problems(*loads: Any, has_pangu: bool = True, has_dataset: bool = True) -> list[str]:
    return check_load(len(loads) - 1, loads, CLUSTER, has_pangu=has_pangu, has_dataset=has_dataset, has_nuwa=False)


def test_a_load_needs_what_it_uses() -> None:
    write = load(kind="write", name="w", file_size="1MiB", clients=1)
    assert "add a pangu section" in problems(write, has_pangu=False)[0]
    assert "no dataset to read" in problems(load(kind="read", clients=1), has_dataset=False)[0]
    assert problems(write, load(kind="read", clients=1, over="w"), has_dataset=False) == []
    assert (
        "no load called 'v' writes files (over: dataset, own, w)"
        in problems(write, load(kind="read", clients=1, over="v"))[0]
    )
    append = load(kind="append", name="log", record_size="1MiB", clients=1)
    history = load(kind="file-history", name="tree")
    assert problems(append, history, load(kind="read", clients=1, over="log"), has_dataset=False) == []
    assert "add a pangu section" in problems(history, has_pangu=False)[0]
    assert "over: own needs" in problems(load(kind="read", clients=1, over="own"))[0]
    mm1 = {"kind": "requests", "arrival": OPEN["arrival"], "service": "1ms"}
    assert "there is no machine 'r2/m0'; did you mean" in problems(load(**mm1, machine="r2/m0"))[0]
    assert problems(load(**mm1), has_pangu=False) == []


def test_names_are_given_or_numbered_by_kind() -> None:
    write = load(kind="write", file_size="1MiB", clients=1)
    named = load(kind="write", name="ingest", file_size="1MiB", clients=1)
    assert load_names([write, named, write]) == ["write", "ingest", "write-2"]
    assert "another load is called 'ingest'" in problems(named, named)[0]
