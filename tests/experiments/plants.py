"""Planted nondeterminism: each plant puts one handler on a platform that does what must not be done.

``double_run`` calls a plant by name in each of its processes. A plant's ticker is a handler like any other: it is
called at intervals, and schedules calls of :meth:`Ticker.visit`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable
from enum import Enum, auto
from functools import cache
from weakref import WeakSet

import numpy as np

from feitian_sim.kernel import MILLISECOND, Simulation
from feitian_sim.scenario.wiring import Platform

_NAMES = [f"name-{number}" for number in range(40)]
#: What runs leave behind in this module.
_LEFT: list[int] = []


class Thing:
    """Something without an order."""

    def __init__(self, number: int) -> None:
        self.number = number


class Ticker:
    """Every 10 ms asks its plant for what to visit and visits each, in that order, after what the plant says."""

    name = "ticker"

    def __init__(self, sim: Simulation, order: Callable[[], Iterable[object]], delay_ns: Callable[[], int]) -> None:
        self._sim = sim
        self._order = order
        self._delay_ns = delay_ns
        # Things that live on, made amid the rest, as in any program.
        self._things: list[object] = []
        sim.call_later(10 * MILLISECOND, self.tick)

    def tick(self) -> None:
        for one in self._order():
            self._sim.call_later(self._delay_ns(), self.visit, one)
        self._sim.call_later(10 * MILLISECOND, self.tick)

    def visit(self, which: object) -> None:
        """What differs, in its order or its instant."""


def _nothing_ns() -> int:
    return MILLISECOND


def _single() -> list[str]:
    return ["one"]


def none(platform: Platform) -> None:
    Ticker(platform.sim, lambda: _NAMES, _nothing_ns)


def set_of_str(platform: Platform) -> None:
    Ticker(platform.sim, lambda: set(_NAMES), _nothing_ns)


def _things() -> list[Thing]:
    # Among others that go again, as in any program that does something.
    made = [Thing(number) for number in range(400)]
    kept = made[::3]
    del made
    return kept + [Thing(number) for number in range(400, 600)]


def sort_by_id(platform: Platform) -> None:
    kept: list[list[Thing]] = []

    def order() -> list[int]:
        kept.append(_things())
        return [thing.number for thing in sorted(kept[-1], key=id)]

    Ticker(platform.sim, order, _nothing_ns)


def set_of_objects(platform: Platform) -> None:
    kept: list[list[Thing]] = []

    def order() -> list[int]:
        kept.append(_things())
        return [thing.number for thing in set(kept[-1])]

    Ticker(platform.sim, order, _nothing_ns)


def weak_set(platform: Platform) -> None:
    kept: list[list[Thing]] = []

    def order() -> list[int]:
        kept.append(_things())
        return [thing.number for thing in WeakSet(kept[-1])]

    Ticker(platform.sim, order, _nothing_ns)


def frozenset_of_tuples(platform: Platform) -> None:
    Ticker(platform.sim, lambda: frozenset((name, 1) for name in _NAMES), _nothing_ns)


class _Colour(Enum):
    """Members are hashed by their names."""

    RED = auto()
    GREEN = auto()
    BLUE = auto()
    WHITE = auto()
    BLACK = auto()
    GREY = auto()
    PINK = auto()
    BROWN = auto()


def frozenset_of_enums(platform: Platform) -> None:
    Ticker(platform.sim, lambda: [colour.name for colour in frozenset(_Colour)], _nothing_ns)


def sort_by_default_repr(platform: Platform) -> None:
    kept: list[list[Thing]] = []

    def order() -> list[int]:
        kept.append(_things())
        found = {thing: thing.number for thing in kept[-1]}
        return [found[thing] for thing in sorted(found, key=repr)]

    Ticker(platform.sim, order, _nothing_ns)


def object_hash(platform: Platform) -> None:
    kept = [_things() for _ in range(2)]
    Ticker(platform.sim, _single, lambda: 1 + hash(kept[-1][0]) % MILLISECOND)


def address(platform: Platform) -> None:
    kept = [_things() for _ in range(2)]
    Ticker(platform.sim, _single, lambda: 1 + id(kept[-1]) % MILLISECOND)


def operating_system_random(platform: Platform) -> None:
    Ticker(platform.sim, _single, lambda: 1 + int.from_bytes(os.urandom(2), "big"))


def numpy_random(platform: Platform) -> None:
    Ticker(platform.sim, _single, lambda: 1 + int(np.random.randint(MILLISECOND)))  # noqa: NPY002


def wall_clock(platform: Platform) -> None:
    Ticker(platform.sim, _single, lambda: 1 + time.time_ns() % MILLISECOND)


def global_random(platform: Platform) -> None:
    Ticker(platform.sim, _single, lambda: random.randrange(1, MILLISECOND))


def left_state(platform: Platform) -> None:
    def delay_ns() -> int:
        return MILLISECOND + before

    before = len(_LEFT)
    _LEFT.append(before)
    Ticker(platform.sim, _single, delay_ns)


@cache
def _numbered(name: str) -> int:
    _LEFT.append(len(_LEFT))
    return len(_LEFT)


def cached(platform: Platform) -> None:
    """What is known from an earlier run is not asked for again."""

    def delay_ns() -> int:
        before = _numbered.cache_info().misses
        _numbered(f"{platform.sim.now}")
        return MILLISECOND + _numbered.cache_info().misses - before

    Ticker(platform.sim, _single, delay_ns)


def hash_of_str(platform: Platform) -> None:
    Ticker(platform.sim, _single, lambda: 1 + hash("feitian") % MILLISECOND)


def process_id(platform: Platform) -> None:
    Ticker(platform.sim, _single, lambda: 1 + os.getpid())


def environment(platform: Platform) -> None:
    Ticker(platform.sim, _single, lambda: 1 + int(os.environ.get("PYTHONHASHSEED", "0").replace("random", "0")))


def wall_clock_in_a_process(platform: Platform) -> None:
    """In a SimPy process, which is named by its generator."""

    def waiting(sim: Simulation):
        while True:
            yield sim.timeout(1 + time.time_ns() % MILLISECOND)

    platform.sim.process(waiting(platform.sim))


def wall_clock_of_an_owner(platform: Platform) -> None:
    """In a timer that an owner has."""
    owner = platform.sim.owner("planted#1")

    def again() -> None:
        owner.call_later(1 + time.time_ns() % MILLISECOND, again)

    again()
