"""Placing millions of chunks one after another, each replica by how full a few candidates are at that moment.

Plain loops over arrays: numba compiles them (no fast-math, so the bits are those of the uncompiled form, which
``NUMBA_DISABLE_JIT=1`` runs). Import this module only where chunks are placed in bulk.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import Ints, PlacementPolicy, Servers

#: Chunks whose draws are made at once.
_BLOCK_ROWS = 1 << 16

Floats = npt.NDArray[np.float64]


def place_in_turn(
    policy: PlacementPolicy,
    view: ClusterView,
    replicas: int,
    stream: Stream,
    sizes: Ints,
    choices: int,
    preference: float = 1.0,
    tolerance: float = 0.0,
) -> Servers:
    """Rows of servers on distinct racks for chunks of ``sizes`` bytes, each taking its space before the next is placed.

    For a replica ``choices`` servers are drawn, uniformly with repetition, among those with room on the other racks.
    Of the one kept so far and the next, the less full is kept with probability ``preference``, and the former where
    their shares of used space differ by less than ``tolerance``. Where racks do not suffice, ``policy.place`` is
    asked, which may raise :class:`PlacementImpossible`.
    """
    filling = view.copy()
    rows = np.empty((len(sizes), replicas), dtype=np.int32)
    width = choices + (preference < 1.0)
    for first in range(0, len(sizes), _BLOCK_ROWS):
        last = min(first + _BLOCK_ROWS, len(sizes))
        draws = stream.uniforms((last - first) * replicas * width).reshape(last - first, replicas, width)
        row = first
        while row < last:
            free = filling.candidates((), int(sizes[row:last].max()))
            by_rack = free[np.argsort(filling.rack[free], kind="stable")]
            starts = np.searchsorted(filling.rack[by_rack], np.arange(int(filling.rack.max(initial=0)) + 2))
            placed = _fill(
                rows[row:last],
                sizes[row:last],
                draws[row - first :],
                by_rack,
                starts.astype(np.int64),
                filling.rack,
                filling.used_bytes,
                filling.capacity_bytes,
                choices,
                preference,
                tolerance,
            )
            row += int(placed)
            if not placed:
                rows[row] = policy.place(filling, replicas, stream, size_bytes=int(sizes[row]))
                filling.used_bytes[rows[row]] += sizes[row]
                row += 1
    return rows


@njit(cache=True)
def _fill(
    rows: Servers,
    sizes: Ints,
    draws: Floats,
    by_rack: Ints,
    starts: Ints,
    rack: Servers,
    used: Ints,
    capacity: Ints,
    choices: int,
    preference: float,
    tolerance: float,
) -> int:
    """Place rows until racks or room run out; returns how many were placed."""
    replicas = rows.shape[1]
    taken = np.empty(replicas, np.int64)
    for row in range(len(rows)):
        others = by_rack.shape[0]
        for place in range(replicas):
            if others <= 0:
                return row
            best = by_rack[_skipping(int(draws[row, place, 0] * others), taken, place, starts)]
            for choice in range(1, choices):
                other = by_rack[_skipping(int(draws[row, place, choice] * others), taken, place, starts)]
                gap = used[best] / capacity[best] - used[other] / capacity[other]
                if gap == 0.0 or abs(gap) < tolerance:
                    continue
                # The last draw of a replica decides whether the emptier is kept.
                emptier = preference >= 1.0 or draws[row, place, choices] < preference
                if (gap > 0.0) == emptier:
                    best = other
            if capacity[best] - used[best] < sizes[row]:
                return row
            rows[row, place] = best
            others -= _bar(rack[best], taken, place, starts)
        for place in range(replicas):
            used[rows[row, place]] += sizes[row]
    return len(rows)


@njit(cache=True)
def _skipping(number: int, taken: Ints, count: int, starts: Ints) -> int:
    """Where server ``number`` of those beside the taken racks stands among all, which are ordered by rack."""
    for position in range(count):
        begin = starts[taken[position]]
        if number < begin:
            break
        number += starts[taken[position] + 1] - begin
    return number


@njit(cache=True)
def _bar(rack: int, taken: Ints, count: int, starts: Ints) -> int:
    """Add a rack to the taken ones, which stay ascending; returns how many servers it bars."""
    position = count
    while position > 0 and taken[position - 1] > rack:
        taken[position] = taken[position - 1]
        position -= 1
    taken[position] = rack
    return int(starts[rack + 1] - starts[rack])
