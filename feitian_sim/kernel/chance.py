"""Chance: random draws keyed by identity, not by order (DESIGN rule 2).

The n-th draw of a stream depends on the seed, the run, the stream's name, its entity, its purpose and n, and on
nothing else: a new component, another policy or a re-ordered message changes no one else's draws. The key
is a BLAKE2b hash of the identity; the draws are numpy's counter-based Philox4x64 (Salmon et al., SC'11),
whose integer output is the same for every numpy version, so any draw can also be asked for by number.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
T = TypeVar("T")

#: 2**-53: the spacing of doubles just below one.
_SPACING = 1.1102230246251565e-16
#: Draws that are made four at a time, without a generator, whose construction costs as much as they do.
_BY_HAND = 12
#: Draws in a generator's first block; each block is four times the one before, up to the largest.
_FIRST_LENGTH = 16
_LARGEST_BLOCK = 1024
_WORD = (1 << 64) - 1
#: What is added to the two halves of the key in each round.
_WEYL = tuple((0x9E3779B97F4A7C15 * step & _WORD, 0xBB67AE8584CAA73B * step & _WORD) for step in range(10))


def stream_key(seed: int, run: int, name: str, entity: str, purpose: str) -> int:
    """128 bits that stand for one stream; the parts are length-prefixed so that no two identities collide."""
    parts = (str(seed), str(run), name, entity, purpose)
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


def philox_block(key: int, counter: int) -> tuple[int, int, int, int]:
    """Block ``counter`` of Philox4x64-10 under a key of 128 bits: four numbers of 64 bits (Salmon et al., SC'11).

    The very numbers of numpy's generator, whose construction costs several times a block.
    """
    key_0, key_1 = key & _WORD, key >> 64
    word_0, word_1, word_2, word_3 = counter & _WORD, counter >> 64, 0, 0
    for weyl_0, weyl_1 in _WEYL:
        product_0, product_1 = 0xD2E7470EE14C6C93 * word_0, 0xCA5A826395121157 * word_2
        word_0 = (product_1 >> 64) ^ word_1 ^ (key_0 + weyl_0 & _WORD)
        word_2 = (product_0 >> 64) ^ word_3 ^ (key_1 + weyl_1 & _WORD)
        word_1, word_3 = product_1 & _WORD, product_0 & _WORD
    return word_0, word_1, word_2, word_3


class Stream:
    """One keyed sequence of uniform draws.

    One uniform is spent per decision; distributions turn it into a value by their inverse CDF.
    """

    __slots__ = ("_block", "_generator", "_key", "_length", "_made", "_position", "count")

    def __init__(self, key: int) -> None:
        self._key = key
        self._generator: np.random.Philox | None = None
        self._block: list[float] = []
        self._position = 0
        # Draws made without a generator.
        self._made = 0
        self._length = _FIRST_LENGTH
        #: Draws taken so far: the n of the next draw.
        self.count = 0

    def uniform(self) -> float:
        """The next draw, in the open interval (0, 1)."""
        if self._position == len(self._block):
            self._next_block()
        value = self._block[self._position]
        self._position += 1
        self.count += 1
        return value

    def uniforms(self, count: int) -> FloatArray:
        """The next ``count`` draws: the same numbers that ``count`` calls of :meth:`uniform` would give."""
        if count <= _BY_HAND:
            return np.array([self.uniform() for _ in range(count)], dtype=np.float64)
        if not self._block:
            self._next_block()
        left = np.array(self._block[self._position : self._position + count], dtype=np.float64)
        self._position += len(left)
        self.count += count
        fresh = count - len(left)
        if not fresh:
            return left
        return np.concatenate([left, _to_uniform(self._numbers().random_raw(fresh))])

    def _next_block(self) -> None:
        if self._generator is None and self._made < _BY_HAND:
            # Most streams give a few draws, and a generator costs more than they do.
            numbers = philox_block(self._key, self._made // 4 + 1)
            self._made += 4
            self._block = [((raw >> 11) + 0.5) * _SPACING for raw in numbers]
        else:
            self._block = _to_uniform(self._numbers().random_raw(self._length)).tolist()
            self._length = min(self._length * 4, _LARGEST_BLOCK)
        self._position = 0

    def _numbers(self) -> np.random.Philox:
        if self._generator is None:
            # The first block of a generator is the one after its counter; those before were made without it.
            self._generator = np.random.Philox(key=self._key, counter=self._made // 4)
        return self._generator

    def at(self, number: int) -> float:
        """Draw ``number`` (from 0), without moving the stream."""
        return ((philox_block(self._key, number // 4 + 1)[number % 4] >> 11) + 0.5) * _SPACING

    def child(self, purpose: str) -> Stream:
        """Another stream, whose draws depend on this one's identity and ``purpose``; takes no draw from it."""
        text = f"{self._key}:{purpose}"
        return Stream(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))

    def integer(self, limit: int) -> int:
        """An integer in [0, limit). Raises ValueError when ``limit`` is below one."""
        if limit < 1:
            raise ValueError(f"an integer below {limit} cannot be drawn")
        return int(self.uniform() * limit)

    def choice(self, options: Sequence[T] | npt.NDArray[Any]) -> T:
        """One of ``options``, each equally likely."""
        chosen: T = options[self.integer(len(options))]
        return chosen

    def permutation(self, count: int) -> npt.NDArray[np.int64]:
        """0..count-1 in random order; spends ``count`` draws."""
        return np.argsort(self.uniforms(count), kind="stable")

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put ``items`` in random order, in place; spends one draw an item."""
        if len(items) <= _BY_HAND:
            # As permutation() has it: a stable sort of as many draws.
            draws = [self.uniform() for _ in items]
            items[:] = [items[position] for position in sorted(range(len(items)), key=draws.__getitem__)]
            return
        items[:] = [items[position] for position in self.permutation(len(items)).tolist()]


def _to_uniform(raw: npt.NDArray[np.uint64]) -> FloatArray:
    return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * _SPACING
