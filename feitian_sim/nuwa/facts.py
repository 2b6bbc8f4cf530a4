"""What happens in Nuwa. Sessions are told by their number, which is the slot at which they were opened."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("nuwa.session_opened")
class SessionOpened(Fact):
    """A client has a session."""

    owner: str
    session: int


@fact("nuwa.session_lost")
class SessionLost(Fact):
    """A client has learned, or concluded, that its session is over."""

    owner: str
    session: int
    why: str


@fact("nuwa.session_expired")
class SessionExpired(Fact):
    """The leader has declared a session over, ``silent_ns`` after it last heard of its client."""

    session: int
    silent_ns: int


@fact("nuwa.operation", canonical=False)
class Operation(Fact):
    """A client's operation ended; ``op`` is create, put, delete, multi, get, stat, names, values or their fresh forms."""

    owner: str
    op: str
    path: str
    start_ns: int
    error: str
    zxid: int


@fact("nuwa.watch_fired", canonical=False)
class WatchFired(Fact):
    """A client was told of a change that it watches."""

    owner: str
    path: str
    change: str
    zxid: int


@fact("nuwa.elected")
class Elected(Fact):
    """A candidate holds the office at ``path``; ``token`` is larger than that of any holder before."""

    path: str
    owner: str
    token: int


@fact("nuwa.deposed")
class Deposed(Fact):
    """A holder has given the office up, or must take it that it has lost it."""

    path: str
    owner: str
    token: int
