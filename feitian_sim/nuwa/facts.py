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


@fact("nuwa.applied", canonical=False, detail=True)
class CommandApplied(Fact):
    """A server took a command in and found this answer; ``op`` is create, put, delete, multi, open or end.

    ``value`` and ``result`` are texts; ``sequence`` is the command's number in its session, ``version`` the one that the
    client expects (-1: any); of several changes at once, ``path`` and the rest say the first, and ``value`` all.
    """

    server: int
    slot: int
    session: int
    sequence: int
    answered: int
    op: str
    path: str
    value: str
    version: int
    ephemeral: bool
    sequential: bool
    error: str
    result: str


@fact("nuwa.state", canonical=False, detail=True)
class StateTold(Fact):
    """The tree that a server has at a slot, as one number; ``why``: recovered, restored or end."""

    server: int
    slot: int
    sum: int
    why: str


@fact("nuwa.watch_set", canonical=False, detail=True)
class WatchSet(Fact):
    """A client asks to be told once of a change of what it reads."""

    owner: str
    session: int
    number: int
    path: str
    what: str


@fact("nuwa.notice", canonical=False, detail=True)
class NoticeTold(Fact):
    """A client's process was told of a change under one of its watches."""

    owner: str
    session: int
    number: int
    path: str
    change: str
    zxid: int


@fact("nuwa.founded", canonical=False, detail=True)
class NodeFounded(Fact):
    """A node that has been there since before time 0."""

    path: str
    value: str
    version: int
    session: int


@fact("nuwa.session_founded", canonical=False, detail=True)
class SessionFounded(Fact):
    """A session that was opened before time 0, or one that has just been: after how much silence it is over."""

    session: int
    timeout_ns: int


@fact("nuwa.contact", canonical=False, detail=True)
class ContactMade(Fact):
    """A client was told by its server, and that by the leader, that its session lived after ``sent_ns``."""

    session: int
    sent_ns: int


@fact("nuwa.resolved", canonical=False, detail=True)
class ServiceResolved(Fact):
    """A machine has learned which addresses serve under a service's name: they are joined by commas."""

    machine: str
    service: str
    addresses: str
