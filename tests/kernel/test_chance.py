"""Draws are keyed by identity and by nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.kernel import Simulation
from feitian_sim.kernel.chance import Stream, stream_key


@given(st.lists(st.integers(0, 40), max_size=12))
def test_the_nth_draw_does_not_depend_on_how_it_was_asked_for(batches: list[int]):
    """One by one, in blocks or by number: the same draws."""
    mixed, reference = Stream(7), Stream(7)
    drawn: list[float] = []
    for index, size in enumerate(batches):
        drawn += mixed.uniforms(size).tolist() if index % 2 else [mixed.uniform() for _ in range(size)]
    assert drawn == [reference.uniform() for _ in range(len(drawn))]
    assert drawn[:9] == [reference.at(number) for number in range(min(9, len(drawn)))]


def test_another_stream_changes_no_ones_draws():
    quiet, busy = Simulation(seed=3), Simulation(seed=3)
    busy.stream("network", "r0/m1").uniforms(1000)
    expected = quiet.stream("disk", "r0/m0/d3", "failure").uniforms(5).tolist()
    assert busy.stream("disk", "r0/m0/d3", "failure").uniforms(5).tolist() == expected


def test_every_part_of_the_identity_counts():
    keys = {
        stream_key(seed, run, name, entity, purpose)
        for seed in (0, 1)
        for run in (0, 1)
        for name, entity, purpose in (("a", "b", ""), ("ab", "", ""), ("a", "", "b"), ("", "a", "b"), ("a:b", "", ""))
    }
    assert len(keys) == 20


GOLDEN = [376342274, 746068799, 472588201, 135241751]


def test_published_draws_never_change():
    """Digests of published results hang on these numbers."""
    stream = Simulation(seed=42, run=1).stream("pangu.placement", "chunk-7")
    assert [stream.integer(10**9) for _ in range(4)] == GOLDEN


def test_draws_are_uniform_and_open():
    values = Simulation(seed=5).stream("x").uniforms(200_000)
    assert values.min() > 0.0
    assert values.max() < 1.0
    counts = np.bincount((values * 100).astype(int), minlength=100)
    chi_square = float(((counts - 2000.0) ** 2 / 2000.0).sum())
    assert 50 < chi_square < 160  # 99 degrees of freedom


def test_shuffle_and_permutation_are_permutations():
    stream = Simulation(seed=5).stream("x")
    assert sorted(stream.permutation(50).tolist()) == list(range(50))
    items = list("abcdef")
    stream.shuffle(items)
    assert sorted(items) == list("abcdef")
