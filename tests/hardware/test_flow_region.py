"""Rates solved for the region of an event alone against a solve of everything, event after event."""

from __future__ import annotations

import numpy as np
import pytest

from feitian_sim.hardware import flow_region
from feitian_sim.hardware.flow_arrays import NONE
from feitian_sim.hardware.flow_slots import Slots
from tests.hardware.test_max_min import brute_force

RACKS, MACHINES = 6, 8
CARDS = RACKS * MACHINES
LINKS = 2 * CARDS + 2 * RACKS


class Book:
    """Flows between the machines of a tree, in slots, in the order in which they began."""

    def __init__(self, capacity: np.ndarray) -> None:
        self.slots = Slots()
        self.capacity = capacity
        self.order: list[int] = []

    def begin(self, path: tuple[int, ...], weight: float, cap: float) -> int:
        slot = self.slots.take(path, 1e12, weight, cap, 0, len(self.order))
        self.order.append(slot)
        return slot

    def update(self, begun: list[int], ended: list[int], *, whole: bool) -> bool:
        """Returns whether all were solved."""
        order = np.array([NONE if slot in ended else slot for slot in self.order], dtype=np.int64)
        changes = (np.array(slots, dtype=np.int64) for slots in (begun, ended))
        flows, _, _, solved_all = flow_region.update(
            self.slots.net(self.capacity), order, *changes, whole, self.slots.must_relist, 0
        )
        self.slots.must_relist = False
        self.order = order[:flows].tolist()
        for slot in ended:
            self.slots.give_back(slot)
        return bool(solved_all)


def path(draws: np.random.Generator) -> tuple[int, ...]:
    source, target = draws.choice(CARDS, 2, replace=False).tolist()
    racks = (source // MACHINES, target // MACHINES)
    between = () if racks[0] == racks[1] else (2 * CARDS + racks[0], 2 * CARDS + RACKS + racks[1])
    return (source, *between, CARDS + target)


@pytest.mark.parametrize("crowd", [25, 60, 200])
@pytest.mark.parametrize("alike", [True, False])
def test_the_region_of_an_event_gives_the_rates_of_a_whole_solve(crowd: int, alike: bool):
    draws = np.random.default_rng(crowd)
    capacity = np.concatenate([np.full(2 * CARDS, 1.25e9), np.full(2 * RACKS, 3e9)])
    if not alike:
        capacity *= draws.choice([1.0, 0.5, 0.1], LINKS)
    book = Book(capacity)
    flows: dict[int, tuple[tuple[int, ...], float, float]] = {}
    by_region = 0
    for event in range(400):
        begun, ended = [], []
        for slot in list(flows):
            if draws.random() < 0.5 / crowd:
                ended.append(slot)
                del flows[slot]
        while len(flows) < crowd and draws.random() < 0.7:
            weight = 1.0 if alike else float(draws.choice([1.0, 2.0, 0.5]))
            cap = float("inf") if alike else float(draws.choice([np.inf, 2e8, 1e9]))
            what = (path(draws), weight, cap)
            begun.append(book.begin(*what))
            flows[begun[-1]] = what
        by_region += not book.update(begun, ended, whole=False)
        fresh = Book(capacity)
        again = [fresh.begin(*flows[slot]) for slot in book.order]
        fresh.update(again, [], whole=True)
        ours = [book.slots.rate(slot) for slot in book.order]
        assert ours == pytest.approx([fresh.slots.rate(slot) for slot in again], rel=1e-7)
        if event % 80 == 79:
            # Which knows nothing of regions, nor of links that cannot bind anybody.
            paths, weights, caps = zip(*(flows[slot] for slot in book.order), strict=True)
            exact = brute_force([list(one) for one in paths], capacity.tolist(), list(weights), list(caps))
            assert ours == pytest.approx(exact, rel=1e-7)
    assert by_region > 100


def test_longer_paths_and_more_flows_than_there_was_room_for():
    book = Book(np.full(64, 1e9))
    begun = [book.begin(tuple(range(1 + number % 40)), 1.0, float("inf")) for number in range(300)]
    book.update(begun, [], whole=False)
    assert book.slots.rate(begun[0]) == pytest.approx(1e9 / 300)
    book.update([], begun[:299], whole=False)
    assert book.slots.rate(begun[299]) == 1e9
