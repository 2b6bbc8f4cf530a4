"""Rates after an event: solved anew only for the flows that the event can touch.

Every flow is bound by a full link on which nobody has a larger share, or by its cap. When flows begin and end on
some links, first the new flows and those that these links bind are solved, while all others keep their rates and
what they take of their links. The result is max-min fair for all if no other flow has lost what binds it: a link
that bound it and now has room or a new share, or on which it now has more than its share. Those that have join
the region, and it is solved again. When the region grows beyond a third of all flows, or has not settled after some
rounds, all flows are solved.

The result agrees with a full solve to rounding (a relative difference below 1e-9 of a share counts as none).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from feitian_sim.hardware.flow_arrays import (
    BOUND,
    CAP,
    FINISH_NS,
    FIRST,
    FLOW,
    HEAD,
    IS_FREE,
    IS_MEMBER,
    LENGTH,
    LINK,
    LOCAL,
    MOST,
    NEXT,
    NONE,
    PLACE,
    PREVIOUS,
    RATE,
    REMAINING,
    SINCE_NS,
    TAIL,
    WEIGHT,
    Floats,
    Ints,
    Net,
)
from feitian_sim.hardware.max_min import forget, solve

#: A finish time that will not come, and a distance in nanoseconds beyond which it counts as one.
NEVER = np.iinfo(np.int64).max
FAR = 4e18
_SAME = 1e-9
_MOST_ROUNDS = 8
#: Share of its capacity that a free link's flows can reach at most: what rounding adds up to stays far below the rest.
_FREE_BELOW = 1.0 - 1e-6
#: Below so many flows looking for the region costs more than solving all.
_FEW_FLOWS = 16


@njit(cache=True)
def update(
    net: Net, order: Ints, begun: Ints, ended: Ints, whole: bool, relist: bool, now_ns: int
) -> tuple[int, int, int, bool]:
    """Bring rates and finish times up to date.

    ``order``: the flows in the order in which they began, NONE where one has ended; closed up here. ``begun``,
    ``ended``: those since the last update. ``whole``: solve for all. ``relist``: paths have moved, and so the
    lists of the links are built anew. Returns the number of flows in ``order``, the
    earliest finish, how many have none because they stand still, and whether all were solved.
    """
    flows = _close_up(net, order)
    if relist:
        whole = True
        _relist(net, order[:flows])
    else:
        for flow in ended:
            _leave_lists(net, flow)
        for flow in begun:
            _enter_lists(net, flow)
    region = np.empty(flows, np.int64)
    old_rate = np.empty(flows)
    size = int(np.int64(0))
    if not whole and flows >= _FEW_FLOWS:
        size, whole = _solve_region(net, begun, ended, region, old_rate)
    else:
        whole = True
        _judge_links(net, begun)
        _judge_links(net, ended)
    if whole:
        for flow in order[:flows]:
            size = _join(net, flow, region, size, old_rate)
        links, _ = solve(net, order[:flows], flows)
        forget(net, links)
    for flow in region[:size]:
        net.flow_ints[IS_MEMBER, flow] = 0
    _settle(net, region[:size], old_rate, now_ns)
    earliest, still = NEVER, 0
    for flow in order[:flows]:
        earliest = min(earliest, net.flow_ints[FINISH_NS, flow])
        still += net.flow_ints[FINISH_NS, flow] == NEVER
    return flows, earliest, still, whole


@njit(cache=True)
def _solve_region(net: Net, begun: Ints, ended: Ints, region: Ints, old_rate: Floats) -> tuple[int, bool]:
    """Solve for the flows that the event touches; returns how many are in ``region``, and whether to solve all."""
    size = int(np.int64(0))
    for flow in begun:
        size = _join(net, flow, region, size, old_rate)
    for flow in begun:
        size = _join_bound(net, flow, region, size, old_rate)
    for flow in ended:
        size = _join_bound(net, flow, region, size, old_rate)
    _judge_links(net, begun)
    _judge_links(net, ended)
    for _ in range(_MOST_ROUNDS):
        if size == 0:
            return size, False
        if 3 * size > region.shape[0]:
            break
        links, bound_at = solve(net, region[:size], region.shape[0])
        before = size
        size = _grow(net, links, bound_at, region, size, old_rate)
        forget(net, links)
        if size == before:
            return size, False
    return size, True


@njit(cache=True)
def _relist(net: Net, flows: Ints) -> None:
    """Build all that is known of links from what is known of flows."""
    net.link_ints[HEAD, :] = NONE
    net.link_ints[TAIL, :] = NONE
    net.link_ints[IS_FREE, :] = 0
    net.most[:] = 0.0
    for flow in flows:
        _enter_lists(net, flow)
    _judge_links(net, flows)


@njit(cache=True)
def _judge_links(net: Net, flows: Ints) -> None:
    """Note which of these flows' links are free: full of nobody, even if all that cross them had the most they can."""
    for flow in flows:
        for step in range(net.flow_ints[FIRST, flow], net.flow_ints[FIRST, flow] + net.flow_ints[LENGTH, flow]):
            link = net.crossings[LINK, step]
            net.link_ints[IS_FREE, link] = net.most[link] < _FREE_BELOW * net.capacity[link]


