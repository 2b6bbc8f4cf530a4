"""Messages over a small cluster: latencies in closed form, queues at the cards, and what is lost."""

from __future__ import annotations

import pytest

from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import SECOND, Simulation
from tests.hardware.transfers import fat_tree, send, tree

#: 1250 bytes take 10 us on a card of 1 Gbit/s.
PACKET = 1250


@pytest.fixture
def center(sim: Simulation) -> DataCenter:
    return tree(sim)


@pytest.mark.parametrize(
    ("target", "latency_ns"),
    [
        pytest.param(0, 2_000, id="within a machine"),
        # 5 us to the switch and 5 us from it, 10 us on each card.
        pytest.param(1, 30_000, id="within a rack"),
        # Up to the core and down from it, 10 us each.
        pytest.param(2, 50_000, id="between racks"),
    ],
)
def test_a_message_takes_propagation_and_transmission(sim, center, target, latency_ns):
    log: list[int] = []
    send(center, 0, target, PACKET, log)
    sim.run()
    assert log == [latency_ns]
    assert center.network.message_latency_ns(center.machines[0], center.machines[target], PACKET) == latency_ns


def test_a_message_costs_one_event_and_one_that_waits_two(sim, center):
    log: list[int] = []
    send(center, 0, 1, PACKET, log)
    sim.run()
    assert (len(log), sim.event_count) == (1, 1)
    send(center, 2, 0, PACKET, log)
    send(center, 3, 0, PACKET, log)
    sim.run()
    assert (len(log), sim.event_count) == (3, 4)


def test_messages_leave_one_after_the_other(sim, center):
    log: list[int] = []
    for target in (1, 2, 1):
        send(center, 0, target, PACKET, log)
    sim.run()
    assert log == [30_000, 50_000, 60_000]


def test_messages_enter_one_after_the_other(sim, center):
    log: list[int] = []
    for source in (2, 3):
        send(center, source, 0, PACKET, log)
    sim.run()
    assert log == [50_000, 60_000]


def test_who_gets_there_first_is_served_first(sim, center):
    far: list[int] = []
    near: list[int] = []
    send(center, 2, 1, PACKET, far)
    sim.call_later(15_000, send, center, 0, 1, PACKET, near)
    sim.run()
    # The far one reaches the card at 40 us; the near one, sent later, at 35 us.
    assert near == [45_000]
    assert far == [55_000]


def test_a_small_message_waits_for_the_large_one_that_is_on_the_card(sim, center):
    large: list[int] = []
    small: list[int] = []
    send(center, 2, 1, 100 * PACKET, large)
    # The large one is on the receiver's card from 1.03 ms to 2.03 ms.
    sim.call_later(1_200_000, send, center, 0, 1, PACKET, small)
    sim.run()
    assert large == [2_030_000]
    assert small == [2_040_000]


def test_a_late_link_delays_its_own_messages(sim, center):
    log: list[int] = []
    center.network.set_link("r0/m0/nic", delay_ns=1_000_000)
    assert center.network.message_latency_ns(*center.machines[:2], PACKET) == 1_030_000
    send(center, 0, 1, PACKET, log)
    sim.run()
    assert log == [1_030_000]


def test_a_late_link_delays_nobody_elses_messages(sim, center):
    late: list[int] = []
    others: list[int] = []
    center.network.set_link("r0/m0/nic", delay_ns=SECOND)
    send(center, 0, 1, PACKET, late)
    send(center, 2, 1, PACKET, others)
    sim.run()
    assert others == [50_000]
    assert late == [SECOND + 30_000]


def test_what_never_arrives_does_not_keep_the_receiver_busy(sim, center):
    log: list[int] = []
    token = center.network.partition([center.machines[:2], center.machines[2:]])
    for _ in range(100):
        send(center, 0, 2, PACKET, log)
    center.network.heal(token)
    send(center, 3, 2, PACKET, log)
    sim.run()
    assert log == [30_000]


