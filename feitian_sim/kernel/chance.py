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
#: Draws in a stream's first block; each block is four times the one before, up to the largest.
_FIRST_LENGTH = 4
_LARGEST_BLOCK = 1024
#: Up to so many numbers are turned into draws one by one, which costs less than an array.
_FEW = 16
_WORD = (1 << 64) - 1
#: The one generator, a scratch pad: making one costs ten times what it takes to tell it where to begin, which is said
#: anew before each use.
_philox: Any = np.random.Philox(key=0)
_begins: Any = {"key": (0, 0), "counter": (0, 0, 0, 0)}
_state = {
    "bit_generator": "Philox",
    "state": _begins,
    "buffer": (0, 0, 0, 0),
    "buffer_pos": 4,
    "has_uint32": 0,
    "uinteger": 0,
}


def stream_key(seed: int, run: int, name: str, entity: str, purpose: str) -> int:
    """128 bits that stand for one stream; the parts are length-prefixed so that no two identities collide."""
    first, second = str(seed), str(run)
    text = f"{len(first)}:{first}{len(second)}:{second}{len(name)}:{name}{len(entity)}:{entity}{len(purpose)}:{purpose}"
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


def philox(key: int, first: int, count: int) -> npt.NDArray[np.uint64]:
    """Numbers ``first`` to ``first + count - 1`` of Philox4x64-10 under a key of 128 bits."""
    _begins["key"] = key & _WORD, key >> 64
    _begins["counter"] = first >> 2, 0, 0, 0
    _philox.state = _state
    skipped = first & 3
    numbers: npt.NDArray[np.uint64] = _philox.random_raw(skipped + count)
    return numbers[skipped:] if skipped else numbers


class Stream:
    """One keyed sequence of uniform draws.

    One uniform is spent per decision; distributions turn it into a value by their inverse CDF.
    """

    __slots__ = ("_around", "_around_number", "_key", "_left", "_length", "_made")

    def __init__(self, key: int) -> None:
        self._key = key
        # Draws that were made and not taken, the next one last.
        self._left: list[float] = []
        self._made = 0
        self._length = _FIRST_LENGTH
        # The draws that are made together with the one last asked for by number, whose neighbours are often the next.
        self._around_number = -1
        self._around: list[float] = []

    @property
    def count(self) -> int:
        """Draws taken so far: the n of the next draw."""
        return self._made - len(self._left)

    def uniform(self) -> float:
        """The next draw, in the open interval (0, 1)."""
        left = self._left
        if not left:
            self._next_block()
        return left.pop()

    def uniforms(self, count: int) -> FloatArray:
        """The next ``count`` draws: the same numbers that ``count`` calls of :meth:`uniform` would give."""
        if count <= _FEW:
            return np.array([self.uniform() for _ in range(count)], dtype=np.float64)
        made = self._left[: -count - 1 : -1]
        del self._left[len(self._left) - len(made) :]
        fresh = count - len(made)
        if not fresh:
            return np.array(made, dtype=np.float64)
        rest = _to_uniform(philox(self._key, self._made, fresh))
        self._made += fresh
        return np.concatenate([np.array(made, dtype=np.float64), rest]) if made else rest

    def _next_block(self) -> None:
        length = self._length
        numbers = philox(self._key, self._made, length)
        self._made += length
        if length < _LARGEST_BLOCK:
            self._length = 4 * length
        if length > _FEW:
            self._left += _to_uniform(numbers)[::-1].tolist()
        else:
            # Most streams give a few draws.
            self._left += _few_uniforms(numbers)[::-1]

    def at(self, number: int) -> float:
        """Draw ``number`` (from 0), without moving the stream."""
        if number >> 2 != self._around_number:
            self._around_number = number >> 2
            self._around = _few_uniforms(philox(self._key, number & ~3, 4))
        return self._around[number & 3]

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
        if len(items) <= _FEW:
            # As permutation() has it: a stable sort of as many draws.
            draws = [self.uniform() for _ in items]
            items[:] = [items[position] for position in sorted(range(len(items)), key=draws.__getitem__)]
            return
        items[:] = [items[position] for position in self.permutation(len(items)).tolist()]


def _few_uniforms(raw: npt.NDArray[np.uint64]) -> list[float]:
    return [((one >> 11) + 0.5) * _SPACING for one in raw.tolist()]


def _to_uniform(raw: npt.NDArray[np.uint64]) -> FloatArray:
    return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * _SPACING
