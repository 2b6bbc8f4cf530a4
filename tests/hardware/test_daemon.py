"""Daemons: a process dies whole (rule 4) and boots with its machine."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from feitian_sim.hardware import ClusterConfig, Daemon, DataCenter, Machine
from feitian_sim.kernel import SECOND, Owner, Simulation


@pytest.fixture
def datacenter(sim: Simulation) -> DataCenter:
    return DataCenter(sim, ClusterConfig(racks=2, machines_per_rack=1))


@pytest.fixture
def machine(datacenter: DataCenter) -> Machine:
    return datacenter.machines[0]


class Ticker:
    """A daemon that notes each second that it lives."""

    def __init__(self, sim: Simulation, machine: Machine, *, autostart: bool = True) -> None:
        self.sim = sim
        self.log: list[tuple[int, str]] = []
        self.daemon = Daemon(machine, f"ticker@{machine.name}", "test.ticker", self.boot, autostart=autostart)

    def boot(self, owner: Owner) -> None:
        self.log.append((self.sim.now // SECOND, f"{owner.name} boots"))
        owner.process(self.tick(owner))

    def tick(self, owner: Owner) -> Generator[Any, Any, None]:
        while True:
            yield self.sim.timeout(SECOND)
            self.log.append((self.sim.now // SECOND, owner.name.partition("#")[2]))


def test_a_daemon_lives_in_numbered_incarnations(sim: Simulation, machine: Machine) -> None:
    ticker = Ticker(sim, machine)
    assert not ticker.daemon.alive
    ticker.daemon.start()
    sim.run_until(SECOND + 1)
    ticker.daemon.kill()
    assert not ticker.daemon.alive
    sim.run_until(3 * SECOND)
    ticker.daemon.start()
    sim.run_until(4 * SECOND + 1)
    assert ticker.log == [
        (0, "ticker@r0/m0#1 boots"),
        (1, "1"),
        (3, "ticker@r0/m0#2 boots"),
        (4, "2"),
    ]


def test_starting_the_living_changes_nothing(sim: Simulation, machine: Machine) -> None:
    ticker = Ticker(sim, machine)
    ticker.daemon.start()
    ticker.daemon.start()
    assert ticker.daemon.incarnation == 1


def test_a_machine_takes_its_daemons_down_and_boots_them(sim: Simulation, machine: Machine) -> None:
    ticker, manual = Ticker(sim, machine), Ticker(sim, machine, autostart=False)
    ticker.daemon.start()
    manual.daemon.start()
    machine.crash("test")
    assert not ticker.daemon.alive
    assert not manual.daemon.alive
    ticker.daemon.start()
    assert not ticker.daemon.alive, "nothing starts on a machine that is down"
    machine.restart()
    assert ticker.daemon.incarnation == 2
    assert ticker.daemon.alive
    assert not manual.daemon.alive


def test_a_dying_generators_finally_can_neither_schedule_nor_send_nor_use_the_hardware(
    sim: Simulation, datacenter: DataCenter
) -> None:
    machine, peer = datacenter.machines
    reached: list[str] = []

    def last_words(owner: Owner) -> Generator[Any, Any, None]:
        try:
            yield sim.timeout(10 * SECOND)
        finally:
            reached.append("finally")
            owner.call_later(0, reached.append, "timer")
            owner.process(iter_append(sim, reached))
            sim.process(iter_append(sim, reached))
            datacenter.network.send(machine, peer, 100, owner, reached.append, "message")
            machine.cpu.submit(1, owner, reached.append, "cpu")
            machine.disks[0].read(1, owner, reached.append, "disk read")
            machine.disks[0].write(1, owner, reached.append, "disk write")
            machine.disks[0].journal("log").append("record", 1, owner, reached.append, "journal")
            yield sim.timeout(1)
            reached.append("after the last yield")

    daemon = Daemon(machine, "d", "test", lambda owner: owner.process(last_words(owner)))
    daemon.start()
    sim.call_later(SECOND, daemon.kill)
    sim.run_until(20 * SECOND)
    assert reached == ["finally"]
    assert machine.disks[0].journal("log").records() == []


def iter_append(sim: Simulation, reached: list[str]) -> Generator[Any, Any, None]:
    reached.append("process")
    yield sim.timeout(0)


def test_a_killed_process_frees_its_core_for_the_neighbour(sim: Simulation) -> None:
    config = ClusterConfig.model_validate({"racks": 1, "machines_per_rack": 1, "machine": {"cores": 1}})
    machine = DataCenter(sim, config).machines[0]
    ends: list[int] = []
    greedy = Daemon(machine, "greedy", "test", lambda owner: machine.cpu.submit(60 * SECOND, owner, ends.append, -1))
    modest = Daemon(
        machine, "modest", "test", lambda owner: machine.cpu.submit(SECOND, owner, lambda: ends.append(sim.now))
    )
    greedy.start()
    modest.start()
    sim.call_later(2 * SECOND, greedy.kill)
    sim.run_until(100 * SECOND)
    assert ends == [3 * SECOND]
