"""Rule 4: a process dies whole."""

from __future__ import annotations

import simpy

from feitian_sim.kernel import Simulation


def test_a_dead_owner_calls_nothing(sim: Simulation):
    log: list[str] = []
    owner = sim.owner("a")
    owner.call_later(10, log.append, "too late")
    sim.call_later(5, owner.kill)
    sim.run()
    assert not owner.timer(1, log.append, "dead").active
    sim.run()
    assert log == []


def test_a_finally_block_of_a_dead_process_cannot_act(sim: Simulation):
    log: list[str] = []
    owner = sim.owner("a")

    def sender():
        try:
            yield sim.timeout(100)
        finally:
            log.append("finally ran")
            sim.call_later(1, log.append, "scheduled by a dead process")
            owner.call_later(1, log.append, "scheduled by a dead owner")
            sim.event().succeed().callbacks.append(lambda _: log.append("event of a dead process"))
            yield sim.timeout(1)
            log.append("went on")

    owner.process(sender())
    sim.call_later(5, owner.kill)
    sim.run()
    assert log == ["finally ran"]


def test_a_finally_block_that_raises_harms_nobody(sim: Simulation):
    owner = sim.owner("a")

    def clumsy():
        try:
            yield sim.timeout(100)
        finally:
            raise KeyError("in a dying process")

    process = owner.process(clumsy())
    sim.call_later(5, owner.kill)
    sim.run()
    assert process is not None
    assert not process.is_alive


def test_what_it_held_and_waited_for_is_freed(sim: Simulation):
    bench = simpy.Resource(sim, capacity=1)
    log: list[tuple[int, str]] = []

    def user(name: str, hold: int):
        with bench.request() as turn:
            yield turn
            log.append((sim.now, name))
            yield sim.timeout(hold)

    holder, waiter, third = sim.owner("holder"), sim.owner("waiter"), sim.owner("third")
    holder.process(user("holder", 100))
    waiter.process(user("waiter", 100))
    third.process(user("third", 1))
    sim.call_later(5, waiter.kill)
    sim.call_later(7, holder.kill)
    sim.run()
    assert log == [(0, "holder"), (7, "third")]
    assert not bench.users
    assert not bench.queue


def test_a_process_that_kills_its_own_owner_goes_no_further(sim: Simulation):
    log: list[str] = []
    owner = sim.owner("a")

    def suicidal():
        yield sim.timeout(1)
        owner.kill()
        owner.call_later(1, log.append, "after death")
        yield sim.timeout(1)
        log.append("went on")

    owner.process(suicidal())
    sim.run()
    assert log == []


def test_death_is_told_once_in_order_and_hardware_may_act(sim: Simulation):
    log: list[str] = []
    owner = sim.owner("a")
    owner.on_death(lambda: log.append("disk frees its queue"))
    owner.on_death(lambda: sim.call_later(3, log.append, "peer sees a reset"))
    owner.kill()
    owner.kill()
    sim.run()
    assert log == ["disk frees its queue", "peer sees a reset"]


def test_a_process_starts_on_no_dead_owner(sim: Simulation):
    owner = sim.owner("a")
    owner.kill()

    def never():
        yield sim.timeout(1)

    assert owner.process(never()) is None


def test_exceptions_and_values_pass_through_an_owned_process(sim: Simulation):
    owner = sim.owner("a")

    def child():
        try:
            yield sim.timeout(10)
        except simpy.Interrupt as interrupt:
            return f"interrupted by {interrupt.cause}"

    process = owner.process(child())
    assert process is not None
    sim.call_later(2, process.interrupt, "me")
    assert sim.run(until=process) == "interrupted by me"
