"""Arithmetic of resource vectors, as the yardsticks need it: one unit after the other, amount by amount."""

from __future__ import annotations

from feitian_sim.fuxi.resources import Vector


def plus(one: Vector, other: Vector) -> Vector:
    """The sum."""
    return tuple(a + b for a, b in zip(one, other, strict=True))


def minus(one: Vector, other: Vector) -> Vector:
    """The difference; amounts may come out negative."""
    return tuple(a - b for a, b in zip(one, other, strict=True))


def times(one: Vector, count: int) -> Vector:
    """``count`` of them."""
    return tuple(a * count for a in one)


def how_many(need: Vector, free: Vector) -> int:
    """How many of ``need`` fit into ``free``; 0 when some amount of it is negative already.

    Raises ValueError when ``need`` is nothing at all: of that any number would fit.
    """
    counts = [there // wanted for wanted, there in zip(need, free, strict=True) if wanted]
    if not counts:
        raise ValueError("a unit that needs nothing cannot be scheduled")
    return max(0, min(counts))
