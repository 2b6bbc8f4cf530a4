"""Exact weighted max-min fair rates, by progressive filling over arrays.

All flows grow together, each in proportion to its weight, until a link is full or a flow reaches its cap; what is
bound there is frozen and the rest grows on (Bertsekas and Gallager, Data Networks, section 6.5.2). A link's fair
share only rises while flows freeze, so a heap of shares with lazy correction visits each link a few times instead of
all links in every round: O((L + P) log L) for L used links and P link crossings.

It solves for some of the flows, the members, while the others keep their rates: for all of them, or for the region
that :mod:`feitian_sim.hardware.flow_region` found to be touched.

Plain loops over arrays: numba compiles them (no fast-math, so the bits are those of the uncompiled form, which
``NUMBA_DISABLE_JIT=1`` runs). Import this module only where flows run. A path that names a link twice uses it twice.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from feitian_sim.hardware.flow_arrays import (
    BOUND,
    CAP,
    FIRST,
    FLOW,
    HEAD,
    IS_FREE,
    IS_MEMBER,
    LENGTH,
    LINK,
    LOCAL,
    NEXT,
    NONE,
    RATE,
    WEIGHT,
    Floats,
    Ints,
    Net,
)


@njit(cache=True)
def solve(net: Net, members: Ints, among: int) -> tuple[Ints, Floats]:
    """Write the max-min fair rate of each member into its RATE, and the link that binds it into its BOUND.

    ``members``: int64[n], flows in the order in which ties are broken; of ``among`` flows in all. Those that are
    no members keep their rates and leave the rest of their links to the members. Free links are left out: they bind
    nobody, so the shares are the same without them. Returns the used links, which LOCAL numbers until the caller
    calls :func:`forget`, and for each the share (the rate for a weight of one) at which it bound members, or inf. A
    flow with an empty path and no cap gets inf.
    """
    rate, bound, weight, cap = net.flow_floats[RATE], net.flow_ints[BOUND], net.flow_floats[WEIGHT], net.flow_floats[CAP]
    links, demand, growing = _used_links(net, members)
    left = net.capacity[links] if members.shape[0] == among else _room(net, links)
    level, by_level, capped = _cap_levels(net, members)
    bound_at = np.full(links.shape[0], np.inf)
    heap_share = np.empty(links.shape[0])
    heap_link = np.empty(links.shape[0], np.int64)
    size = int(np.int64(0))  # A plain 0 would be compiled for itself first.
    for link in range(links.shape[0]):
        size = _push(heap_share, heap_link, size, left[link] / demand[link], link)
    frozen = 0
    while frozen < members.shape[0]:
        while capped > 0 and rate[members[by_level[0]]] >= 0.0:
            capped = _pop(level, by_level, capped)
        size = _correct(heap_share, heap_link, size, left, demand, growing)
        share = heap_share[0] if size > 0 else np.inf
        if capped > 0 and level[0] <= share:
            flow = members[by_level[0]]
            rate[flow] = cap[flow]
            bound[flow] = NONE
            _leave(net, flow, left, demand, growing)
            frozen += 1
            continue
        link = heap_link[0]
        size = _pop(heap_share, heap_link, size)
        bound_at[link] = share
        step = net.link_ints[HEAD, links[link]]
        while step != NONE:
            flow = net.crossings[FLOW, step]
            if net.flow_ints[IS_MEMBER, flow] and rate[flow] < 0.0:
                rate[flow] = weight[flow] * share
                bound[flow] = links[link]
                _leave(net, flow, left, demand, growing)
                frozen += 1
            step = net.crossings[NEXT, step]
    return links, bound_at


@njit(cache=True)
def forget(net: Net, links: Ints) -> None:
    """Take the numbers of the used links back."""
    for link in links:
        net.link_ints[LOCAL, link] = NONE


@njit(cache=True)
def _used_links(net: Net, members: Ints) -> tuple[Ints, Floats, Ints]:
    """The links that members cross and that could bind them, numbered 0, 1, ... in LOCAL.

    Returns them, how much the members ask of each, and how many they are.
    """
    crossings = 0
    for flow in members:
        crossings += net.flow_ints[LENGTH, flow]
    most = min(crossings, net.link_ints[LOCAL].shape[0])
    links = np.empty(most, np.int64)
    demand = np.zeros(most)
    growing = np.zeros(most, np.int64)
    used = 0
    for flow in members:
        for step in range(net.flow_ints[FIRST, flow], net.flow_ints[FIRST, flow] + net.flow_ints[LENGTH, flow]):
            link = net.crossings[LINK, step]
            if net.link_ints[IS_FREE, link]:
                continue
            number = net.link_ints[LOCAL, link]
            if number == NONE:
                number = used
                net.link_ints[LOCAL, link] = used
                links[used] = link
                used += 1
            growing[number] += 1
            demand[number] += net.flow_floats[WEIGHT, flow]
    return links[:used], demand[:used], growing[:used]


@njit(cache=True)
def _room(net: Net, links: Ints) -> Floats:
    """What each used link has for the members: its capacity without what the other flows take."""
    left = net.capacity[links]
    for number in range(links.shape[0]):
        step = net.link_ints[HEAD][links[number]]
        while step != NONE:
            flow = net.crossings[FLOW, step]
            if not net.flow_ints[IS_MEMBER, flow]:
                left[number] -= net.flow_floats[RATE, flow]
            step = net.crossings[NEXT, step]
    return left


@njit(cache=True)
def _cap_levels(net: Net, members: Ints) -> tuple[Floats, Ints, int]:
    """A heap of the capped members' positions by the common level at which each meets its cap, and its size.

    Marks all members as growing (rate -1).
    """
    level = np.empty(members.shape[0])
    by_level = np.empty(members.shape[0], np.int64)
    size = int(np.int64(0))
    for position in range(members.shape[0]):
        flow = members[position]
        cap = net.flow_floats[CAP, flow]
        net.flow_floats[RATE, flow] = -1.0
        if cap < np.inf or net.flow_ints[LENGTH, flow] == 0:
            size = _push(level, by_level, size, cap / net.flow_floats[WEIGHT, flow], position)
    return level, by_level, size


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
def _leave(net: Net, flow: int, left: Floats, demand: Floats, growing: Ints) -> None:
    """Take a frozen flow's rate out of what its links have left for those that still grow."""
    for step in range(net.flow_ints[FIRST, flow], net.flow_ints[FIRST, flow] + net.flow_ints[LENGTH, flow]):
        number = net.link_ints[LOCAL, net.crossings[LINK, step]]
        if number == NONE:
            continue
        left[number] -= net.flow_floats[RATE, flow]
        demand[number] -= net.flow_floats[WEIGHT, flow]
        growing[number] -= 1


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
