"""Commands: what changes the tree or the sessions, by way of the log. Each names its session and its number in it.

The leader puts the time into a command before it is logged, so that every server that applies it sees the same.
"""

from __future__ import annotations

from feitian_sim.kernel import record

_HEADER_BYTES = 96


@record
class Create:
    """Make a file with a value, or a directory.

    ``ephemeral``: it goes with the session. ``sequential``: a number that the directory never gives twice is added to
    the name.
    """

    path: str
    value: bytes = b""
    ephemeral: bool = False
    sequential: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _HEADER_BYTES + len(self.path) + len(self.value)


@record
class Put:
    """Give a file another value; with ``version`` from 0 up only if that is its version."""

    path: str
    value: bytes
    version: int = -1

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _HEADER_BYTES + len(self.path) + len(self.value)


@record
class Delete:
    """Remove a file or an empty directory; with ``version`` from 0 up only if that is its version."""

    path: str
    version: int = -1

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _HEADER_BYTES + len(self.path)


@record
class Multi:
    """All of it or nothing."""

    changes: tuple[Create | Put | Delete, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _HEADER_BYTES + sum(change.size_bytes for change in self.changes)


@record
class OpenSession:
    """A new session; its number is the slot. ``nonce`` names the attempt, so that a retry opens no second one."""

    owner: str
    nonce: str
    timeout_ns: int
    #: Who proved to ask for it: nobody else may use the session. Empty: anybody.
    subject: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _HEADER_BYTES + len(self.owner)


@record
class EndSession:
    """A session is over: closed by its client, or expired in the leader's eyes."""

    session: int
    expired: bool

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _HEADER_BYTES


Change = Create | Put | Delete | Multi


@record
class Command:
    """A change for a session, its ``sequence``-th, at the leader's time ``at_ns``.

    ``answered``: the client has the answers up to here, so that nobody need keep them.
    """

    session: int
    sequence: int
    answered: int
    change: Change
    at_ns: int

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return 32 + self.change.size_bytes
