"""Which changes of the tree were made already: a try whose answer got lost comes again, perhaps to another master.

Part of the replicated state, so that whoever takes over knows as well. Without it a file that was created, deleted by
somebody else and asked for once more by its creator's retry would be there again, and who deletes a file could be told
that there is none (HDFS-4942: the retry cache of the NameNode, for the calls that are not idempotent). It remembers as
many changes as any client's patience spans.
"""

from __future__ import annotations

#: Changes that are remembered; the oldest go first. At 10,000 changes a second it covers a client's retries of 6 s.
_KEPT = 65_536


class RetryCache:
    """The tokens of the last changes."""

    __slots__ = ("_tokens",)

    def __init__(self) -> None:
        self._tokens: dict[str, None] = {}

    def note(self, token: str) -> None:
        """The attempt of this name has made its change."""
        if not token:
            return
        self._tokens[token] = None
        if len(self._tokens) > _KEPT:
            del self._tokens[next(iter(self._tokens))]

    def knows(self, token: str) -> bool:
        """Whether the attempt has made its change."""
        return token in self._tokens