@njit(cache=True)
def _enter_lists(net: Net, flow: int) -> None:
    """Put a flow's crossings at the end of the lists of their links."""
    first, last = net.flow_ints[FIRST, flow], net.flow_ints[FIRST, flow] + net.flow_ints[LENGTH, flow]
    most = net.flow_floats[CAP, flow]
    for step in range(first, last):
        most = min(most, net.capacity[net.crossings[LINK, step]])
    net.flow_floats[MOST, flow] = most
    for step in range(first, last):
        link = net.crossings[LINK, step]
        net.most[link] += most
        last = net.link_ints[TAIL, link]
        net.crossings[NEXT, step] = NONE
        net.crossings[PREVIOUS, step] = last
        if last == NONE:
            net.link_ints[HEAD, link] = step
        else:
            net.crossings[NEXT, last] = step
        net.link_ints[TAIL, link] = step


@njit(cache=True)
def _leave_lists(net: Net, flow: int) -> None:
    """Take a flow's crossings out of the lists of their links."""
    for step in range(net.flow_ints[FIRST, flow], net.flow_ints[FIRST, flow] + net.flow_ints[LENGTH, flow]):
        link = net.crossings[LINK, step]
        net.most[link] -= net.flow_floats[MOST, flow]
        before, after = net.crossings[PREVIOUS, step], net.crossings[NEXT, step]
        if before == NONE:
            net.link_ints[HEAD, link] = after
        else:
            net.crossings[NEXT, before] = after
        if after == NONE:
            net.link_ints[TAIL, link] = before
        else:
            net.crossings[PREVIOUS, after] = before


@njit(cache=True)
def _close_up(net: Net, order: Ints) -> int:
    """Close the gaps, and note where each flow is; returns how many are left."""
    flows = 0
    for flow in order:
        if flow != NONE:
            order[flows] = flow
            net.flow_ints[PLACE, flow] = flows
            flows += 1
    return flows


@njit(cache=True)
def _join(net: Net, flow: int, region: Ints, size: int, old_rate: Floats) -> int:
    """Add a flow to the region, once, with the rate that it had before the event; returns the region's size."""
    if net.flow_ints[IS_MEMBER, flow]:
        return size
    net.flow_ints[IS_MEMBER, flow] = 1
    region[size] = flow
    old_rate[size] = net.flow_floats[RATE, flow]
    return size + 1


@njit(cache=True)
def _join_bound(net: Net, flow: int, region: Ints, size: int, old_rate: Floats) -> int:
    """Add the flows that a link of this flow's path binds."""
    for crossed in range(net.flow_ints[FIRST, flow], net.flow_ints[FIRST, flow] + net.flow_ints[LENGTH, flow]):
        link = net.crossings[LINK, crossed]
        # As judged before the event: whoever a link bound then must look anew, however free it is now.
        if net.link_ints[IS_FREE, link]:
            continue
        step = net.link_ints[HEAD, link]
        while step != NONE:
            if net.flow_ints[BOUND, net.crossings[FLOW, step]] == link:
                size = _join(net, net.crossings[FLOW, step], region, size, old_rate)
            step = net.crossings[NEXT, step]
    return size


@njit(cache=True)
def _grow(net: Net, links: Ints, bound_at: Floats, region: Ints, size: int, old_rate: Floats) -> int:
    """Let the flows join that have lost what bound them, or have more than their share; returns the region's size."""
    change = np.zeros(links.shape[0])
    for position in range(size):
        flow = region[position]
        for step in range(net.flow_ints[FIRST, flow], net.flow_ints[FIRST, flow] + net.flow_ints[LENGTH, flow]):
            number = net.link_ints[LOCAL, net.crossings[LINK, step]]
            if number != NONE:
                change[number] += net.flow_floats[RATE, flow] - old_rate[position]
    for number in range(links.shape[0]):
        link = links[number]
        share = bound_at[number]
        moved = abs(change[number]) > _SAME * net.capacity[link]
        step = net.link_ints[HEAD, link]
        while step != NONE:
            flow = net.crossings[FLOW, step]
            step = net.crossings[NEXT, step]
            if net.flow_ints[IS_MEMBER, flow]:
                continue
            own = net.flow_floats[RATE, flow] / net.flow_floats[WEIGHT, flow]
            if share == np.inf:
                loose = moved and net.flow_ints[BOUND, flow] == link
            else:
                loose = own > share * (1.0 + _SAME) or (
                    net.flow_ints[BOUND, flow] == link and own < share * (1.0 - _SAME)
                )
            if loose:
                size = _join(net, flow, region, size, old_rate)
    return size


@njit(cache=True)
def _settle(net: Net, region: Ints, old_rate: Floats, now_ns: int) -> None:
    """Bring flows whose rate changed up to date.

    ``old_rate``: per position of ``region``. A flow whose rate did not change keeps its finish time, so that
    nothing is rounded twice. Finish times are whole nanoseconds, rounded up.
    """
    remaining, since_ns, finish_ns = net.flow_floats[REMAINING], net.flow_ints[SINCE_NS], net.flow_ints[FINISH_NS]
    for position in range(region.shape[0]):
        flow = region[position]
        rate = net.flow_floats[RATE, flow]
        if rate == old_rate[position] and finish_ns[flow] != NEVER:
            continue
        # An unbounded flow ends in the instant in which it began: infinity times nothing is no number.
        if now_ns > since_ns[flow]:
            remaining[flow] -= old_rate[position] * ((now_ns - since_ns[flow]) / 1e9)
            since_ns[flow] = now_ns
        if rate <= 0.0:
            finish_ns[flow] = NEVER
        elif remaining[flow] <= 0.0 or rate == np.inf:
            finish_ns[flow] = now_ns
        else:
            left_ns = math.ceil(remaining[flow] / rate * 1e9)
            finish_ns[flow] = now_ns + int(left_ns) if left_ns < FAR else NEVER
