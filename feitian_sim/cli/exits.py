"""Exit codes of the command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a process that ran `feitian` says when it ends."""

    DONE = 0
    #: An expectation, an invariant or a validation did not hold.
    FAILED = 1
    #: Wrong usage, refused input, or surroundings that refuse (unwritable folder, full disk).
    REFUSED = 2
    #: A mistake of ours.
    INTERNAL = 3
    #: A sweep finished, but some of its runs failed.
    SOME_FAILED = 4
    #: Ctrl-C.
    INTERRUPTED = 130
    #: SIGTERM.
    TERMINATED = 143
