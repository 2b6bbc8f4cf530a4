"""Who has room, by intersections of bit sets: what a look at every machine says."""

from __future__ import annotations

import numpy as np
import pytest

from feitian_sim.fuxi import free_index
from feitian_sim.fuxi.free_index import FreeIndex, machines_of, next_machine
from feitian_sim.fuxi.resources import fits
from tests.fuxi.scheduling.vectors import how_many


def test_the_next_machine_is_looked_for_around_the_end():
    assert [next_machine(0b1001000, start) for start in range(8)] == [3, 3, 3, 3, 6, 6, 6, 3]
    assert list(machines_of(0b1001000)) == [3, 6]


@pytest.mark.parametrize("rungs", [4, 64])
def test_room_is_found_as_by_looking_at_every_machine(rungs, monkeypatch):
    """Shapes come and go, more than a ladder has rungs; machines fill, empty, close, and fall below zero."""
    monkeypatch.setattr(free_index, "RUNGS_MAX", rungs)
    rng = np.random.Generator(np.random.Philox(5))
    machines = 70
    index = FreeIndex(machines, 3)
    for machine in range(machines):
        index.set_capacity(machine, (40, 400, 4))
    shapes = []
    for step in range(3000):
        if rng.integers(20) == 0 and shapes:
            index.forget(shapes.pop(int(rng.integers(len(shapes)))))
        if rng.integers(10) == 0 or not shapes:
            vector = (int(rng.integers(0, 30)), int(rng.integers(1, 300)), int(rng.integers(-8, 4)))
            shapes.append(index.shape((vector[0], vector[1], max(0, vector[2]))))
        machine = int(rng.integers(machines))
        index.show(machine, (int(rng.integers(-3, 41)), int(rng.integers(-3, 401)), int(rng.integers(-1, 5))))
        index.open ^= 1 << machine if step % 3 == 0 else 0
        shape = shapes[int(rng.integers(len(shapes)))]
        needs = [dimension for dimension, amount in enumerate(shape.vector) if amount]
        expected = []
        for other in range(machines):
            free = index.free(other)
            has = all(free[dimension] >= shape.vector[dimension] for dimension in needs)
            assert (shape.fit(free) > 0) == has
            if min(free) >= 0:
                assert has == fits(shape.vector, free)
                assert shape.fit(free) == how_many(shape.vector, free)
            if has and index.open >> other & 1:
                expected.append(other)
        assert list(machines_of(index.with_room(shape))) == expected
    assert sum(level.bit_count() for level in index.levels) == machines


def test_a_level_is_the_share_of_the_scarcest_resource():
    index = FreeIndex(1, 3)
    index.set_capacity(0, (16, 1600, 0))
    for free, level in (((16, 1600, 0), 15), ((8, 1600, 0), 8), ((16, 199, 0), 1), ((-1, 1600, 0), 0)):
        index.show(0, free)
        assert index.level(0) == level
        assert index.levels[level] == 1


def test_a_unit_that_needs_nothing_is_refused():
    with pytest.raises(ValueError, match="needs nothing"):
        FreeIndex(1, 2).shape((0, 0))
