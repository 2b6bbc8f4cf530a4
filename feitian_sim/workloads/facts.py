"""What loads report themselves; a Pangu operation is reported by the client that carries it out."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("workloads.dropped")
class OperationDropped(Fact):
    """An arrival of an open load was not begun: ``why``."""

    load: str
    arrival: int
    op: str
    why: str


@fact("hardware.flow")
class FlowFinished(Fact):
    """A flow of a replayed trace has been carried in full."""

    id: int
    src: str
    dst: str
    size_bytes: int
    start_ns: int
    finish_ns: int


@fact("hardware.flow_failed")
class FlowFailed(Fact):
    """A flow of a replayed trace was given up."""

    id: int
    src: str
    dst: str
    reason: str


@fact("hardware.request")
class RequestServed(Fact):
    """A request of a ``requests`` load left its core: it waited, then was served."""

    machine: str
    arrived_ns: int
    waited_ns: int
    service_ns: int
