"""Operations of the scenario: what is read, what is refused and why, and that machines join and leave on time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feitian_sim.faults.places import places
from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.kernel import Simulation
from feitian_sim.operations.config import MachineAdd, MachineDecommission, MachineDrain, Operation
from feitian_sim.operations.schedule import absent_at_start, orders
from feitian_sim.scenario import Loaded, ScenarioProblems, build, load_text

GROWTH = """\
name: growth
duration: 10m
cluster:
  racks: 4
  machines_per_rack: 3
  machine: {disks: 2, disk: {capacity: 10GB}}
pangu:
  heartbeat: {timeout: 1m}
  rebalance: REBALANCE
  dataset: {bytes: 20GB, file_size: 256MiB}
operations:
  - {kind: machine-add, at: 2m, target: {machine: "*/m2", role: pangu.chunkserver}}
  - {kind: machine-decommission, at: 5m, target: {machine: r1/m1}}
expect: [pangu.drained_count == 1, pangu.servers_joined_count == 4]
"""
CLUSTER = ClusterConfig.model_validate({"racks": 4, "machines_per_rack": 3, "machine": {"disks": 2}})


def growth(rebalance: str = "{kind: threshold, threshold: 5%}", **options: Any) -> Loaded:
    return load_text(GROWTH.replace("REBALANCE", rebalance), **options)


def refusal(text: str) -> str:
    with pytest.raises(ScenarioProblems) as caught:
        load_text(text)
    return str(caught.value)


def test_p6_machines_join_and_leave_as_the_scenario_says() -> None:
    ran = build(growth()).run()
    assert ran.metrics["pangu.servers_joined_count"] == 4
    assert ran.metrics["pangu.drained_count"] == 1
    assert ran.metrics["pangu.drains_unfinished_count"] == 0
    assert ran.metrics["pangu.used_spread_ratio"] <= 0.1
    assert ran.metrics["pangu.moved_bytes"] > 0
    # Neither what was not there yet nor what was taken away counts as a failure.
    assert ran.metrics["hardware.machine_crashes_count"] == 0
    assert ran.metrics["pangu.servers_dead_count"] == 0
    on = ran.facts.columns("hardware.machine_switched_on")
    assert sorted(on["machine"]) == [f"r{rack}/m2" for rack in range(4)]
    assert set(on["time_s"]) == {120.0}
    (first, *_, last) = ran.facts.columns("hardware.machine_switched_off")["time_s"]
    assert first == 0
    assert last > 300
    ordered = ran.facts.columns("operations.ordered")
    assert list(ordered["operation"]) == ["o0-machine-add"] * 4 + ["o1-machine-decommission"]
    assert ran.digest == build(growth()).run().digest


def test_p6_growth_without_a_rebalancer_leaves_the_new_machines_empty() -> None:
    ran = build(growth("none", overrides=["operations[1].at=9m"])).run()
    assert ran.metrics["pangu.balance_moved_bytes"] == 0
    assert ran.metrics["pangu.used_spread_max_ratio"] > 0.3


def test_a_machine_is_absent_when_its_first_order_is_to_be_added() -> None:
    def operation(kind: type[Operation], at: str, machine: str) -> Operation:
        names = {MachineAdd: "machine-add", MachineDrain: "machine-drain", MachineDecommission: "machine-decommission"}
        return kind.model_validate({"kind": names[kind], "at": at, "target": {"machine": machine}})

    listed = [
        operation(MachineDecommission, "9m", "r0/m2"),
        operation(MachineAdd, "1m", "r0/m2"),
        operation(MachineDrain, "2m", "r1/m0"),
        operation(MachineAdd, "3m", "r1/m0"),
    ]
    stream = Simulation(seed=1).stream("operations")
    found = orders(listed, places(CLUSTER, {}), dict.fromkeys(range(len(listed)), stream))
    assert [order.action for order in found] == ["add", "drain", "add", "decommission"]
    assert absent_at_start(found) == ("r0/m2",)


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ("{kind: machine-drian, at: 1m, target: {rack: r1}}", "no kind 'machine-drian'; did you mean 'machine-drain'?"),
        ("{kind: machine-drain, target: {rack: r1}}", "'at' is missing"),
        ("{kind: machine-drain, at: 1m, target: {rack: r9}}", "there is no rack 'r9'"),
        ("{kind: machine-drain, at: 1m, target: {disk: r1/m1/d0}}", "target.disk does not go with machine-drain"),
        ("{kind: machine-drain, at: 1m, target: {role: pangu.chunkserver}}", "target matches every machine"),
        ("{kind: machine-decommission, at: 1m, target: {rack: r0}}", "r0/m0, which runs pangu.master"),
        ("{kind: machine-add, at: 1m, target: {machine: '*/m0'}}", "clients/m0, a machine of clients"),
    ],
)
def test_operations_that_cannot_be_are_refused_with_the_reason(operation: str, says: str) -> None:
    text = GROWTH.replace("REBALANCE", "none").partition("operations:")[0] + f"operations:\n  - {operation}\n"
    assert says in refusal(text)


def test_operations_need_a_file_system() -> None:
    text = "name: x\nduration: 1m\ncluster: {racks: 2, machines_per_rack: 2}\noperations:\n"
    text += "  - {kind: machine-drain, at: 1s, target: {machine: r1/m0}}\n"
    assert "there is no file system" in refusal(text)


def test_a_drain_that_cannot_end_and_one_that_never_begins_are_warned_of() -> None:
    text = GROWTH.replace("REBALANCE", "none").partition("operations:")[0] + "operations:\n"
    loaded = load_text(text + "  - {kind: machine-drain, at: 20m, target: {rack: [r1, r2]}}\n")
    warnings = " ".join(str(problem) for problem in loaded.warnings)
    assert "drains leave 2 racks, too few for 3 replicas: they cannot end" in warnings
    assert "the simulation is over" in warnings


@pytest.mark.parametrize(
    ("rebalance", "says"),
    [
        ("treshold", "pangu.rebalance: there is no rebalancer 'treshold'; did you mean 'threshold'?"),
        ("{kind: greedy, max_deviaton: 1%}", "no option 'max_deviaton'; did you mean 'max_deviation'?"),
        ("{kind: greedy, interval: 5}", "the rebalancer greedy: "),
    ],
)
def test_rebalancers_that_are_not_known_are_refused_with_the_nearest(rebalance: str, says: str) -> None:
    assert says in refusal(GROWTH.replace("REBALANCE", rebalance))


OWN = """\
from typing import Literal

from feitian_sim.pangu.rebalance import Move, Rebalancer


class Once(Rebalancer):
    chunk: int = 0

    def plan(self, situation):
        holders = situation.holders(self.chunk)
        target = next(
            server
            for server in range(situation.view.count)
            if situation.policy.satisfied(situation.view, [server, *holders[1:]]) and server not in holders
        )
        return [] if situation.moves else [Move(self.chunk, holders[0], target, int(situation.lengths[self.chunk]))]
"""


def test_p6_a_rebalancer_of_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    text = GROWTH.replace("REBALANCE", "{kind: 'mine.py:Once', chunk: 7}").partition("operations:")[0]
    (tmp_path / "s.yaml").write_text(text)
    ran = build(load_text(text, base_dir=tmp_path)).run()
    assert set(ran.facts.columns("pangu.move")["chunk"]) == {7}
