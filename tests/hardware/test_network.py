"""Who reaches whom: distances, partitions, names of links and switches, and who is told."""

from __future__ import annotations

import pytest

from feitian_sim.hardware import DataCenter
from feitian_sim.hardware.network import NoSuchLink
from feitian_sim.kernel import Simulation
from tests.hardware.transfers import tree


@pytest.fixture
def center(sim: Simulation) -> DataCenter:
    return tree(sim)


def test_distance_counts_machine_rack_and_beyond(center):
    machines = center.machines
    assert [center.network.distance(machines[0], other) for other in machines] == [0, 1, 2, 2]
    assert center.network.distance(machines[0], center.client_machines[0]) == 2


def test_overlapping_partitions_all_have_to_heal(center):
    one, _, other, _ = center.machines
    network = center.network
    first = network.partition([center.machines[:2], center.machines[2:]])
    second = network.partition([[one]])
    network.heal(first)
    assert not network.reachable(one, other)
    network.heal(second)
    assert network.reachable(one, other)
    network.heal(second)
    assert network.reachable(one, other)


def test_who_is_in_no_group_is_on_a_side_with_the_rest(center):
    machines, client = center.machines, center.client_machines[0]
    center.network.partition([[machines[0]]])
    assert not center.network.reachable(client, machines[0])
    assert center.network.reachable(client, machines[1])
    assert center.network.reachable(machines[0], machines[0])


@pytest.mark.parametrize(
    "state", [{"loss": 0.1}, {"delay_ns": 1}, {"capacity_factor": 0.5}, {"up": False}, {"capacity_factor": 0.0}]
)
def test_an_impaired_way_is_one_with_any_fault_in_either_direction(center, state):
    one, neighbour, other, _ = center.machines
    center.network.set_link("r0/uplink", **state)
    assert center.network.impaired(one, other)
    assert center.network.impaired(other, one)
    assert not center.network.impaired(one, neighbour)
    center.network.set_link("r0/uplink")
    assert not center.network.impaired(one, other)


def test_every_change_is_told_after_it_holds(center):
    one, _, other, _ = center.machines
    heard: list[bool] = []
    center.on_change(lambda: heard.append(center.network.reachable(one, other)))
    center.network.set_link("r0/uplink", up=False)
    center.network.set_link("r0/uplink")
    center.network.heal(center.network.partition([[one]]))
    center.network.set_switch("core/switch", False)
    center.network.set_switch("core/switch", False)
    center.network.set_switch("core/switch", True)
    other.crash("test")
    assert heard == [False, True, False, True, False, True, False]


def test_unknown_links_and_switches_are_refused(center):
    with pytest.raises(NoSuchLink, match="r9/uplink"):
        center.network.set_link("r9/uplink")
    with pytest.raises(NoSuchLink, match="r9/switch"):
        center.network.set_switch("r9/switch", False)
