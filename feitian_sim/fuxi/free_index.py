"""Which machines have room: sets of machines as the bits of one integer, kept up to date as resources come and go.

For each dimension there is a ladder of amounts: on each rung stands the set of machines with at least that much free.
Who has room for a unit is the intersection of one rung for each dimension, so the answer costs as many ``and`` of
5,000 bits (0.2 us) as the unit has dimensions, however many machines there are. Rungs are the amounts that units
really ask for, so that answers are exact; where more differ than a ladder may have rungs, the next lower rung gives
candidates and these are looked at one by one.

A machine also stands on one of a few *levels* by how much of it is free, for policies that pack or spread.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from feitian_sim.fuxi.resources import Vector

#: Amounts that a ladder tells apart.
RUNGS_MAX = 64
#: Levels of free share.
LEVELS = 16


def machines_of(mask: int) -> Iterator[int]:
    """The machines of a set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def next_machine(mask: int, start: int) -> int:
    """The first machine of a set that is not empty, from ``start`` on, then from 0."""
    above = mask >> start
    if above:
        return start + (above & -above).bit_length() - 1
    return (mask & -mask).bit_length() - 1


class Shape:
    """A vector that units ask for; ``needs`` are the dimensions of which it wants something, with the amounts."""

    __slots__ = ("needs", "users", "vector")

    def __init__(self, vector: Vector) -> None:
        self.vector = vector
        self.needs = tuple((dimension, amount) for dimension, amount in enumerate(vector) if amount > 0)
        #: Units that are defined with it.
        self.users = 0
        if not self.needs:
            raise ValueError("a unit that needs nothing cannot be scheduled")

    def fit(self, free: Sequence[int]) -> int:
        """How many fit into ``free``; 0 when some amount of it is negative."""
        least = -1
        for dimension, amount in self.needs:
            count = free[dimension] // amount
            if count <= 0:
                return 0
            if least < 0 or count < least:
                least = count
        return least


class _Ladder:
    """Sets of machines by how much of one resource they have free."""

    __slots__ = ("masks", "rungs", "users")

    def __init__(self) -> None:
        self.rungs: list[int] = []
        self.masks: list[int] = []
        self.users: dict[int, int] = {}

    def need(self, amount: int, free: Sequence[Sequence[int]], dimension: int) -> None:
        """One more shape wants ``amount``: give it a rung, if there is a place for one."""
        self.users[amount] = self.users.get(amount, 0) + 1
        place = bisect_left(self.rungs, amount)
        if place < len(self.rungs) and self.rungs[place] == amount:
            return
        if len(self.rungs) >= RUNGS_MAX and not self._drop_unused():
            return
        place = bisect_left(self.rungs, amount)
        self.rungs.insert(place, amount)
        digits = bytearray((len(free) + 7) // 8)
        for machine, amounts in enumerate(free):
            if amounts[dimension] >= amount:
                digits[machine >> 3] |= 1 << (machine & 7)
        self.masks.insert(place, int.from_bytes(digits, "little"))

    def done(self, amount: int) -> None:
        """One shape less wants ``amount``; its rung stays until the place is needed."""
        self.users[amount] -= 1
        if not self.users[amount]:
            del self.users[amount]

    def moved(self, bit: int, before: int, after: int) -> None:
        """A machine's free amount has changed."""
        rungs = self.rungs
        if before < after:
            low, high = bisect_right(rungs, before), bisect_right(rungs, after)
        else:
            low, high = bisect_right(rungs, after), bisect_right(rungs, before)
        masks = self.masks
        for rung in range(low, high):
            masks[rung] ^= bit

    def _drop_unused(self) -> bool:
        for place, amount in enumerate(self.rungs):
            if amount not in self.users:
                del self.rungs[place]
                del self.masks[place]
                return True
        return False


class FreeIndex:
    """Free resources of all machines; ``free`` is what may be granted, ``open`` who may get anything."""

    __slots__ = ("_at", "_capacity", "_ladders", "_shapes", "_shown", "bits", "levels", "open")

    def __init__(self, machines: int, dimensions: int) -> None:
        self.bits = [1 << machine for machine in range(machines)]
        self._shown: list[Vector] = [(0,) * dimensions] * machines
        self._capacity: list[Vector] = [(0,) * dimensions] * machines
        self._ladders = [_Ladder() for _ in range(dimensions)]
        self._shapes: dict[Vector, Shape] = {}
        self._at = [0] * machines
        #: Machines by the share of them that is free, from the fullest to the emptiest.
        self.levels = [0] * LEVELS
        self.levels[0] = (1 << machines) - 1
        self.open = 0

    def shape(self, vector: Vector) -> Shape:
        """The shape of a unit that is being defined; to be given back by :meth:`forget`."""
        shape = self._shapes.get(vector)
        if shape is None:
            shape = self._shapes[vector] = Shape(vector)
            for dimension, amount in shape.needs:
                self._ladders[dimension].need(amount, self._shown, dimension)
        shape.users += 1
        return shape

    def forget(self, shape: Shape) -> None:
        """A unit of that shape is no more."""
        shape.users -= 1
        if not shape.users:
            del self._shapes[shape.vector]
            for dimension, amount in shape.needs:
                self._ladders[dimension].done(amount)

    def set_capacity(self, machine: int, capacity: Vector) -> None:
        """What a machine has; levels are shares of it."""
        self._capacity[machine] = capacity

    def capacity(self, machine: int) -> Vector:
        """What a machine has."""
        return self._capacity[machine]

    def free(self, machine: int) -> Vector:
        """What a machine has free, as the index knows it."""
        return self._shown[machine]

    def show(self, machine: int, free: Vector) -> None:
        """A machine has this much free from now on."""
        before = self._shown[machine]
        if before == free:
            return
        self._shown[machine] = free
        bit = self.bits[machine]
        for ladder, had, has in zip(self._ladders, before, free, strict=True):
            if had != has:
                ladder.moved(bit, had, has)
        level = self._level(free, self._capacity[machine])
        if level != self._at[machine]:
            self.levels[self._at[machine]] ^= bit
            self.levels[level] ^= bit
            self._at[machine] = level

    def level(self, machine: int) -> int:
        """The level that a machine stands on."""
        return self._at[machine]

    def with_room(self, shape: Shape) -> int:
        """The open machines that have room for one of a shape."""
        found = self.open
        unsure = False
        for dimension, amount in shape.needs:
            ladder = self._ladders[dimension]
            place = bisect_right(ladder.rungs, amount) - 1
            if place >= 0:
                found &= ladder.masks[place]
                unsure |= ladder.rungs[place] != amount
            else:
                unsure = True
        return self._sifted(found, shape) if unsure and found else found

    def _sifted(self, found: int, shape: Shape) -> int:
        # Machines that are on the next higher rung in every dimension have room for sure.
        sure = found
        for dimension, amount in shape.needs:
            ladder = self._ladders[dimension]
            place = bisect_left(ladder.rungs, amount)
            sure &= ladder.masks[place] if place < len(ladder.masks) else 0
        for machine in machines_of(found ^ sure):
            if shape.fit(self._shown[machine]):
                sure |= self.bits[machine]
        return sure

    @staticmethod
    def _level(free: Vector, capacity: Vector) -> int:
        """The scarcest of its resources decides how free a machine is."""
        least = LEVELS - 1
        for has, whole in zip(free, capacity, strict=True):
            if whole > 0:
                level = has * LEVELS // whole
                if level < least:
                    least = level
        return max(0, least)
