"""The data centre: names, numbers, samples."""

from __future__ import annotations

import pytest

from feitian_sim.hardware import ClusterConfig, DataCenter, NoSuchHardware
from feitian_sim.kernel import Simulation
from feitian_sim.kernel.units import TB


@pytest.fixture
def datacenter(sim: Simulation) -> DataCenter:
    config = {"racks": 3, "machines_per_rack": 2, "machine": {"disks": 2}, "clients": {"machines": 5}}
    return DataCenter(sim, ClusterConfig.model_validate(config))


def test_machines_are_numbered_through_the_racks_and_clients_come_last(datacenter: DataCenter) -> None:
    assert [machine.name for machine in datacenter.machines] == [
        "r0/m0",
        "r0/m1",
        "r1/m0",
        "r1/m1",
        "r2/m0",
        "r2/m1",
    ]
    everyone = (*datacenter.machines, *datacenter.client_machines)
    assert [machine.index for machine in everyone] == list(range(11))
    assert [machine.rack for machine in everyone] == [0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3]
    assert datacenter.client_machines[4].name == "clients/m4"
    assert datacenter.client_machines[4].disks == ()


def test_everything_is_found_by_its_name(datacenter: DataCenter) -> None:
    assert datacenter.machine("r1/m1") is datacenter.machines[3]
    assert datacenter.machine("clients/m0") is datacenter.client_machines[0]
    assert datacenter.disk("r1/m1/d1") is datacenter.machines[3].disks[1]
    assert datacenter.rack("r2").machines == datacenter.machines[4:6]
    assert datacenter.rack("clients").machines == datacenter.client_machines
    assert datacenter.power_domain("p2").racks == (datacenter.racks[2],)


@pytest.mark.parametrize("what", ["machine", "disk", "rack", "power_domain"])
def test_an_unknown_name_is_refused_with_the_kind_of_thing(datacenter: DataCenter, what: str) -> None:
    with pytest.raises(NoSuchHardware, match=f"no {what.replace('_', ' ')} is called 'x9'"):
        getattr(datacenter, what)("x9")


def test_listeners_hear_of_machines_going_down_and_up(datacenter: DataCenter) -> None:
    heard: list[bool] = []
    machine = datacenter.machines[0]
    datacenter.on_change(lambda: heard.append(machine.up))
    machine.crash("test")
    machine.restart()
    assert heard == [False, True]


def test_disk_use_is_sampled_per_machine_without_failed_disks(sim: Simulation, datacenter: DataCenter) -> None:
    datacenter.emit_disk_use()
    seen: list[tuple[str, int, int]] = []
    sim.facts.subscribe("hardware.disk_use", lambda _, item: seen.append(type(item).values(item)))
    datacenter.disk("r0/m0/d0").allocate(5)
    datacenter.disk("r0/m0/d1").allocate(6)
    datacenter.disk("r0/m1/d1").fail("wear")
    datacenter.emit_disk_use()
    assert len(seen) == 6
    assert seen[:2] == [("r0/m0", 11, 4 * TB), ("r0/m1", 0, 2 * TB)]


def test_samples_do_not_enter_the_digest(sim: Simulation, datacenter: DataCenter) -> None:
    before = sim.facts.digest()
    sim.facts.subscribe("*", lambda _, item: None)
    datacenter.emit_disk_use()
    for probe in sim.probes:
        probe()
    assert sim.facts.digest() == before


def test_the_traffic_probe_publishes_one_sample_per_class(sim: Simulation, datacenter: DataCenter) -> None:
    seen: list[str] = []
    sim.facts.subscribe("hardware.traffic", lambda _, item: seen.append(item.link_class))
    for probe in sim.probes:
        probe()
    assert seen == sorted(datacenter.network.traffic())
