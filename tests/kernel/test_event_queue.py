"""The two-level queue: the order of stock SimPy under random programs, and of a sorted list under random entries."""

from __future__ import annotations

from typing import Any

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.kernel import Simulation
from feitian_sim.kernel.event_queue import EventQueue, key_at, time_of

DELAY = st.one_of(st.integers(0, 5), st.integers(0, 3_000_000), st.sampled_from([0, 10**6, 10**9, 10**12, 4 * 10**17]))
STEP = st.one_of(
    st.tuples(st.just("wait"), DELAY),
    st.tuples(st.sampled_from(["any", "all"]), DELAY, DELAY),
    st.tuples(st.just("use"), DELAY),
    st.tuples(st.just("interrupt"), st.integers(0, 3)),
    st.tuples(st.just("fail"), DELAY),
)
PROGRAM = st.lists(st.lists(STEP, max_size=8), min_size=1, max_size=4)


def played(environment: Any, program: list[list[Any]], stops: list[int]) -> list[Any]:
    """What happens, in order: the steps of some processes that share a resource and interrupt each other."""
    seen: list[Any] = []
    resource = simpy.Resource(environment, capacity=1)
    processes: list[simpy.Process] = []

    def step(what: Any) -> Any:
        match what:
            case ("wait", delay):
                yield environment.timeout(delay)
            case ("any", one, other):
                yield environment.timeout(one) | environment.timeout(other)
            case ("all", one, other):
                yield environment.timeout(one) & environment.timeout(other)
            case ("use", delay):
                with resource.request() as request:
                    yield request
                    yield environment.timeout(delay)
            case ("interrupt", number):
                other = processes[number % len(processes)]
                if other.is_alive and other is not environment.active_process:
                    other.interrupt(number)
                yield environment.timeout(0)
            case ("fail", delay):
                event = environment.event()
                environment.timeout(delay).callbacks.append(lambda _: event.fail(KeyError("meant")))
                yield event

    def process(number: int, steps: list[Any]) -> Any:
        for what in steps:
            try:
                yield from step(what)
                seen.append((environment.now, number, what))
            except simpy.Interrupt as interrupt:
                seen.append((environment.now, number, "interrupted", interrupt.cause))
            except KeyError:
                seen.append((environment.now, number, "failed"))
        return number

    processes += [environment.process(process(number, steps)) for number, steps in enumerate(program)]
    for stop in sorted(dict.fromkeys(stops)):
        if stop > environment.now:
            try:
                environment.run(until=stop)
            except KeyError as error:
                seen.append(("raised", environment.now, str(error)))
            seen.append(("stopped", environment.now, environment.peek()))
    # An event whose failure nobody hears, because who waited was interrupted, stops the run: also at the same place.
    for until in (processes[0], None):
        try:
            seen.append(environment.run(until=until))
        except KeyError as error:
            seen.append(("raised", environment.now, str(error)))
    return [*seen, environment.now, environment.peek()]


@settings(max_examples=150, deadline=None)
@given(PROGRAM, st.lists(st.integers(1, 4_000_000), max_size=3))
def test_simpy_programs_run_as_on_stock_simpy(program: list[list[Any]], stops: list[int]):
    assert played(Simulation(seed=1), program, stops) == played(simpy.Environment(), program, stops)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(DELAY, st.integers(-1, 6), st.booleans()), min_size=1, max_size=300),
    st.integers(3, 40),
    st.integers(1, 50),
)
def test_entries_come_out_by_time_priority_and_insertion(entries, shift, every):
    queue = EventQueue()
    queue.shift = shift
    waiting: list[tuple[int, int, int]] = []
    now = 0

    def take() -> int:
        key, number, _ = queue.ready.pop()
        first = min(waiting)
        waiting.remove(first)
        assert (time_of(key), number) == (first[0], first[2])
        return first[0]

    for number, (delay, priority, pop) in enumerate(entries):
        waiting.append((now + delay, priority, number))
        queue.push((key_at(now + delay, priority), number, ()))
        if pop and (queue.ready or queue.refill()):
            now = take()
        if number % every == 0:
            # As if so many had been taken out that another width may be tried.
            queue.relax(len(entries), 0)
    while queue.ready or queue.refill():
        take()
    assert not waiting


def test_what_waits_is_not_moved_more_often_than_it_is_run(monkeypatch):
    simulation = Simulation()
    queue, moved = simulation._events, 0
    rebuild = EventQueue._rebuild

    def counted(self: EventQueue, shift: int, horizon: float) -> None:
        nonlocal moved
        moved += len(self)
        rebuild(self, shift, horizon)

    monkeypatch.setattr(EventQueue, "_rebuild", counted)
    for number in range(20_000):
        simulation.call_later(10**12 + number * 10**6, lambda: None)

    def burst(left: int, pause_ns: int) -> None:
        if left:
            simulation.call_later(pause_ns, burst, left - 1, pause_ns)

    # By turns much at once, which wants narrow buckets, and little, which wants wide ones.
    for turn in range(40):
        for chain in range(400):
            simulation.call_later(turn * 10**10 + chain, burst, 5, 700 + chain)
        for chain in range(2):
            simulation.call_later(turn * 10**10 + 10**8, burst, 400, 10**7 + chain)
    simulation.run(until=4 * 10**11)
    # The first time is free.
    assert 0 < moved <= simulation.event_count + 2 * 20_000
    assert len(queue) >= 20_000


def test_a_long_list_is_cut_back_although_many_wait():
    queue = EventQueue()
    # As after a time of few events: wide buckets (of two seconds), into which all that wait have just been moved.
    queue.shift, queue._unpaid = 34, 50_000
    for number in range(50_000):
        queue.push((key_at(10**12 + number, 1), number, ()))
    queue.push((key_at(1, 1), "first", ()))
    assert queue.refill()
    for number in range(20_000):
        queue.push((key_at(2 + number * 10**4, 1), number, ()))
    assert len(queue.ready) > 20_000
    looks = 0
    while len(queue.ready) > 4096:
        looks += 1
        queue.relax(512, 0)
    assert 512 * looks < 50_000 / 4


def test_an_unheard_failure_stops_the_run():
    sim = Simulation(seed=1)
    sim.event().fail(ValueError("nobody hears"))
    with pytest.raises(ValueError, match="nobody hears"):
        sim.run()


def test_waiting_for_what_never_comes_is_an_error():
    sim = Simulation(seed=1)
    sim.call_later(5, lambda: None)
    with pytest.raises(RuntimeError, match="not triggered"):
        sim.run(until=sim.event())
    with pytest.raises(ValueError, match="later"):
        sim.run(until=3)


def test_cancelled_timers_are_forgotten():
    sim = Simulation(seed=1)
    left, most = [100_000], [0]

    def ask() -> None:
        left[0] -= 1
        if not left[0] % 100:
            most[0] = max(most[0], len(sim._events))
        sim.timer(10**12, print, "a deadline that is always cancelled").cancel()
        if left[0]:
            sim.call_later(10, ask)

    ask()
    sim.run(until=10**12 - 1)
    assert most[0] < 10_000
    sim.run()
    # The event that ended the first run counts as well.
    assert sim.event_count == 100_001
