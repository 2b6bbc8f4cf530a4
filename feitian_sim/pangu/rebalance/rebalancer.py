"""What a rebalancer is: which replicas go from fuller servers to emptier ones.

A rebalancer sees a :class:`Situation` and answers with moves; it knows no clock and waits for nothing. The master asks
it again at every ``interval``, starts its moves as slots become free, and forgets those that have not begun by the
next time. Moves have slots and a bandwidth of their own, and no server takes part in one while it repairs: repair goes
first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field

from feitian_sim.kernel import SECOND, Bandwidth, Duration, Stream, StrictModel, written
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import PlacementPolicy

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Move:
    """One replica to go from ``source`` to ``target``."""

    chunk: int
    source: int
    target: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rebalancer decides by; it must change nothing of it."""

    #: Servers, as full as they will be when the moves in flight have ended.
    view: ClusterView
    #: The rule that replicas must obey after each move.
    policy: PlacementPolicy
    #: Bytes of each chunk.
    lengths: Ints
    #: Chunks that can be moved away from a server now: sealed, whole, and not on the move already.
    chunks_on: Callable[[int], Ints]
    #: Servers with a replica of a chunk.
    holders: Callable[[int], tuple[int, ...]]
    #: Moves that have begun and not ended.
    moves: Sequence[Move]
    #: Chunks that lack replicas.
    degraded: int
    #: Draws for rebalancers that need some.
    stream: Stream


class DiskBalance(StrictModel):
    """Moving replicas between the disks of one server, which no master takes part in."""

    threshold: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="A disk's use may differ by so much (a share of its capacity, no unit) from that of all disks of "
        "its server; default 0.1. Source: dfs.disk.balancer.plan.threshold.percent of HDFS, 10 %.",
    )
    bandwidth: Bandwidth = Field(
        default=written("10MB/s"),
        gt=0,
        description="Most that a server may move between its disks; default 10MB/s. Source: "
        "dfs.disk.balancer.max.disk.throughputInMBperSec of HDFS.",
    )
    interval: Duration = Field(
        default=written("1m"),
        gt=0,
        description="A server looks at its disks so often; default 1m. Source: as pangu.rebalance.interval.",
    )


class Rebalancer(StrictModel):
    """The contract; a rebalancer's options are its fields. Define ``plan``; ``feitian_sim.testing`` checks yours."""

    interval: Duration = Field(
        default=written("1m"),
        gt=0,
        description="The master asks for moves so often; default 1m. Source: mgr/balancer/sleep_interval of Ceph, 60 s.",
    )
    bandwidth: Bandwidth = Field(
        default=written("100MB/s"),
        gt=0,
        description="Most that all moves of one server may take together, in and out; default 100MB/s. Source: "
        "dfs.datanode.balance.bandwidthPerSec of HDFS 3.",
    )
    per_server: int = Field(
        default=5,
        ge=1,
        description="Moves that a server may take part in at once (count); default 5. Source: "
        "dfs.datanode.balance.max.concurrent.moves, first default.",
    )
    per_cluster: int = Field(
        default=1000,
        ge=1,
        description="Moves in the cluster at once (count); default 1000. Source: dfs.balancer.moverThreads of HDFS.",
    )
    disks: DiskBalance | None = Field(
        default=None, description="Balancing between the disks of each server; default none."
    )

    def plan(self, situation: Situation) -> list[Move]:
        """The moves to begin, the most useful first. The same situation and draws give the same moves."""
        raise NotImplementedError(f"{type(self).__name__} does not say what to move")

    def placement(self, policy: PlacementPolicy) -> PlacementPolicy:
        """The policy by which new and repaired replicas are placed; the scenario's own unless redefined."""
        return policy

    @property
    def active(self) -> bool:
        """Whether there is anything to ask for."""
        return True

    @property
    def budget_bytes(self) -> int:
        """What one server can move within an interval: more need not be planned."""
        return self.bandwidth * self.interval // (8 * SECOND)


def keeps_rule(policy: PlacementPolicy, view: ClusterView, before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether replicas on ``after`` obey the rule; where those on ``before`` do not, whether they are no nearer."""
    if policy.satisfied(view, after):
        return True
    if policy.satisfied(view, before):
        return False
    return all(
        len(np.unique(domain[list(after)])) >= len(np.unique(domain[list(before)]))
        for domain in (view.rack, view.power_domain)
    )
