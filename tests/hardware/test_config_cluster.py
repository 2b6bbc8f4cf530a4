"""The cluster's part of the scenario."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from feitian_sim.hardware import DISKS, ClientMachines, ClusterConfig, DiskConfig, MachineConfig, PowerConfig
from feitian_sim.hardware.config import CostConfig
from feitian_sim.kernel.units import TB


def cluster(**keys: Any) -> ClusterConfig:
    return ClusterConfig.model_validate({"racks": 2, "machines_per_rack": 3, **keys})


def test_a_preset_names_a_disk_and_figures_make_one() -> None:
    assert cluster().machine.disk_config is DISKS["hdd-2tb"]
    own = {"capacity": "1TB", "seek": "1ms"}
    assert cluster(machine={"disk": own}).machine.disk_config.capacity == TB
    assert cluster(machine={"disks": 3}).capacity_bytes == 6 * 3 * 2 * TB


def test_an_unknown_disk_is_refused_with_the_candidates() -> None:
    with pytest.raises(ValidationError, match=r"no disk is called 'hdd-2pb' \(disks: hdd-2tb, "):
        cluster(machine={"disk": "hdd-2pb"})


@pytest.mark.parametrize(
    "keys",
    [
        {"racks": 0},
        {"machines_per_rack": -1},
        {"machine": {"disks": -1}},
        {"machine": {"nic": "0bit/s"}},
        {"machine": {"disk": {"capacity": "0B"}}},
        {"power": {"racks_per_domain": 0}},
        {"clients": {"machines": 0}},
        {"rakcs": 3},
    ],
)
def test_what_cannot_be_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        cluster(**keys)


def test_by_default_there_is_a_client_machine_for_ten_servers_and_four_at_least() -> None:
    assert cluster().client_config.machines == 4
    assert cluster(racks=20, machines_per_rack=20).client_config.machines == 40
    assert cluster(clients={"machines": 1}).client_config.machines == 1


def test_client_machines_have_the_servers_card_unless_told() -> None:
    assert cluster(machine={"nic": "1Gbit/s"}).client_nic_bps == 10**9
    assert cluster(clients={"nic": "25Gbit/s"}).client_nic_bps == 25 * 10**9


def test_a_dumped_cluster_loads_to_the_same() -> None:
    config = cluster(clients={"machines": 3, "uplink": "40Gbit/s"}, machine={"disk": {"capacity": "3TB"}})
    assert ClusterConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("model", [DiskConfig, MachineConfig, PowerConfig, CostConfig, ClientMachines, ClusterConfig])
def test_every_number_says_its_unit_default_and_source(model: type[ClusterConfig]) -> None:
    for name, field in model.model_fields.items():
        description = field.description or ""
        assert "Source: " in description, name
        assert "default" in description, name
