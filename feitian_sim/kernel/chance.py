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
_FIRST_BLOCK = 4
_LARGEST_BLOCK = 1024


def stream_key(seed: int, run: int, name: str, entity: str, purpose: str) -> int:
    """128 bits that stand for one stream; the parts are length-prefixed so that no two identities collide."""
    parts = (str(seed), str(run), name, entity, purpose)
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


class Stream:
    """One keyed sequence of uniform draws.

    One uniform is spent per decision; distributions turn it into a value by their inverse CDF.
    """

    __slots__ = ("_block", "_generator", "_key", "_length", "_position", "count")

    def __init__(self, key: int) -> None:
        self._key = key
        self._generator = np.random.Philox(key=key)
        self._block: list[float] = []
        self._position = 0
        self._length = _FIRST_BLOCK
        #: Draws taken so far: the n of the next draw.
        self.count = 0

    def uniform(self) -> float:
        """The next draw, in the open interval (0, 1)."""
        if self._position == len(self._block):
            self._block = _to_uniform(self._generator.random_raw(self._length)).tolist()
            self._position = 0
            self._length = min(self._length * 4, _LARGEST_BLOCK)
        value = self._block[self._position]
        self._position += 1
        self.count += 1
        return value

    def uniforms(self, count: int) -> FloatArray:
        """The next ``count`` draws: the same numbers that ``count`` calls of :meth:`uniform` would give."""
        left = np.array(self._block[self._position : self._position + count], dtype=np.float64)
        self._position += len(left)
        self.count += count
        fresh = count - len(left)
        if not fresh:
            return left
        return np.concatenate([left, _to_uniform(self._generator.random_raw(fresh))])

    def at(self, number: int) -> float:
        """Draw ``number`` (from 0), without moving the stream."""
        generator = np.random.Philox(key=self._key, counter=number // 4)
        return float(_to_uniform(generator.random_raw(4))[number % 4])

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
        items[:] = [items[position] for position in self.permutation(len(items)).tolist()]


def _to_uniform(raw: npt.NDArray[np.uint64]) -> FloatArray:
    return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * _SPACING
