"""Ways through a tree and a fat tree."""

from __future__ import annotations

import networkx as nx
import pytest

from feitian_sim.kernel import SECOND, ScenarioError, Simulation
from tests.hardware.transfers import RATE, Transfers, fat_tree, tree


def test_a_tree_has_one_way(sim):
    topology = tree(sim).network.topology
    names = [topology._links.names[link] for link in topology.route(0, 2)]
    assert names == ["r0/m0/nic/up", "r0/uplink/up", "r1/uplink/down", "r1/m0/nic/down"]
    assert topology.route(0, 0) == ()
    assert len(topology.route(0, 1)) == 2
    assert not topology.has_choice


def test_the_graph_tells_what_the_links_carry(sim):
    topology = tree(sim, oversubscription=4).network.topology
    way = nx.shortest_path(topology.graph, "r0/m0", "r1/m1")
    assert way == ["r0/m0", "r0/switch", "core/switch", "r1/switch", "r1/m1"]
    assert topology.graph.edges["r0/m0", "r0/switch"]["capacity"] == RATE
    assert topology.graph.edges["r0/switch", "core/switch"]["capacity"] == RATE / 2


@pytest.mark.parametrize(("option", "rate"), [({}, 2 * RATE), ({"uplink": "3Gbit/s"}, 3 * RATE)])
def test_an_uplink_is_as_given_or_carries_all_cards(sim, option, rate):
    topology = tree(sim, **option).network.topology
    assert topology.graph.edges["r0/switch", "core/switch"]["capacity"] == rate


def test_routes_follow_the_graph(sim):
    center = fat_tree(sim)
    topology = center.network.topology
    ends = {data["link"]: (one, other) for one, other, data in topology.graph.edges(data=True)}
    machines = (*center.machines, *center.client_machines)
    for source in machines:
        for target in machines:
            at = source.name
            for link in topology.route(source.index, target.index, 7):
                assert ends[link][0] == at
                at = ends[link][1]
            assert at == target.name


def test_flows_spread_over_all_equal_ways_and_always_the_same(sim):
    topology = fat_tree(sim).network.topology
    ways = [topology.route(0, 15, flow) for flow in range(50)]
    assert len(set(ways)) == 4
    assert len({topology.route(0, 3, flow) for flow in range(50)}) == 2
    again = fat_tree(Simulation(seed=9)).network.topology
    assert ways == [again.route(0, 15, flow) for flow in range(50)]


def test_a_dead_switch_moves_only_the_flows_that_crossed_it(sim):
    network = fat_tree(sim).network
    before = [network.topology.route(0, 15, flow) for flow in range(50)]
    network.set_switch("pod0-agg0/switch", False)
    after = [network.topology.route(0, 15, flow) for flow in range(50)]
    dead = network.topology.switches["pod0-agg0/switch"]
    for old, new in zip(before, after, strict=True):
        assert not any(link in dead for link in new)
        assert new == old or any(link in dead for link in old)
    assert len(set(after)) == 2
    network.set_switch("pod0-agg0/switch", True)
    assert [network.topology.route(0, 15, flow) for flow in range(50)] == before


def test_running_flows_move_over_to_the_ways_that_are_left(sim):
    transfers = Transfers(fat_tree(sim))
    network = transfers.center.network
    for flow in range(8):
        transfers.start(str(flow), 0, 15, RATE // 8)
    sim.call_later(SECOND // 2, network.set_switch, "pod0-agg0/switch", False)
    sim.call_later(SECOND * 3 // 4, network.set_switch, "pod0-agg0/switch", True)
    sim.run()
    # The first machine's card limits all eight; the switches' links are as fast.
    assert {how for _, how in transfers.ended.values()} == {"done"}
    assert network.traffic()["nic"] == 8 * (RATE // 8) * 2


def test_a_fat_tree_is_cut_only_when_every_way_is(sim):
    center = fat_tree(sim)
    network, (one, other) = center.network, (center.machines[0], center.machines[15])
    network.set_switch("pod0-agg0/switch", False)
    assert network.reachable(one, other)
    network.set_switch("pod0-agg1/switch", False)
    assert not network.reachable(one, other)
    assert network.reachable(one, center.machines[1])
    network.set_switch("pod0-agg0/switch", True)
    assert network.reachable(one, other)


def test_an_uplink_of_a_fat_tree_is_all_links_of_its_rack(sim):
    center = fat_tree(sim)
    center.network.set_link("r0/uplink", up=False)
    assert not center.network.reachable(center.machines[0], center.machines[2])
    assert center.network.reachable(center.machines[0], center.machines[1])


def test_a_fat_tree_that_is_too_small_is_refused_with_the_right_size(sim):
    with pytest.raises(ScenarioError, match=r"k: 2 holds 2 racks of 1 machines, not 8 of 2: write k: 4"):
        fat_tree(sim, k=2)


def test_a_larger_fat_tree_than_needed_will_do(sim):
    topology = fat_tree(sim, k=6).network.topology
    assert len({topology.route(0, 15, flow) for flow in range(200)}) == 9
