"""What clients and servers of Nuwa say to each other."""

from __future__ import annotations

from typing import Literal

from feitian_sim.kernel import record
from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.commands import Change, Command, EndSession, Multi, OpenSession
from feitian_sim.nuwa.paths import common_directory
from feitian_sim.nuwa.watches import Watch

ReadKind = Literal["get", "stat", "names", "values"]


@record
class Open:
    """Client to server: a session, please. ``nonce`` names the attempt."""

    owner: str
    nonce: str
    timeout_ns: int


@record
class Attach:
    """Client to server: I come from another server with these watches, each with what I had seen last."""

    session: int
    seen_zxid: int
    watches: tuple[tuple[Watch, int], ...]
    #: Which of its connections, counted from the first, this is.
    attach: int = 0

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return 96 + 64 * len(self.watches)


@record
class Ping:
    """Client to server: I live."""

    session: int


@record
class Close:
    """Client to server: I am done."""

    session: int


@record
class Write:
    """Client to server: its ``sequence``-th change; it has the answers up to ``answered``."""

    session: int
    sequence: int
    answered: int
    change: Change

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return 64 + self.change.size_bytes

    @property
    def path(self) -> str:
        """What it is about; of several changes the directory that holds all."""
        if isinstance(self.change, Multi):
            return common_directory([change.path for change in self.change.changes])
        return self.change.path


@record
class Read:
    """Client to server: tell me, and with a ``watch`` tell me once when it changes.

    ``fresh``: as of now, from the leader; otherwise what this server knows, not older than ``seen_zxid``.
    """

    session: int
    kind: ReadKind
    path: str
    seen_zxid: int
    fresh: bool = False
    watch: Watch | None = None


@record
class Reply:
    """Server to client. ``events``: so many notices were sent before it, which the client must have first."""

    answer: Answer
    events: int

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return self.answer.wire_bytes


@record
class Fired:
    """Server to client, its ``order``-th notice since the client's ``attach``-th connection: a watch has fired."""

    session: int
    attach: int
    order: int
    number: int
    path: str
    kind: str
    zxid: int


@record
class Forward:
    """Server to leader: a client's change, or the end or the beginning of a session."""

    command: Command | OpenSession | EndSession

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return 32 + self.command.size_bytes


@record
class FreshRead:
    """Server to leader: what is there now."""

    kind: ReadKind
    path: str


@record
class Touch:
    """Server to leader: this session's client lives. Answered, since the client relies on it."""

    session: int
