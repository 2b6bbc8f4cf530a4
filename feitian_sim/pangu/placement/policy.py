"""What a placement policy is: where the replicas of a chunk go.

A policy sees the servers (:class:`ClusterView`), the replicas that are there already, and a stream of draws. New chunks
and repaired ones obey the same rule. Where fewer racks are left than the rule wants, a repair takes as many distinct
ones as there are rather than leave a chunk at risk; ``satisfied`` tells whether the rule holds in full.

A policy may come from the user. What it answers is looked at before anybody relies on it (:func:`chosen`): a server
named twice, one that does not exist or is dead, would otherwise show much later and somewhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import ScenarioError, SimulatedError, Stream, StrictModel
from feitian_sim.pangu.cluster_view import ClusterView

_RULES = ("place_many", "place", "next_server")

Ints = npt.NDArray[np.int64]
Servers = npt.NDArray[np.int32]


class PlacementImpossible(SimulatedError):
    """There is no place for a replica; says why."""


class PlacementPolicy(StrictModel):
    """The contract; a policy's options are its fields. Check yours with ``feitian_sim.testing``.

    Define ``next_server``, or ``place`` when the replicas of a chunk are not chosen one by one; ``place_many`` follows
    from either, and is worth a vectorised one where datasets are large (see ``placement.bulk``).
    """

    #: Whether where a chunk lies follows from a rule over the present servers (hashing), so that chunks move when these
    #: change; otherwise the master remembers.
    computes: ClassVar[bool] = False

    def with_as_many_groups(self) -> PlacementPolicy:
        """The same rule for another number of servers, to be prepared for them; asked only of one that computes."""
        return self.model_copy()

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """Called once before anything is placed, with a stream of the policy's own: for what is fixed from then on."""

    def place(
        self,
        view: ClusterView,
        replicas: int,
        stream: Stream,
        *,
        writer: int | None = None,
        exclude: Sequence[int] = (),
        existing: Sequence[int] = (),
        size_bytes: int = 0,
    ) -> tuple[int, ...]:
        """``replicas`` more servers for a chunk that is on ``existing``. Raises :class:`PlacementImpossible`.

        ``writer``: machine of the client. ``exclude``: servers not to take. ``size_bytes``: space that each needs.
        """
        chosen = list(existing)
        for _ in range(replicas):
            chosen.append(self.next_server(view, chosen, stream, writer, exclude, size_bytes, bool(existing)))
        return tuple(chosen[len(existing) :])

    def next_server(
        self,
        view: ClusterView,
        chosen: Sequence[int],
        stream: Stream,
        writer: int | None,
        exclude: Sequence[int],
        size_bytes: int,
        relaxed: bool,
    ) -> int:
        """One more server beside ``chosen``; ``relaxed`` when a repair must make do with what is left."""
        raise PlacementImpossible(f"{type(self).__name__} does not say where replicas go")

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """Servers of ``count`` new chunks of the given sizes (bytes): int32[count, replicas], in order of the chunks.

        Each takes its space before the next is placed; the view is left as it is. Raises :class:`PlacementImpossible`.
        """
        filling = view.copy()
        rows = np.empty((count, replicas), dtype=np.int32)
        for row in range(count):
            rows[row] = chosen(self, filling, replicas, stream, size_bytes=int(sizes[row]))
            filling.used_bytes[rows[row]] += sizes[row]
        return rows

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """Whether these servers obey the rule in full."""
        return len(dict.fromkeys(servers)) == len(servers)


def free_servers(view: ClusterView, chosen: Sequence[int], exclude: Sequence[int], size_bytes: int) -> Ints:
    """Candidates beside those chosen and excluded. Raises :class:`PlacementImpossible` when there are none."""
    free = view.candidates((*chosen, *exclude), size_bytes)
    if not len(free):
        raise PlacementImpossible(
            f"no living server beside {len(chosen)} replicas and {len(exclude)} excluded has {size_bytes} bytes free"
        )
    return free