def test_a_link_that_lost_capacity_takes_longer(sim, center):
    log: list[int] = []
    center.network.set_link("r0/m0/nic", capacity_factor=0.5)
    send(center, 0, 1, PACKET, log)
    sim.run()
    assert log == [40_000]
    center.network.set_link("r0/m0/nic")
    # The uplink carries 2 Gbit/s when it is well: a hundredth of that takes 500 us.
    center.network.set_link("r0/uplink", capacity_factor=0.01)
    assert center.network.message_latency_ns(center.machines[0], center.machines[2], PACKET) == 550_000


# Lost


def test_messages_are_lost_to_the_dead_and_the_cut_off(sim, center):
    log: list[int] = []
    center.machines[1].crash("test")
    send(center, 0, 1, 100, log)
    send(center, 1, 0, 100, log)
    token = center.network.partition([center.machines[:2], center.machines[2:]])
    send(center, 0, 2, 100, log)
    sim.run()
    assert log == []
    center.network.heal(token)
    send(center, 0, 2, 100, log)
    sim.call_later(1000, center.machines[2].crash, "while it was under way")
    sim.run()
    assert log == []


def test_a_message_under_way_is_lost_when_the_way_is_cut(sim, center):
    log: list[int] = []
    send(center, 0, 2, 100, log)
    sim.call_later(1000, center.network.partition, [center.machines[:2], center.machines[2:]])
    sim.run()
    assert log == []


def test_a_message_under_way_outlives_its_sender(sim, center):
    log: list[int] = []
    owner = sim.owner("sender")
    center.network.send(*center.machines[:2], PACKET, owner, lambda: log.append(sim.now))
    sim.call_later(15_000, center.machines[0].crash, "test")
    sim.call_later(15_000, owner.kill)
    sim.run()
    assert log == [30_000]
    center.network.send(*center.machines[1:3], PACKET, owner, lambda: log.append(sim.now))
    sim.run()
    assert log == [30_000]


@pytest.mark.parametrize("state", [{"up": False}, {"capacity_factor": 0.0}, {"loss": 1.0}])
def test_a_dead_link_loses_everything(sim, center, state):
    log: list[int] = []
    center.network.set_link("r0/uplink", **state)
    send(center, 0, 2, 100, log)
    send(center, 0, 1, 100, log)
    sim.run()
    assert len(log) == 1


def test_a_lost_switch_cuts_off_its_rack_even_from_itself(sim, center):
    log: list[int] = []
    center.network.set_switch("r0/switch", False)
    send(center, 0, 1, 100, log)
    send(center, 2, 0, 100, log)
    send(center, 2, 3, 100, log)
    sim.run()
    assert len(log) == 1


def test_a_lossy_link_loses_its_share(sim, center):
    log: list[int] = []
    center.network.set_link("r0/m0/nic", loss=0.3)
    for _ in range(2000):
        send(center, 0, 1, 100, log)
    sim.run()
    # Five standard deviations of a binomial are 102.
    assert 1298 < len(log) < 1502
    assert center.network.impaired(center.machines[0], center.machines[3])
    assert not center.network.impaired(center.machines[1], center.machines[3])


@pytest.mark.parametrize("busy", [False, True])
def test_jitter_and_loss_of_one_pair_do_not_depend_on_the_others(busy):
    def times(noise: bool) -> list[int]:
        sim = Simulation(seed=3)
        center = tree(sim, latency={"jitter": "50us"})
        center.network.set_link("r0/m0/nic", loss=0.5)
        log: list[int] = []
        for tick in range(20):
            sim.call_at(tick * SECOND, send, center, 0, 1, 100, log)
            if noise:
                sim.call_at(tick * SECOND + 1, send, center, 2, 3, 100, [])
                sim.call_at(tick * SECOND + SECOND // 2, send, center, 0, 3, 100, [])
        sim.run()
        return log

    quiet = times(noise=False)
    assert times(noise=busy) == quiet
    assert 3 < len({time % SECOND for time in quiet}) < 20


def test_messages_in_a_fat_tree_go_around_a_dead_switch(sim):
    center = fat_tree(sim)
    log: list[int] = []
    for switch in ("pod0-agg0/switch", "core3/switch"):
        center.network.set_switch(switch, False)
    for target in range(1, 16):
        send(center, 0, target, PACKET, log)
    sim.run()
    assert len(log) == 15
