"""Fault models: exactly one trigger, clear refusals, and text that loads to the same value."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from feitian_sim.faults.config import DiskFail, FaultConfig
from feitian_sim.faults.fault import Fault
from feitian_sim.kernel import DAY, SECOND

FAULT: TypeAdapter[Any] = TypeAdapter(FaultConfig)
RACK = {"rack": "r1"}


def refused(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        FAULT.validate_python(fields)
    return str(caught.value)


def test_the_issue_s_example_is_read() -> None:
    fault = FAULT.validate_python(
        {"kind": "disk-fail", "rate": "4%/year", "target": {"role": "pangu.chunkserver", "mode": "all"}}
    )
    assert isinstance(fault, DiskFail)
    assert fault.trigger == "rate"
    assert fault.lasting is not None
    assert fault.lasting.expected() == 7 * DAY


@pytest.mark.parametrize(
    "timing",
    [
        {"at": "1s"},
        {"every": "1s"},
        {"rate": "1/day"},
        {"distribution": {"kind": "weibull", "shape": 0.7, "scale": "1d"}},
    ],
)
def test_each_trigger_alone_is_enough(timing: dict[str, Any]) -> None:
    fault = FAULT.validate_python({"kind": "machine-crash", "target": RACK, **timing})
    assert isinstance(fault, Fault)
    assert fault.trigger == next(iter(timing))


def test_two_triggers_are_refused_by_name() -> None:
    message = refused(kind="machine-crash", target=RACK, at="1s", rate="1/day")
    assert "exactly one of at, every, rate, distribution, trace says when" in message
    assert "at and rate are given" in message


def test_no_trigger_is_refused() -> None:
    assert "none is given" in refused(kind="rack-power-loss", target=RACK)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"at": "1s", "until": "2s"}, "until go with every"),
        ({"rate": "1/s", "jitter": "1s"}, "jitter goes with at or every"),
        ({"every": "1s", "jitter": "1s"}, "every must be longer than jitter"),
        ({"rate": "0/s"}, "above 0"),
        ({"at": 30}, "needs a unit"),
    ],
)
def test_timing_that_makes_no_sense_is_refused(fields: dict[str, Any], says: str) -> None:
    assert says in refused(kind="machine-crash", target=RACK, **fields)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ({"rack": "r1", "mode": "fixed"}, "needs a value"),
        ({"rack": "r1", "mode": "all", "value": 3}, "value goes with mode"),
        ({"rack": "r1", "mode": "fixed", "value": 1.5}, "whole number"),
        ({"rack": "r1", "mode": "percent", "value": 101}, "up to 100%"),
        ({"rack": "r1", "labels": "x"}, "Extra inputs"),
    ],
)
def test_targets_that_make_no_sense_are_refused(target: dict[str, Any], says: str) -> None:
    assert says in refused(kind="machine-crash", at="1s", target=target)


def test_a_trace_names_its_own_targets() -> None:
    trace = {"format": "lanl"}
    assert "leave target out" in refused(kind="machine-crash", trace=trace, target=RACK)
    assert "target is missing" in refused(kind="machine-crash", at="1s")
    assert FAULT.validate_python({"kind": "machine-crash", "trace": trace}).trigger == "trace"


def test_a_partition_needs_split_or_groups() -> None:
    assert "exactly one of split and groups" in refused(kind="network-partition", at="1s")


@pytest.mark.parametrize(
    "fields",
    [
        {
            "kind": "machine-slow",
            "factor": 8,
            "every": "20m",
            "jitter": "1m",
            "duration": "2m",
            "target": {"rack": "r1", "mode": "percent", "value": "5%"},
        },
        {"kind": "disk-fail", "replace_after": None, "rate": "4%/year", "target": {"disk": "*/d0", "mode": "all"}},
        {"kind": "network-partition", "at": "1m", "groups": [["r0", "r1/m3"], "r2"]},
        {"kind": "disk-fail", "trace": {"format": "hpc-alpine", "fit": "cut"}},
        {"kind": "process-kill", "at": "1m", "restart_after": "5s", "target": {"leader": "pangu.master"}},
    ],
)
def test_what_is_dumped_loads_to_the_same(fields: dict[str, Any]) -> None:
    fault = FAULT.validate_python(fields)
    assert FAULT.validate_python(FAULT.dump_python(fault, mode="json")) == fault


def test_zero_has_a_unit_too() -> None:
    assert FAULT.validate_python({"kind": "machine-crash", "at": "0s", "target": RACK}).at == 0
    assert FAULT.validate_python({"kind": "machine-crash", "at": "1s", "target": RACK}).at == SECOND
