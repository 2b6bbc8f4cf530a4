"""Exact weighted max-min fair rates, by progressive filling over arrays.

All flows grow together, each in proportion to its weight, until a link is full or a flow reaches its cap; what is
bound there is frozen and the rest grows on (Bertsekas and Gallager, Data Networks, section 6.5.2). A link's fair
share only rises while flows freeze, so a heap of shares with lazy correction visits each link a few times instead of
all links in every round: O((L + P) log L) for L used links and P link crossings.

Plain loops over arrays: numba compiles them (no fast-math, so the bits are those of the uncompiled form, which
``NUMBA_DISABLE_JIT=1`` runs). Import this module only where flows run. A path that names a link twice uses it twice.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
#: A finish time that will not come, and a distance in nanoseconds beyond which it counts as one.
NEVER = np.iinfo(np.int64).max
FAR = 4e18
#: A link that no flow of the present solve crosses.
IDLE = -1


@njit(cache=True)
def solve(
    active: Ints,
    first: Ints,
    count: Ints,
    crossing: Ints,
    weight: Floats,
    cap: Floats,
    capacity: Floats,
    local: Ints,
    rate: Floats,
) -> None:
    """Write the max-min fair rate of each active flow into ``rate``.

    ``active``: int64[n], flows in the order in which ties are broken. ``first``, ``count``: where each flow's path
    lies in ``crossing`` (int64 link ids). ``weight``, ``cap``: float64 per flow, cap may be inf. ``capacity``:
    float64 per link, bytes per second. ``local``: int64 per link, all IDLE on entry and on exit (scratch).
    ``rate``: float64 per flow, bytes per second (result). A flow with an empty path and no cap gets inf.
    """
    links = _used_links(active, first, count, crossing, local)
    start, users, demand, growing = _users(active, first, count, crossing, weight, local, links.shape[0])
    left = capacity[links]
    flows = active.shape[0]
    level, by_cap = _cap_levels(active, weight, cap, rate)
    heap_share = np.empty(links.shape[0])
    heap_link = np.empty(links.shape[0], np.int64)
    size = 0
    for link in range(links.shape[0]):
        size = _push(heap_share, heap_link, size, left[link] / demand[link], link)
    next_cap = frozen = 0
    while frozen < flows:
        while next_cap < flows and rate[active[by_cap[next_cap]]] >= 0.0:
            next_cap += 1
        size = _correct(heap_share, heap_link, size, left, demand, growing)
        share = heap_share[0] if size > 0 else np.inf
        if next_cap < flows and level[by_cap[next_cap]] <= share:
            flow = active[by_cap[next_cap]]
            rate[flow] = cap[flow]
            _leave(flow, rate[flow], first, count, crossing, local, weight, left, demand, growing)
            frozen += 1
            continue
        link = heap_link[0]
        size = _pop(heap_share, heap_link, size)
        for step in range(start[link], start[link + 1]):
            flow = users[step]
            if rate[flow] < 0.0:
                rate[flow] = weight[flow] * share
                _leave(flow, rate[flow], first, count, crossing, local, weight, left, demand, growing)
                frozen += 1
    for link in links:
        local[link] = IDLE


@njit(cache=True)
def _cap_levels(active: Ints, weight: Floats, cap: Floats, rate: Floats) -> tuple[Floats, Ints]:
    """The common level at which each flow meets its cap, and the flows by it; marks all as growing (rate -1)."""
    level = np.empty(active.shape[0])
    for position in range(active.shape[0]):
        flow = active[position]
        rate[flow] = -1.0
        level[position] = cap[flow] / weight[flow]
    return level, np.argsort(level, kind="mergesort")


@njit(cache=True)
def _used_links(active: Ints, first: Ints, count: Ints, crossing: Ints, local: Ints) -> Ints:
    """The links that the flows cross, numbered 0, 1, ... in ``local``."""
    crossings = 0
    for flow in active:
        crossings += count[flow]
    links = np.empty(crossings, np.int64)
    used = 0
    for flow in active:
        for step in range(first[flow], first[flow] + count[flow]):
            link = crossing[step]
            if local[link] == IDLE:
                local[link] = used
                links[used] = link
                used += 1
    return links[:used]


@njit(cache=True)
def _users(
    active: Ints, first: Ints, count: Ints, crossing: Ints, weight: Floats, local: Ints, used: int
) -> tuple[Ints, Ints, Floats, Ints]:
    """Who crosses each used link (a counting sort), and how much they ask in all."""
    growing = np.zeros(used, np.int64)
    demand = np.zeros(used)
    for flow in active:
        for step in range(first[flow], first[flow] + count[flow]):
            growing[local[crossing[step]]] += 1
            demand[local[crossing[step]]] += weight[flow]
    start = np.zeros(used + 1, np.int64)
    for link in range(used):
        start[link + 1] = start[link] + growing[link]
    fill = start[:used].copy()
    users = np.empty(start[used], np.int64)
    for flow in active:
        for step in range(first[flow], first[flow] + count[flow]):
            link = local[crossing[step]]
            users[fill[link]] = flow
            fill[link] += 1
    return start, users, demand, growing


@njit(cache=True)
def _correct(heap_share: Floats, heap_link: Ints, size: int, left: Floats, demand: Floats, growing: Ints) -> int:
    """Bring the tightest link to the top, its share corrected for what has frozen since it was pushed."""
    while size > 0:
        link = heap_link[0]
        if growing[link] == 0:
            size = _pop(heap_share, heap_link, size)
            continue
        share = max(left[link], 0.0) / demand[link]
        if share <= heap_share[0]:
            break
        size = _pop(heap_share, heap_link, size)
        size = _push(heap_share, heap_link, size, share, link)
    return size


@njit(cache=True)
def _leave(
    flow: int,
    value: float,
    first: Ints,
    count: Ints,
    crossing: Ints,
    local: Ints,
    weight: Floats,
    left: Floats,
    demand: Floats,
    growing: Ints,
) -> None:
    """Take a frozen flow's rate out of what its links have left for those that still grow."""
    for step in range(first[flow], first[flow] + count[flow]):
        link = local[crossing[step]]
        left[link] -= value
        demand[link] -= weight[flow]
        growing[link] -= 1


