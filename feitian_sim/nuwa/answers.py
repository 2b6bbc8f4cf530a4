"""What Nuwa answers: a result, or the error that a user of such a service expects. Errors are answers, not exceptions."""

from __future__ import annotations

from typing import Any

from feitian_sim.kernel import record

#: Every kind of error, with what it means.
ERRORS = {
    "bad-path": "the path is none",
    "no-node": "there is nothing at the path",
    "no-parent": "the directory in which it would stand is not there",
    "exists": "there is something at the path already",
    "bad-version": "the version is another one",
    "not-empty": "the directory is not empty",
    "too-large": "the value is larger than any may be",
    "is-directory": "a directory has no value",
    "ephemeral-parent": "what belongs to a session has nothing below it",
    "session-expired": "the session is over",
    "no-leader": "no leader is known at the moment",
    "detached": "the client is not connected to this server any more, and must say again what it watches",
    "other-cell": "the name is of another cell",
    "bad-request": "the request means nothing",
    "denied": "the guard did not let it through",
}


@record
class Stat:
    """What is known of a file or directory beside its value. ``zxid`` numbers are slots of the log."""

    created_zxid: int
    modified_zxid: int
    version: int
    creator: str
    created_ns: int
    modified_ns: int
    session: int
    children: int


@record
class Answer:
    """The end of an operation. ``error`` is empty when it succeeded; ``zxid``: the state that it was given from."""

    zxid: int
    value: Any = None
    error: str = ""
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return not self.error

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        value = self.value
        if isinstance(value, bytes):
            return 128 + len(value)
        if isinstance(value, tuple):
            return 128 + sum(len(str(one)) + 8 for one in value)
        return 192


def failed(zxid: int, error: str, text: str = "") -> Answer:
    """An error of one of the known kinds."""
    assert error in ERRORS, f"{error!r} is no kind of error"
    return Answer(zxid, None, error, text or ERRORS[error])
