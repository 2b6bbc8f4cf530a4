"""Power: racks and domains lose it whole and get it back whole."""

from __future__ import annotations

import pytest

from feitian_sim.hardware import ClusterConfig, Daemon, DataCenter, PowerConfig
from feitian_sim.kernel import Fact, Simulation


@pytest.fixture
def datacenter(sim: Simulation) -> DataCenter:
    return DataCenter(sim, ClusterConfig(racks=5, machines_per_rack=3, power=PowerConfig(racks_per_domain=2)))


def up(datacenter: DataCenter) -> list[str]:
    return [machine.name for machine in datacenter.machines if machine.up]


def test_power_loss_takes_the_whole_rack_and_restoring_brings_it_back(sim: Simulation, datacenter: DataCenter) -> None:
    rack = datacenter.rack("r3")
    daemons = [Daemon(machine, f"d@{machine.name}", "test", lambda owner: None) for machine in rack.machines]
    for daemon in daemons:
        daemon.start()
    rack.lose_power()
    assert not any(machine.up for machine in rack.machines)
    assert len(up(datacenter)) == 12
    rack.restore_power()
    assert len(up(datacenter)) == 15
    assert [daemon.incarnation for daemon in daemons] == [2, 2, 2]


def test_a_domain_is_neighbouring_racks_and_the_last_may_be_smaller(datacenter: DataCenter) -> None:
    names = [[rack.name for rack in domain.racks] for domain in datacenter.power_domains]
    assert names == [["r0", "r1"], ["r2", "r3"], ["r4"]]
    assert [machine.power_domain for machine in datacenter.machines[::3]] == [0, 0, 1, 1, 2]


def test_a_domain_without_power_is_its_racks_without_power(datacenter: DataCenter) -> None:
    domain = datacenter.power_domain("p1")
    domain.lose_power()
    assert not any(machine.up for machine in domain.machines)
    assert len(up(datacenter)) == 9
    domain.restore_power()
    assert len(up(datacenter)) == 15


def test_machines_that_had_crashed_stay_down_when_power_returns(datacenter: DataCenter) -> None:
    datacenter.machine("r0/m1").crash("test")
    datacenter.rack("r0").lose_power()
    datacenter.rack("r0").restore_power()
    assert [machine.up for machine in datacenter.rack("r0").machines] == [True, False, True]


def test_power_facts_come_once_and_name_the_cause_of_each_crash(sim: Simulation, datacenter: DataCenter) -> None:
    seen: list[Fact] = []
    sim.facts.subscribe("*", lambda _, item: seen.append(item))
    datacenter.rack("r4").lose_power()
    datacenter.power_domain("p2").lose_power()
    kinds = [fact.kind for fact in seen]
    assert kinds == ["hardware.rack_power_lost", *["hardware.machine_crashed"] * 3]
    assert type(seen[1]).values(seen[1]) == ("r4/m0", "rack-power-loss")


def test_clients_are_in_no_power_domain(datacenter: DataCenter) -> None:
    for domain in datacenter.power_domains:
        domain.lose_power()
    assert up(datacenter) == []
    assert all(machine.up for machine in datacenter.client_machines)
    assert datacenter.client_machines[0].power_domain_name == ""
