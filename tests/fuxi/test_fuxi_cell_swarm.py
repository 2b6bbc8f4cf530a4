"""Random deaths, cuts and losses over a whole cell: when it is quiet again all work is done and the books agree.

The first three tests are what such runs have found.
"""

from __future__ import annotations

from typing import Any

import pytest
from cell_with_apps import Cell, Sweep

from feitian_sim.fuxi.facts import MachineBack
from feitian_sim.kernel import Stream
from feitian_sim.kernel.chance import stream_key

ROLES = ("fuxi.tubo", "fuxi.worker", "fuxi.master", "fuxi.jobmaster", "kuafu.proxy")
MACHINES = [f"r{rack}/m{number}" for rack in range(3) for number in range(4)]
EVERYBODY = "target: {role: fuxi.tubo, mode: all}"


def test_results_wait_until_their_master_can_hear_them_again():
    """A message that failed twice in a row once lost what had come between the two."""
    cell = Cell()
    cell.submit("a", Sweep(pieces=60, workers=20, piece_ns=3 * 10**9))
    cell.run(8)
    home = cell.kind.masters[0].host.machine
    network = cell.platform.datacenter.network
    cell.run(8.5)
    cut = network.partition([[home]])
    cell.at(22, network.heal, cut)
    cell.run(120)
    assert cell.all_committed("a", 60)
    cell.assert_books_agree()


def test_a_machine_that_boots_between_two_fuxi_masters_has_lost_its_workers():
    """Neither the old nor the new one saw it go; its applications say that they count on it."""
    cell = Cell(racks=3, machines=5)
    cell.submit("a", Sweep(pieces=100, workers=40, piece_ns=10 * 10**9))
    cell.run(18)
    machine = cell.busy_machine("a")
    hardware = cell.platform.datacenter.machine(machine)
    cell.at(18.2, hardware.crash, "a test")
    cell.at(19, cell.fuxi.masters[0].daemon.kill)
    cell.at(19.5, hardware.restart)
    cell.run(60)
    assert [line[2] for line in cell.kind.log("a", "lost")] == [machine]
    cell.run(200)
    assert cell.all_committed("a", 100)
    cell.assert_books_agree()


def test_a_machine_that_was_lost_and_came_back_takes_allowances_again():
    """Their numbers go on where its Tubo stopped."""
    cut = "faults:\n- {kind: network-partition, at: 10s, duration: 40s, groups: [[r1/m1]]}\n"
    cell = Cell(extra=cut)
    cell.submit("a", Sweep(pieces=40, workers=80, piece_ns=5 * 10**9))
    cell.submit("b", Sweep(pieces=200, workers=90, piece_ns=5 * 10**9), 70.0)
    cell.run(69)
    assert [item.machine for item in cell.of(MachineBack)] == ["r1/m1"]
    cell.run(75)
    assert cell.host("r1/m1").table.apps["b"].workers
    cell.run(200)
    assert cell.all_committed("b", 200)
    cell.assert_books_agree()


class Dice:
    """Draws of one seed."""

    def __init__(self, seed: int) -> None:
        self._stream = Stream(stream_key(seed, 0, "test.swarm", "", ""))

    def number(self, low: float, high: float) -> float:
        return round(low + (high - low) * self._stream.uniform(), 3)

    def among(self, things: Any) -> Any:
        return things[self._stream.integer(len(things))]


def drawn_fault(dice: Dice) -> str:
    when = f"at: {dice.number(1, 90)}s, duration: {dice.number(0.2, 50)}s"
    killed = when.replace("duration", "restart_after")
    machine = dice.among(MACHINES)
    kinds = (
        f"kind: process-kill, {killed}, target: {{role: {dice.among(ROLES)}, mode: one}}",
        f"kind: process-kill, {killed}, target: {{leader: fuxi.master}}",
        f"kind: process-pause, {when}, target: {{role: {dice.among(ROLES[:3])}, mode: one}}",
        f"kind: process-launch-fail, {when}, target: {{machine: {machine}}}",
        f"kind: machine-crash, {when}, target: {{machine: {machine}}}",
        f"kind: machine-slow, {when}, factor: {dice.among((3, 20))}, target: {{machine: {machine}}}",
        f"kind: network-partition, {when}, groups: [[{machine}]]",
        f"kind: network-loss, {when}, loss: {dice.among((1, 10))}%, {EVERYBODY}",
    )
    return f"- {{{dice.among(kinds)}}}\n"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_after_random_faults_all_work_is_done_and_the_books_agree(seed: int):
    dice = Dice(seed)
    faults = "".join(drawn_fault(dice) for _ in range(dice.among(range(2, 9))))
    cell = Cell(
        extra=f"seed: {seed}\nfaults:\n{faults}",
        fuxi="{application_master: {attempts: 100}, schedule: {adjust_every: 20s}}",
        first=dice.among((True, False)),
        forgets=dice.among((True, False)),
        obeys=dice.among((True, True, False)),
    )
    pieces = {f"a{number}": dice.among(range(5, 60)) for number in range(dice.among(range(2, 9)))}
    for app, count in pieces.items():
        sweep = Sweep(count, dice.among(range(1, 21)), int(dice.number(0.5, 8) * 10**9), priority=dice.among((0, 0, 3)))
        cell.submit(app, sweep, dice.number(0.1, 60))
    cell.run(600)
    for app, count in pieces.items():
        assert cell.all_committed(app, count), (app, faults)
        assert cell.ends[app].state == "finished", (app, faults)
    cell.assert_books_agree()
    assert cell.core.books.scheduler.used() == (0, 0, 0)
