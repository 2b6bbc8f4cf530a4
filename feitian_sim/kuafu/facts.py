"""What happens between machines."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("kuafu.connection_opened", canonical=False, detail=True)
class ConnectionOpened(Fact):
    """A proxy has a connection to another now."""

    opener: str
    peer: str


@fact("kuafu.connection_closed", canonical=False, detail=True)
class ConnectionClosed(Fact):
    """A connection is no more; ``why`` is idle, reset or unreachable."""

    opener: str
    peer: str
    why: str


@fact("kuafu.connections", canonical=False)
class Connections(Fact):
    """A sample: connections that are open, in all and at the machine that has most."""

    total: int
    most: int


@fact("kuafu.method")
class MethodTotals(Fact):
    """Calls of one class of messages over the whole run; ``latency_ns`` is the sum over those that were answered."""

    method: str
    calls: int
    told: int
    answered: int
    failed: int
    expired: int
    sent_bytes: int
    latency_ns: int
