"""Hashing numbers into uniform ones, for policies that compute a place instead of drawing it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def mixed(key: npt.NDArray[np.integer] | Words, part: npt.NDArray[np.integer]) -> Words:
    """64 bits for each pair of a key and a part, which broadcast: a step of SplitMix64 (Steele et al., OOPSLA 2014).

    Chained, it hashes tuples: ``mixed(mixed(seed, group), server)``. Both are arrays, for numpy warns of the wanted
    overflow in scalars.
    """
    word: Words = key.astype(np.uint64) ^ part.astype(np.uint64)
    word += _GAMMA
    word ^= word >> _SHIFTS[0]
    word *= _FIRST
    word ^= word >> _SHIFTS[1]
    word *= _SECOND
    word ^= word >> _SHIFTS[2]
    return word


def straws(hashes: Words, weights: Floats) -> Floats:
    """The length of each straw, of which the longest wins: each with a probability proportional to its weight.

    ``ln(u) / weight`` for u uniform in (0, 1) is straw2 of CRUSH and, since ``-weight / ln(u)`` has the same order,
    weighted rendezvous hashing too: one that is added or heavier takes from the others, and moves nothing between
    them. Equal weights leave the order of u, which then stands for it. No weight, no straw: minus infinity.
    """
    uniform = (hashes >> np.uint64(11)).astype(np.float64) + 0.5
    some = weights[weights > 0]
    if not len(some):
        return np.full(uniform.shape, -np.inf)
    if (some != some[0]).any():
        uniform *= 2.0**-53
        np.log(uniform, out=uniform)
        uniform /= np.maximum(weights, 1.0)
    if len(some) < weights.size:
        uniform[np.broadcast_to(weights <= 0, uniform.shape)] = -np.inf
    return uniform
