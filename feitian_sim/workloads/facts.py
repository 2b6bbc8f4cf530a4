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


@fact("nuwa.account")
class NuwaAccount(Fact):
    """The account of a load of Nuwa clients at the end of a run.

    ``lost``: files made or versions written, each acknowledged to a client, that the servers do not have.
    """

    load: str
    begun: int
    succeeded: int
    failed: int
    made: int
    lost: int


@fact("nuwa.lock_held")
class LockHeld(Fact):
    """A client of a lock load held a lock until now: from when, having waited how long, and how it ended."""

    load: str
    lock: str
    owner: str
    token: int
    start_ns: int
    waited_ns: int
    how: str


@fact("nuwa.resource_touched", canonical=False)
class ResourceTouched(Fact):
    """A guarded resource was touched under a lock's token, and took it or refused it as outdated."""

    load: str
    lock: str
    owner: str
    token: int
    accepted: bool


@fact("kuafu.call", canonical=False)
class Called(Fact):
    """A call of an rpc load ended: ``error`` is empty for a reply; ``measured``: not of a load in the background."""

    load: str
    server: str
    start_ns: int
    error: str
    measured: bool


@fact("kuafu.server_began", canonical=False, detail=True)
class ServerBegan(Fact):
    """A server process of an rpc load begins to register under its service's name."""

    service: str
    address: str
    balance: str


@fact("kuafu.server_over", canonical=False, detail=True)
class ServerOver(Fact):
    """It has taken its name back, or is dead; ``serves``: whether it still answers for a while."""

    service: str
    address: str
    serves: bool


@fact("kuafu.rpc_run", canonical=False, detail=True)
class RpcRun(Fact):
    """A server process of an rpc load begins to serve a request; ``repeatable``: twice would do no harm."""

    load: str
    number: int
    server: str
    repeatable: bool


@fact("kuafu.inbox_filled", canonical=False, detail=True)
class InboxFilled(Fact):
    """A server process of an rpc load was given a request: bytes that it has and has not answered, by its own count.

    ``most_bytes``: beyond which it should be given none, but for one that is larger by itself.
    """

    server: str
    size_bytes: int
    held_bytes: int
    most_bytes: int


@fact("kuafu.rpc_ended", canonical=False, detail=True)
class RpcEnded(Fact):
    """A call of an rpc load ended for its caller: with an error, or with the answer to request ``answered``.

    ``late_ns``: how long after its deadline; negative: before.
    """

    load: str
    number: int
    error: str
    answered: int
    late_ns: int


@fact("kuafu.server_held", canonical=False)
class ServerHeld(Fact):
    """At the end of a run: most bytes of requests that one server process of an rpc load ever held, and calls served."""

    load: str
    server: str
    most_bytes: int
    served: int


@fact("kuafu.server_moved")
class ServerMoved(Fact):
    """A server of an rpc load ended, and another began elsewhere."""

    load: str
    origin: str
    target: str


@fact("kuafu.connections_counted")
class ConnectionsCounted(Fact):
    """Connections that the calls of an rpc load need, in all and at the machine that has most; nothing was sent."""

    load: str
    total: int
    most: int


@fact("zhongkui.attempt")
class AttackAttempt(Fact):
    """A compromised machine tried something: what, at whom, and the answer, which is empty when it was let through."""

    load: str
    attempt: str
    target: str
    refused: str


@fact("history.invoked", canonical=False, detail=True)
class Invoked(Fact):
    """A client of a load that keeps a history has begun an operation; ``key`` is what it is about."""

    service: str
    load: str
    client: str
    number: int
    key: str
    op: str
    argument: str


@fact("history.returned", canonical=False, detail=True)
class Returned(Fact):
    """Such an operation ended: ok, fail (it had no effect), or unknown (it may have, or may yet)."""

    load: str
    client: str
    number: int
    outcome: str
    result: str
