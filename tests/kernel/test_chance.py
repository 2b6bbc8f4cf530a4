"""Draws are keyed by identity and by nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.kernel import Simulation
from feitian_sim.kernel.chance import Stream, philox, stream_key


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


def philox_block(key: int, counter: int) -> list[int]:
    """Block ``counter`` of Philox4x64-10, as Salmon et al. (SC'11) write it down."""
    word = (1 << 64) - 1
    key_0, key_1 = key & word, key >> 64
    word_0, word_1, word_2, word_3 = counter, 0, 0, 0
    for _ in range(10):
        product_0, product_1 = 0xD2E7470EE14C6C93 * word_0, 0xCA5A826395121157 * word_2
        word_0, word_1 = (product_1 >> 64) ^ word_1 ^ key_0, product_1 & word
        word_2, word_3 = (product_0 >> 64) ^ word_3 ^ key_1, product_0 & word
        key_0, key_1 = key_0 + 0x9E3779B97F4A7C15 & word, key_1 + 0xBB67AE8584CAA73B & word
    return [word_0, word_1, word_2, word_3]


@given(st.lists(st.tuples(st.integers(0, (1 << 128) - 1), st.integers(0, 40), st.integers(0, 12)), max_size=6))
def test_numbers_are_those_of_the_published_generator_whatever_was_asked_before(asked: list[tuple[int, int, int]]):
    for key, first, count in asked:
        blocks = [number for counter in range(1, 14) for number in philox_block(key, counter)]
        assert philox(key, first, count).tolist() == blocks[first : first + count]


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
