"""Servers of a replicated service stand on different machines, and on different racks while racks suffice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.hardware.spread import spread_over_racks


def test_one_to_a_rack_then_round_again() -> None:
    racks = [["a0", "a1"], ["b0", "b1"], ["c0"]]
    assert spread_over_racks(racks, 5) == ("a0", "b0", "c0", "a1", "b1")
    assert spread_over_racks(racks, 3, place=1) == ("a1", "b1", "c0")


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(1, 12), st.integers(0, 7))
def test_machines_differ_and_no_rack_has_two_more_than_another_with_room(
    sizes: list[int], count: int, place: int
) -> None:
    racks = [[(rack, number) for number in range(size)] for rack, size in enumerate(sizes)]
    chosen = spread_over_racks(racks, count, place)
    assert len(chosen) == len(set(chosen)) == min(count, sum(sizes))
    taken = [sum(1 for rack, _ in chosen if rack == number) for number in range(len(sizes))]
    for number, size in enumerate(sizes):
        assert all(taken[number] >= other - 1 for other in taken if taken[number] < size)
