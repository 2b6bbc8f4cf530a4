"""Machines: up and down as a whole."""

from __future__ import annotations

import pytest

from feitian_sim.hardware import ClusterConfig, Daemon, DataCenter, Machine
from feitian_sim.kernel import Fact, Simulation


@pytest.fixture
def machine(sim: Simulation) -> Machine:
    return DataCenter(sim, ClusterConfig(racks=1, machines_per_rack=2)).machines[1]


def test_crash_and_restart_are_facts_once_each(sim: Simulation, machine: Machine) -> None:
    seen: list[Fact] = []
    sim.facts.subscribe("*", lambda _, item: seen.append(item))
    machine.crash("memory")
    machine.crash("memory again")
    machine.restart()
    machine.restart()
    assert [(fact.kind, *type(fact).values(fact)) for fact in seen] == [
        ("hardware.machine_crashed", "r0/m1", "memory"),
        ("hardware.machine_restarted", "r0/m1"),
    ]


def test_all_daemons_die_at_the_instant_of_the_crash_with_the_machine_already_down(
    sim: Simulation, machine: Machine
) -> None:
    seen: list[tuple[str, bool]] = []
    daemons = [Daemon(machine, name, "test", lambda owner: None) for name in ("a", "b")]
    for daemon in daemons:
        daemon.start()
        daemon.owner.on_death(lambda name=daemon.name: seen.append((name, machine.up)))
    machine.crash("test")
    assert seen == [("a", False), ("b", False)]
    assert not any(daemon.alive for daemon in daemons)


def test_a_crash_also_drops_the_computing_of_processes_that_are_not_daemons(sim: Simulation, machine: Machine) -> None:
    machine.cpu.submit(10, sim.owner("client"), pytest.fail, "computed on a machine that is down")
    machine.crash("test")
    sim.run()
    assert machine.cpu.busy == 0


def test_slow_factor_is_that_of_the_cores(machine: Machine) -> None:
    machine.slow_factor = 3.0
    assert machine.cpu.slow_factor == 3.0


def test_a_crash_during_a_power_loss_outlasts_it(machine: Machine) -> None:
    machine.lose_power("power")
    machine.crash("test")
    machine.restore_power()
    assert not machine.up
    machine.restart()
    assert machine.up


def test_a_restart_without_power_waits_for_it(machine: Machine) -> None:
    machine.crash("test")
    machine.lose_power("power")
    machine.restart()
    assert not machine.up
    machine.restore_power()
    assert machine.up