@njit(cache=True)
def _push(heap_share: Floats, heap_link: Ints, size: int, share: float, link: int) -> int:
    """Add to the heap (least share first, then least link); returns its new size."""
    child = size
    while child > 0:
        parent = (child - 1) // 2
        if heap_share[parent] < share or (heap_share[parent] == share and heap_link[parent] < link):
            break
        heap_share[child] = heap_share[parent]
        heap_link[child] = heap_link[parent]
        child = parent
    heap_share[child] = share
    heap_link[child] = link
    return size + 1


@njit(cache=True)
def _pop(heap_share: Floats, heap_link: Ints, size: int) -> int:
    """Take the least away; returns the heap's new size."""
    size -= 1
    share = heap_share[size]
    link = heap_link[size]
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (
            heap_share[other] < heap_share[child]
            or (heap_share[other] == heap_share[child] and heap_link[other] < heap_link[child])
        ):
            child = other
        if share < heap_share[child] or (share == heap_share[child] and link < heap_link[child]):
            break
        heap_share[parent] = heap_share[child]
        heap_link[parent] = heap_link[child]
        parent = child
    heap_share[parent] = share
    heap_link[parent] = link
    return size


@njit(cache=True)
def settle(
    active: Ints, old_rate: Floats, rate: Floats, remaining: Floats, since_ns: Ints, finish_ns: Ints, now_ns: int
) -> tuple[int, int]:
    """Bring flows whose rate changed up to date; returns the earliest finish and how many stand still.

    ``old_rate``: per position of ``active``; the others per flow. A flow whose rate did not change keeps its finish
    time, so that nothing is rounded twice. Finish times are whole nanoseconds, rounded up.
    """
    earliest = NEVER
    still = 0
    for position in range(active.shape[0]):
        flow = active[position]
        if rate[flow] != old_rate[position] or finish_ns[flow] == NEVER:
            # An unbounded flow ends in the instant in which it began: infinity times nothing is no number.
            if now_ns > since_ns[flow]:
                remaining[flow] -= old_rate[position] * ((now_ns - since_ns[flow]) / 1e9)
                since_ns[flow] = now_ns
            if rate[flow] <= 0.0:
                finish_ns[flow] = NEVER
            elif remaining[flow] <= 0.0 or rate[flow] == np.inf:
                finish_ns[flow] = now_ns
            else:
                left_ns = math.ceil(remaining[flow] / rate[flow] * 1e9)
                finish_ns[flow] = now_ns + int(left_ns) if left_ns < FAR else NEVER
        if finish_ns[flow] == NEVER:
            still += 1
        earliest = min(earliest, finish_ns[flow])
    return earliest, still
