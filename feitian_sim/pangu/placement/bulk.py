"""Placing millions of chunks: the rule of ``next_server``, a column of servers at a time, in blocks of chunks.

Within a column each row's server is drawn until it fits beside those chosen already, which is the same as a uniform
draw among those that fit. Rows that find none in a few tries (a rack of one among racks of a thousand) go through
``next_server``, so that both ways agree on what is possible. Space is taken after each block, so how full a server
looks lags by one block at most, and no server is filled beyond its capacity.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import Ints, PlacementImpossible, PlacementPolicy, Servers

#: So many draws for a row before the exact way is asked.
_TRIES = 16

#: Whether servers fit beside the rows of servers chosen so far: bool[n] of int64[n] and int64[n, chosen].
Fits = Callable[[Ints, Ints], npt.NDArray[np.bool_]]
#: The next column: (view, free servers, rows chosen so far, stream) -> int64[n], -1 where none was found.
Column = Callable[[ClusterView, Ints, Ints, Stream], Ints]


def place_in_blocks(
    policy: PlacementPolicy,
    view: ClusterView,
    replicas: int,
    stream: Stream,
    sizes: Ints,
    column: Column,
    block_rows: int = 1 << 16,
) -> Servers:
    """``place_many`` for a policy with a way to draw a column. Raises :class:`PlacementImpossible`."""

    def draw(view: ClusterView, count: int, size_bytes: int) -> Ints:
        free = view.candidates((), size_bytes)
        rows = np.empty((count, replicas), dtype=np.int64)
        for place in range(replicas):
            chosen = rows[:, :place]
            drawn = column(view, free, chosen, stream) if len(free) else np.full(count, -1)
            for row in np.flatnonzero(drawn < 0).tolist():
                drawn[row] = policy.next_server(view, chosen[row].tolist(), stream, None, (), size_bytes, False)
            rows[:, place] = drawn
        return rows

    return fill_in_blocks(policy, view, replicas, stream, sizes, draw, block_rows)


def fill_in_blocks(
    policy: PlacementPolicy,
    view: ClusterView,
    replicas: int,
    stream: Stream,
    sizes: Ints,
    draw: Callable[[ClusterView, int, int], Ints],
    block_rows: int = 1 << 16,
) -> Servers:
    """Rows of servers for chunks of ``sizes`` bytes: whatever ``draw(view, count, size)`` gives, as far as it fits.

    What overfills a server is drawn again; where ``draw`` finds no room for the largest, ``place`` is asked one by
    one. Raises :class:`PlacementImpossible`.
    """
    filling = view.copy()
    rows = np.empty((len(sizes), replicas), dtype=np.int32)
    for first in range(0, len(sizes), block_rows):
        left = np.arange(first, min(first + block_rows, len(sizes)))
        while len(left):
            try:
                drawn = draw(filling, len(left), int(sizes[left].max()))
            except PlacementImpossible:
                _one_by_one(policy, filling, stream, rows, left, sizes)
                break
            fit = _fitting(filling, drawn, sizes[left])
            rows[left[fit]] = drawn[fit]
            filling.used_bytes += _bytes_by_server(filling, drawn[fit], sizes[left[fit]])
            left = left[~fit]
    return rows


def draw_fitting(free: Ints, chosen: Ints, stream: Stream, fits: Fits) -> Ints:
    """For each row of ``chosen`` a uniform draw from ``free`` that fits; -1 where a few tries found none."""
    return draw_again_until(lambda rows: free[_below(stream, len(rows), len(free))], chosen, fits)


def draw_again_until(propose: Callable[[Ints], Ints], chosen: Ints, fits: Fits) -> Ints:
    """For each row of ``chosen`` the first of a few proposals (made for row numbers) that fits; -1 where none did."""
    left = np.arange(len(chosen))
    drawn = np.full(len(chosen), -1, dtype=np.int64)
    for _ in range(_TRIES):
        proposed = propose(left)
        good = fits(proposed, chosen[left])
        drawn[left[good]] = proposed[good]
        left = left[~good]
        if not len(left):
            break
    return drawn


def apart(domain: npt.NDArray[np.integer]) -> Fits:
    """The rule that no two servers of a row share a domain."""
    return lambda servers, chosen: (domain[chosen] != domain[servers][:, np.newaxis]).all(axis=1)


def not_taken(servers: Ints, chosen: Ints) -> npt.NDArray[np.bool_]:
    """The rule that no server is twice in a row."""
    result: npt.NDArray[np.bool_] = (chosen != servers[:, np.newaxis]).all(axis=1)
    return result


def _below(stream: Stream, count: int, limit: int) -> Ints:
    return (stream.uniforms(count) * limit).astype(np.int64)


def _bytes_by_server(view: ClusterView, rows: Ints, sizes: Ints) -> Ints:
    # Sums of whole bytes below 2**53, so the floats of bincount are exact.
    weights = np.repeat(sizes, rows.shape[1])
    return np.bincount(rows.ravel(), weights=weights, minlength=view.count).astype(np.int64)


def _fitting(view: ClusterView, rows: Ints, sizes: Ints) -> npt.NDArray[np.bool_]:
    """Which rows find room on all their servers, those before them served first."""
    room = view.capacity_bytes - view.used_bytes
    if (_bytes_by_server(view, rows, sizes) <= room).all():
        return np.ones(len(rows), dtype=np.bool_)
    servers = rows.ravel()
    order = np.argsort(servers, kind="stable")
    ordered, taken = servers[order], np.cumsum(np.repeat(sizes, rows.shape[1])[order])
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    before = np.r_[0, taken][starts]
    taken -= np.repeat(before, np.diff(np.r_[starts, len(ordered)]))
    fit = np.ones(len(rows), dtype=np.bool_)
    fit[order[taken > room[ordered]] // rows.shape[1]] = False
    return fit


def _one_by_one(
    policy: PlacementPolicy, view: ClusterView, stream: Stream, rows: Servers, left: Ints, sizes: Ints
) -> None:
    for row in left.tolist():
        rows[row] = policy.place(view, rows.shape[1], stream, size_bytes=int(sizes[row]))
        view.used_bytes[rows[row]] += sizes[row]
