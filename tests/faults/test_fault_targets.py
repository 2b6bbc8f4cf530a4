"""Targets: what they match, how many of them, and what they say when they match nothing."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from feitian_sim.faults.config import FaultConfig
from feitian_sim.faults.fault import Target
from feitian_sim.faults.places import places
from feitian_sim.faults.targets import candidates, check_target, select
from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.kernel import Simulation

FAULT: TypeAdapter[Any] = TypeAdapter(FaultConfig)
CLUSTER = ClusterConfig.model_validate(
    {"racks": 4, "machines_per_rack": 3, "machine": {"disks": 2}, "power": {"racks_per_domain": 2}}
)
SERVERS = [f"r{rack}/m{machine}" for rack in range(4) for machine in range(3)]
ROLES = {"pangu.chunkserver": SERVERS, "pangu.master": ["r1/m0"]}


def problems(**fields: Any) -> list[str]:
    return check_target(FAULT.validate_python({"at": "1s", **fields}), CLUSTER, ROLES)


def matches(unit: Any, **conditions: Any) -> tuple[str, ...]:
    return candidates(Target.model_validate(conditions), unit, places(CLUSTER, ROLES))


def test_conditions_hold_together() -> None:
    assert matches("machine", role="pangu.chunkserver", rack="r2") == ("r2/m0", "r2/m1", "r2/m2")
    assert matches("machine", power_domain="p1", machine="*/m0") == ("r2/m0", "r3/m0")
    assert matches("disk", rack=["r0", "r3"], disk="*/m1/d0") == ("r0/m1/d0", "r3/m1/d0")
    assert matches("disk", role="pangu.master") == ("r1/m0/d0", "r1/m0/d1")


def test_links_and_switches_follow_from_racks_and_machines() -> None:
    assert matches("link", machine="r0/m1") == ("r0/m1/nic",)
    assert matches("link", rack="r2") == ("r2/uplink",)
    assert matches("link", link="r2/*") == ("r2/m0/nic", "r2/m1/nic", "r2/m2/nic", "r2/uplink")
    assert matches("switch", rack="r3") == ("r3/switch",)


def test_a_power_domain_is_its_racks() -> None:
    assert matches("rack", power_domain="p1") == ("r2", "r3")


def test_clients_have_no_power_domain_and_no_role() -> None:
    assert matches("rack", rack="clients") == ()
    assert "clients/m0" not in matches("machine", role="pangu.chunkserver")


def test_the_leader_is_who_leads_now() -> None:
    roles = {"pangu.master": ["r1/m0", "r2/m0"]}
    target = Target.model_validate({"leader": "pangu.master"})
    assert candidates(target, "machine", places(CLUSTER, roles)) == ("r1/m0",)
    assert candidates(target, "machine", places(CLUSTER, roles), leader="r2/m0") == ("r2/m0",)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"kind": "rack-power-loss", "target": {"rack": "r9"}},
            "there is no rack 'r9' (there are r0, r1",
        ),
        ({"kind": "machine-crash", "target": {"machine": "r1/m7"}}, "there is no machine 'r1/m7'"),
        (
            {"kind": "machine-crash", "target": {"role": "pangu.chunkservers", "mode": "all"}},
            "did you mean pangu.chunkserver?",
        ),
        ({"kind": "machine-crash", "target": {"rack": "r1"}}, "target matches 3 (r1/m0, r1/m1, r1/m2): add mode"),
        (
            {"kind": "machine-crash", "target": {"rack": "r1", "mode": "fixed", "value": 5}},
            "wants 5, but only 3 match",
        ),
        (
            {"kind": "machine-crash", "target": {"switch": "r1/switch"}},
            "target.switch does not go with machine-crash",
        ),
        ({"kind": "disk-fail", "target": {"rack": "r1", "machine": "r2/m0", "mode": "all"}}, "matches no disk"),
        ({"kind": "machine-crash", "target": {"mode": "all"}}, "target names nothing"),
        ({"kind": "network-partition", "groups": [["r0"], ["r0/m1"]]}, "r0/m1 is in two groups"),
        ({"kind": "network-partition", "groups": [["r7"]]}, "no rack or machine 'r7'"),
        ({"kind": "process-kill", "target": {"leader": "nuwa.server"}}, "there is no role 'nuwa.server'"),
    ],
)
def test_what_matches_nothing_is_refused_with_the_candidates(fields: dict[str, Any], says: str) -> None:
    assert any(says in problem for problem in problems(**fields)), problems(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "rack-power-loss", "target": {"rack": "r3"}},
        {"kind": "rack-power-loss", "target": {"power_domain": "p0", "mode": "all"}},
        {"kind": "process-kill", "target": {"role": "pangu.master"}},
        {"kind": "disk-fail", "target": {"role": "pangu.chunkserver", "mode": "all"}},
        {"kind": "network-partition", "split": "majority"},
        {"kind": "network-partition", "groups": [["r0", "r1"], ["r2", "clients"]]},
        {"kind": "switch-loss", "target": {"rack": "r0"}},
    ],
)
def test_good_targets_have_no_problems(fields: dict[str, Any]) -> None:
    assert problems(**fields) == []


def test_a_trace_of_disks_needs_disks() -> None:
    bare = ClusterConfig.model_validate({"racks": 1, "machines_per_rack": 1, "machine": {"disks": 0}})
    fault = FAULT.validate_python({"kind": "disk-fail", "trace": {"format": "hpc-alpine"}})
    assert "have no disks" in check_target(fault, bare, {})[0]


@pytest.mark.parametrize(
    ("target", "count"),
    [
        ({"mode": "one"}, 1),
        ({"mode": "all"}, 12),
        ({"mode": "fixed", "value": 5}, 5),
        ({"mode": "percent", "value": "25%"}, 3),
        ({"mode": "percent", "value": 1}, 1),
    ],
)
def test_mode_says_how_many(sim: Simulation, target: dict[str, Any], count: int) -> None:
    names = tuple(SERVERS)
    chosen = select(Target.model_validate({"rack": "r0", **target}), names, sim.stream("faults.x"))
    assert len(chosen) == count
    assert list(chosen) == [name for name in names if name in chosen]
