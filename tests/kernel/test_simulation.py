"""The clock and queue: stock SimPy programs run unchanged, timers run in SimPy's order."""

from __future__ import annotations

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.kernel import LATE, Simulation


def machine_shop(env: simpy.Environment, log: list) -> None:
    """Processes, interrupts, conditions, resources and failed events in one small program."""
    bench = simpy.PriorityResource(env, capacity=2)
    parts = simpy.Store(env)

    def worker(name: int):
        for step in range(3):
            with bench.request(priority=name % 2) as turn:
                try:
                    got = yield turn | env.timeout(7)
                    log.append((env.now, name, step, turn in got))
                    yield env.timeout(3 + name)
                    yield parts.put((name, step))
                except simpy.Interrupt as interrupt:
                    log.append((env.now, name, "interrupted", interrupt.cause))

    def breaker(victims: list[simpy.Process]):
        yield env.timeout(5)
        for victim in victims[::2]:
            if victim.is_alive:
                victim.interrupt("break")
        trouble = env.event()
        trouble.fail(RuntimeError("expected"))
        try:
            yield trouble
        except RuntimeError as error:
            log.append((env.now, str(error)))

    def collector():
        while True:
            part = yield parts.get()
            log.append((env.now, "part", part))

    workers = [env.process(worker(name)) for name in range(5)]
    env.process(breaker(workers))
    env.process(collector())


def test_simpy_programs_give_the_same_log():
    stock_log: list = []
    our_log: list = []
    stock, ours = simpy.Environment(), Simulation()
    machine_shop(stock, stock_log)
    machine_shop(ours, our_log)
    for until in (4, 9, 40):
        stock.run(until=until)
        ours.run(until=until)
        assert our_log == stock_log
        assert ours.now == stock.now


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_timers_run_in_the_order_of_simpy_timeouts(delays: list[int]):
    stock, ours = simpy.Environment(), Simulation()
    stock_log: list[int] = []
    our_log: list[int] = []
    for number, delay in enumerate(delays):
        event = stock.timeout(delay)
        event.callbacks.append(lambda _, number=number: stock_log.append(number))
        ours.call_later(delay, our_log.append, number)
    stock.run()
    ours.run()
    assert our_log == stock_log


def test_a_cancelled_timer_never_calls(sim: Simulation):
    called: list[str] = []
    timer = sim.timer(5, called.append, "cancelled")
    sim.call_later(3, timer.cancel)
    sim.call_later(9, called.append, "kept")
    sim.run()
    assert called == ["kept"]
    assert not timer.active


def test_late_priority_runs_after_its_instant(sim: Simulation):
    log: list[str] = []
    sim.call_with_priority(LATE, 0, log.append, "late")
    sim.call_later(0, log.append, "normal")
    sim.run()
    assert log == ["normal", "late"]


def test_time_is_integer_nanoseconds(sim: Simulation):
    with pytest.raises(TypeError, match="integer nanoseconds"):
        sim.timeout(0.5)
    with pytest.raises(TypeError, match="integer nanoseconds"):
        sim.call_later(0.5, print)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        sim.call_later(-1, print)
    sim.timeout(2.0)
    sim.run()
    assert sim.now == 2
    assert isinstance(sim.now, int)


def test_run_until_sets_the_clock_when_nothing_is_left(sim: Simulation):
    sim.call_later(3, lambda: None)
    sim.run_until(100)
    assert sim.now == 100


def test_an_error_in_a_callback_reaches_the_caller_and_the_run_can_go_on(sim: Simulation):
    log: list[int] = []
    sim.call_later(1, lambda: 1 // 0)
    sim.call_later(2, log.append, 2)
    with pytest.raises(ZeroDivisionError):
        sim.run()
    sim.run()
    assert log == [2]


def test_the_event_hash_sees_the_order_of_events():
    def digest(order: tuple[str, str]) -> str:
        sim = Simulation(event_hash=True)
        handlers = {"a": list[int]().append, "b": set[int]().add}
        for name in order:
            sim.call_later(1, handlers[name], 0)
        sim.run()
        return sim.event_digest()

    assert digest(("a", "b")) == digest(("a", "b"))
    assert digest(("a", "b")) != digest(("b", "a"))
