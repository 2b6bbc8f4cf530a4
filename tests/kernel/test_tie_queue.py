"""Events of one instant come in a drawn order; time, priority and cause still rule."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest

from feitian_sim.kernel import Simulation


def _order(seed: int, *, late: bool = False) -> tuple[str, ...]:
    """Three timers of one instant; ``late``: set when the instant is already in the nearest bucket."""
    sim, seen = Simulation(seed, drawn_ties=True), []

    def set_timers() -> None:
        for name in "abc":
            sim.call_later(1_000, seen.append, name)

    if late:
        # What is due before them keeps them from being the next.
        sim.call_later(10, set_timers)
        sim.call_later(500, seen.append, "before")
    else:
        set_timers()
    sim.run()
    return tuple(one for one in seen if one != "before")


@pytest.mark.parametrize("late", [False, True])
def test_every_order_of_equals_comes_about_as_often(late: bool):
    counts = Counter(_order(seed, late=late) for seed in range(1_200))
    assert set(counts) == set(permutations("abc"))
    # Chi squared of six cells: 20.5 is passed once in a thousand.
    assert sum((count - 200) ** 2 / 200 for count in counts.values()) < 20.5


def test_a_seed_has_one_order():
    assert [_order(seed) for seed in range(20)] == [_order(seed) for seed in range(20)]


def test_insertion_rules_where_no_ties_are_drawn():
    for seed in range(20):
        sim, seen = Simulation(seed), []
        for name in "abc":
            sim.call_later(1_000, seen.append, name)
        sim.run()
        assert seen == ["a", "b", "c"]


def test_time_and_priority_rule():
    for seed in range(50):
        sim, seen = Simulation(seed, drawn_ties=True), []
        for time_ns, priority in ((30, 1), (10, 2), (10, 1), (20, 1), (10, 0), (10, 1), (20, 0)):
            sim.call_with_priority(priority, time_ns, seen.append, (time_ns, priority))
        sim.run()
        assert seen == sorted(seen)
        assert len(seen) == 7


def test_what_an_event_brings_about_comes_after_what_was_there():
    """Two chains that begin at one instant take steps in turn, whichever begins: no step overtakes an older one."""
    for seed in range(50):
        sim, seen = Simulation(seed, drawn_ties=True), []

        def chain(name: str, sim: Simulation = sim, seen: list[tuple[str, int]] = seen):
            yield sim.timeout(1_000)
            for step in range(4):
                seen.append((name, step))
                yield sim.timeout(0)

        sim.process(chain("a"))
        sim.process(chain("b"))
        sim.run()
        assert [step for _, step in seen] == sorted(step for _, step in seen)


def test_a_race_is_found():
    """A counter that is read and written back by two timers of one instant loses an update in one order of two."""

    def total(seed: int) -> int:
        sim, state = Simulation(seed, drawn_ties=True), {"balance": 10}
        sim.call_later(100, lambda: state.update(balance=state["balance"] * 2))
        sim.call_later(100, lambda: state.update(balance=state["balance"] + 1))
        sim.run()
        return state["balance"]

    assert {total(seed) for seed in range(20)} == {21, 22}
