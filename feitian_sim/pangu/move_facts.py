"""What happens when replicas move for balance, growth or shrinking, as facts. Servers are named by their machine."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("pangu.move")
class ReplicaMoved(Fact):
    """A replica went from ``source`` to ``target``, copied from ``read_from``; ``why`` is balance or drain."""

    chunk: int
    source: str
    target: str
    read_from: str
    why: str
    size_bytes: int
    started_ns: int


@fact("pangu.move_failed")
class MoveFailed(Fact):
    """A move did not succeed: the replica is where it was."""

    chunk: int
    source: str
    target: str
    why: str
    reason: str


@fact("pangu.disk_move")
class DiskMoved(Fact):
    """A replica went from one disk of its server to another."""

    chunk: int
    server: str
    source: str
    target: str
    size_bytes: int
    started_ns: int


@fact("pangu.joined")
class ServerJoined(Fact):
    """A server that was not in the cell before has registered."""

    server: str
    capacity_bytes: int


@fact("pangu.drain_started")
class DrainStarted(Fact):
    """The master began to drain a server (``goal`` drain or decommission) with so many replicas."""

    server: str
    goal: str
    replicas: int


@fact("pangu.drain_blocked")
class DrainBlocked(Fact):
    """A drain cannot go on for now: so many replicas have no place to go, one of them for this reason."""

    server: str
    replicas: int
    reason: str


@fact("pangu.drained")
class ServerDrained(Fact):
    """A server holds no replica any more that the cell needs; one to be decommissioned may be switched off."""

    server: str
    goal: str
    started_ns: int


@fact("pangu.operation_refused")
class OperationRefused(Fact):
    """What the operator asked of a server does not go with its state."""

    server: str
    action: str
    reason: str


@fact("pangu.balance", canonical=False)
class Balance(Fact):
    """Sampled: how full the living servers are that are in service, from what is on their working disks."""

    servers: int
    least: float
    median: float
    mean: float
    most: float
    deviation: float
