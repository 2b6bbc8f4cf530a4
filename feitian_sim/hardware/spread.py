"""Where the servers of a small replicated service stand: one to a rack, as long as there are racks.

So the loss of a rack, its switch or its power takes one of them. With fewer racks than servers the racks take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def spread_over_racks(racks: Sequence[Sequence[T]], count: int, place: int = 0) -> tuple[T, ...]:
    """``count`` different machines, or all there are: from each rack in turn, beginning at its machine ``place``.

    Services that begin at different places stand on different machines while racks have so many.
    """
    turns = max((len(rack) for rack in racks), default=0)
    inside = [[rack[(place + turn) % len(rack)] if turn < len(rack) else None for turn in range(turns)] for rack in racks]
    in_turn = (machines[turn] for turn in range(turns) for machines in inside)
    return tuple(machine for machine in in_turn if machine is not None)[:count]
