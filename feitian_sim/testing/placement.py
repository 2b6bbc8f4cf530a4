"""The contract of placement policies: what every policy must keep, whatever its idea of a good place.

``check_placement_policy(MyPolicy())`` raises AssertionError with what was broken, and on which cluster. It steps over
every limit that it can see: more replicas than servers or racks, excluded and dead servers, full disks, uneven racks,
one machine, chunks that have replicas already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from feitian_sim.kernel import MIB, Simulation, Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement import PlacementImpossible, PlacementPolicy

_CAPACITY = 1000 * MIB
_CHUNK = 64 * MIB


def cluster(machines_in_racks: Sequence[int], racks_per_power_domain: int = 1) -> ClusterView:
    """A view of living, empty servers, so many in each rack."""
    rack = [number for number, count in enumerate(machines_in_racks) for _ in range(count)]
    view = ClusterView(
        [f"r{number}/m{position}" for position, number in enumerate(rack)],
        rack,
        [number // racks_per_power_domain for number in rack],
        [_CAPACITY] * len(rack),
    )
    view.alive[:] = True
    return view


def check_placement_policy(policy: PlacementPolicy, *, seed: int = 1) -> None:
    """Raises AssertionError when ``policy`` breaks the contract of :class:`PlacementPolicy`."""
    stream = _streams(seed)
    for what, view in _clusters():
        policy.prepare(view, 3, stream("prepare"))
        _check_new_chunks(policy, view, stream, what)
        _check_repairs(policy, view, stream, what)
        _check_repairs_to_the_end(policy, view, stream, what)
        _check_many(policy, view, stream, what)
    _check_filling(policy, stream)
    _check_impossible(policy, stream)


def _streams(seed: int) -> Callable[[str], Stream]:
    # A stream of the same name from another simulation gives the same draws again.
    return lambda name: Simulation(seed=seed).stream("testing.placement", name)


def _clusters() -> Iterator[tuple[str, ClusterView]]:
    yield "a cluster of 5 racks of 4", cluster([4] * 5)
    yield "a cluster of uneven racks", cluster([1, 7, 3, 2, 4])
    yield "a cluster of 4 racks on 2 power feeds", cluster([3] * 4, racks_per_power_domain=2)
    half_dead = cluster([4] * 5)
    half_dead.alive[::2] = False
    yield "a cluster with every other server dead", half_dead
    filling = cluster([4] * 5)
    filling.used_bytes[::3] = _CAPACITY
    yield "a cluster with every third server full", filling
    narrow = cluster([4] * 5)
    narrow.used_bytes[1::3] = _CAPACITY - _CHUNK + 1
    yield "a cluster with every third server short of a byte", narrow


def _check_new_chunks(policy: PlacementPolicy, view: ClusterView, stream: Callable[[str], Stream], what: str) -> None:
    before = _copy(view)
    for number in range(50):
        exclude = [number % view.count]
        chosen = policy.place(view, 3, stream(f"{number}"), writer=number, exclude=exclude, size_bytes=_CHUNK)
        _check_usable(view, chosen, 3, exclude, f"{policy!r} on {what}")
        again = policy.place(view, 3, stream(f"{number}"), writer=number, exclude=exclude, size_bytes=_CHUNK)
        assert tuple(again) == tuple(chosen), f"{policy!r} on {what}: the same draws gave {chosen}, then {again}"
    assert _copy(view) == before, f"{policy!r} on {what}: placing changed the view"


def _check_repairs(policy: PlacementPolicy, view: ClusterView, stream: Callable[[str], Stream], what: str) -> None:
    for number in range(50):
        servers = policy.place(view, 3, stream(f"repair {number}"), size_bytes=_CHUNK)
        left = tuple(servers[:2])
        (target,) = policy.place(view, 1, stream(f"target {number}"), existing=left, size_bytes=_CHUNK)
        _check_usable(view, (target,), 1, left, f"{policy!r} on {what}, repairing a chunk on {left}")


def _check_repairs_to_the_end(
    policy: PlacementPolicy, view: ClusterView, stream: Callable[[str], Stream], what: str
) -> None:
    """From one survivor back to three replicas, a target at a time, as repair asks."""
    where = f"{policy!r} on {what}, repairing from one survivor"
    for number in range(20):
        left = list(policy.place(view, 3, stream(f"thrice {number}"), size_bytes=_CHUNK))[:1]
        while len(left) < 3:
            (target,) = policy.place(view, 1, stream(f"again {number}"), existing=tuple(left), size_bytes=_CHUNK)
            _check_usable(view, (target,), 1, left, where)
            left.append(target)


def _check_filling(policy: PlacementPolicy, stream: Callable[[str], Stream]) -> None:
    """Many chunks fill three fifths of what is free, and no server beyond its capacity."""
    view = cluster([4] * 5)
    policy.prepare(view, 3, stream("prepare"))
    view.used_bytes[::2] = _CAPACITY // 2
    room = view.capacity_bytes - view.used_bytes
    sizes = np.full(int(room.sum() * 0.6) // (3 * _CHUNK), _CHUNK, dtype=np.int64)
    rows = policy.place_many(view, len(sizes), 3, stream("fill"), sizes)
    taken = np.bincount(rows.ravel(), minlength=view.count) * _CHUNK
    over = np.flatnonzero(taken > room).tolist()
    assert not over, f"{policy!r}: place_many put more on the servers {over} than they have room for"


def _check_many(policy: PlacementPolicy, view: ClusterView, stream: Callable[[str], Stream], what: str) -> None:
    before = _copy(view)
    rows = policy.place_many(view, 40, 3, stream("many"), np.full(40, MIB, dtype=np.int64))
    assert rows.shape == (40, 3), f"{policy!r} on {what}: place_many gave the shape {rows.shape}, not (40, 3)"
    for row in rows.tolist():
        _check_usable(view, row, 3, (), f"{policy!r} on {what}, place_many", MIB)
        one_by_one = policy.place(view, 3, stream("one"), size_bytes=MIB)
        assert policy.satisfied(view, row) or not policy.satisfied(view, one_by_one), (
            f"{policy!r} on {what}: place_many put a chunk on {row}, which breaks the rule that place keeps"
        )
    again = policy.place_many(view, 40, 3, stream("many"), np.full(40, MIB, dtype=np.int64))
    assert (rows == again).all(), f"{policy!r} on {what}: place_many gave different servers for the same draws"
    assert _copy(view) == before, f"{policy!r} on {what}: place_many changed the view"


def _check_impossible(policy: PlacementPolicy, stream: Callable[[str], Stream]) -> None:
    small = cluster([1, 1])
    short = cluster([2] * 3)
    short.used_bytes[:] = _CAPACITY - _CHUNK + 1
    full = cluster([2] * 3)
    full.used_bytes[:] = _CAPACITY
    dead = cluster([2] * 3)
    dead.alive[:] = False
    for what, view, exclude, existing in (
        ("3 replicas on 2 machines", small, (), ()),
        ("3 replicas on 1 machine", cluster([1]), (), ()),
        ("full disks", full, (), ()),
        ("disks short of one byte for the chunk", short, (), ()),
        ("dead servers", dead, (), ()),
        ("every server excluded", cluster([2] * 3), range(6), ()),
        ("a repair with a replica on every server", small, (), (0, 1)),
        ("a repair with every other server excluded", cluster([2] * 3), range(2, 6), (0, 1)),
    ):
        replicas = 1 if existing else 3
        policy.prepare(view, 3, stream("prepare"))
        try:
            chosen = policy.place(
                view, replicas, stream(what), exclude=tuple(exclude), existing=existing, size_bytes=_CHUNK
            )
        except PlacementImpossible:
            continue
        raise AssertionError(f"{policy!r}: {what} must be refused with PlacementImpossible, not answered by {chosen}")


def _check_usable(
    view: ClusterView, chosen: Sequence[int], count: int, barred: Sequence[int], where: str, size_bytes: int = _CHUNK
) -> None:
    assert len(chosen) == count, f"{where}: {count} servers were asked for, {len(chosen)} came"
    assert len(dict.fromkeys(chosen)) == count, f"{where}: {tuple(chosen)} names a server twice"
    for server in chosen:
        assert 0 <= server < view.count, f"{where}: there is no server {server}"
        assert server not in barred, f"{where}: server {server} was excluded or has a replica already"
        assert view.alive[server], f"{where}: server {server} is dead"
        room = view.capacity_bytes[server] - view.used_bytes[server]
        assert room >= size_bytes, f"{where}: server {server} has {room} bytes free, the chunk takes {size_bytes}"


def _copy(view: ClusterView) -> tuple[bytes, ...]:
    columns = (
        view.rack,
        view.power_domain,
        view.capacity_bytes,
        view.used_bytes,
        view.alive,
        view.clones_in,
        view.clones_out,
    )
    return tuple(column.tobytes() for column in columns)