def on_other_domains(
    view: ClusterView, free: Ints, chosen: Sequence[int], domain: npt.NDArray[np.int32], what: str, relaxed: bool
) -> Ints:
    """Those of ``free`` whose domain no chosen server shares.

    Raises :class:`PlacementImpossible` when there are none, unless ``relaxed``: then all of ``free``.
    """
    if not len(chosen):
        return free
    there = domain[free]
    differs = np.ones(len(free), dtype=np.bool_)
    for server in chosen:
        differs &= there != domain[server]
    apart = free[differs]
    if len(apart):
        return apart
    if relaxed:
        return free
    raise PlacementImpossible(
        f"{len(chosen) + 1} replicas need {len(chosen) + 1} {what} with a living server that has room; "
        f"{len(np.unique(domain[list(chosen)]))} have one"
    )


def distinct(view: ClusterView, servers: Sequence[int], domain: npt.NDArray[np.int32]) -> bool:
    """Whether no two servers share a domain."""
    return len(np.unique(domain[list(servers)])) == len(servers)


def chosen(policy: PlacementPolicy, view: ClusterView, replicas: int, stream: Stream, **asked: Any) -> tuple[int, ...]:
    """``policy.place``, whose answer is ``replicas`` living servers, all different and none of ``existing``.

    Raises PlacementImpossible as the policy does, ScenarioError for an answer that is none.
    """
    servers = policy.place(view, replicas, stream, **asked)
    existing: Sequence[int] = asked.get("existing", ())
    if len(servers) != replicas:
        raise _mistake(policy, f"gave {len(servers)} servers where {replicas} were asked for: {servers}")
    if len(dict.fromkeys((*servers, *existing))) != replicas + len(existing):
        raise _mistake(policy, f"gave a server twice, or one that has the chunk already: {servers} beside {existing}")
    for server in servers:
        if not 0 <= server < view.count:
            raise _mistake(policy, f"gave {server}, which is no server: there are {view.count}, counted from 0")
        if not view.alive[server]:
            raise _mistake(policy, f"gave {view.names[server]}, which is dead: choose from view.candidates()")
    return servers


def chosen_many(
    policy: PlacementPolicy,
    view: ClusterView,
    count: int,
    replicas: int,
    stream: Stream,
    sizes: npt.NDArray[np.int64],
) -> Servers:
    """``policy.place_many``, whose answer is a row of different living servers for each chunk.

    Raises PlacementImpossible as the policy does, ScenarioError for an answer that is none.
    """
    rows = policy.place_many(view, count, replicas, stream, sizes)
    if rows.shape != (count, replicas):
        raise _mistake(policy, f"gave servers of the shape {rows.shape} where {(count, replicas)} was asked for")
    outside = (rows < 0) | (rows >= view.count)
    if outside.any():
        raise _mistake(policy, f"gave {rows[outside][0]}, which is no server: there are {view.count}, counted from 0")
    for place in range(1, replicas):
        twice = (rows[:, :place] == rows[:, [place]]).any(axis=1)
        if twice.any():
            raise _mistake(policy, f"gave a server twice for one chunk: {rows[twice][0].tolist()}")
    dead = ~view.alive[rows]
    if dead.any():
        name = view.names[int(rows[dead][0])]
        raise _mistake(policy, f"gave {name}, which is dead or has no disks: choose from view.candidates()")
    return rows


def _mistake(policy: PlacementPolicy, words: str) -> ScenarioError:
    """Blame the rule that the policy defines itself, by file and line."""
    own = next((vars(type(policy))[rule] for rule in _RULES if rule in vars(type(policy))), None)
    code = getattr(own, "__code__", None)
    where = f"{code.co_filename}:{code.co_firstlineno}: in {code.co_name}: " if code is not None else ""
    return ScenarioError(f"{where}{type(policy).__name__} {words}")
