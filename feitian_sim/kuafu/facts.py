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


@fact("kuafu.envelope_made", canonical=False, detail=True)
class EnvelopeMade(Fact):
    """A request, a note or an answer was given to a side of a connection, to leave when there is credit.

    ``account``: whose credits it takes, of ``window_bytes``; ``flow``: whose turn it takes where several wait.
    """

    account: str
    window_bytes: int
    quantum_bytes: int
    flow: str
    sort: str
    number: int
    size_bytes: int


@fact("kuafu.envelope_left", canonical=False, detail=True)
class EnvelopeLeft(Fact):
    """It left; ``used_bytes``: what its account says is taken now. ``stream``: whose order it keeps; empty: none's."""

    account: str
    window_bytes: int
    stream: str
    flow: str
    sort: str
    number: int
    size_bytes: int
    used_bytes: int


@fact("kuafu.envelope_arrived", canonical=False, detail=True)
class EnvelopeArrived(Fact):
    """It was taken in at the other end. An answer frees besides what its request took, of another account."""

    account: str
    stream: str
    sort: str
    number: int
    size_bytes: int
    frees: str
    frees_bytes: int


@fact("kuafu.account_told", canonical=False, detail=True)
class AccountTold(Fact):
    """At the end: what the account of a connection that both ends know says is taken, and what waits for credit."""

    account: str
    machine: str
    peer: str
    used_bytes: int
    waiting_bytes: int


@fact("kuafu.request_came", canonical=False, detail=True)
class RequestCame(Fact):
    """A message that is served has come to a process, which now asks the guard."""

    machine: str
    subject: str


@fact("kuafu.request_judged", canonical=False, detail=True)
class RequestJudged(Fact):
    """The guard has been asked, as often as the message needs (``checks``)."""

    machine: str
    subject: str
    checks: int
    refused: bool


@fact("kuafu.request_admitted", canonical=False, detail=True)
class RequestAdmitted(Fact):
    """A message is handed to its handler or to the queue before it; it needed so many checks."""

    address: str
    machine: str
    subject: str
    message: str
    checks: int


@fact("kuafu.window_exhausted", canonical=False, detail=True)
class WindowExhausted(Fact):
    """A request found no credit left and waits."""

    machine: str
    address: str


@fact("kuafu.answered_again", canonical=False, detail=True)
class AnsweredAgain(Fact):
    """A request that came again was answered from the reply table, or told that nobody knows whether it ran."""

    server: str
    caller: str
