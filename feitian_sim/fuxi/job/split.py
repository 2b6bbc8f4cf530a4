"""A split: the part of an input file that one instance reads (F8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Split:
    """A part of an input file, and the machines that have it."""

    path: str
    offset_bytes: int
    length_bytes: int
    machines: tuple[int, ...] = ()


def first_bytes(parts: Sequence[Split], wanted: int) -> tuple[Split, ...]:
    """The parts up to so many bytes in all; the last one is cut."""
    found: list[Split] = []
    for part in parts:
        if wanted <= 0:
            break
        found.append(part if part.length_bytes <= wanted else replace(part, length_bytes=wanted))
        wanted -= part.length_bytes
    return tuple(found)
