"""Which servers a client would rather not ask: those that did not answer it lately.

Without this every chunk that a client remembers on a dead server costs it a time-out of its own (HDFS-13571, dead
nodes shared by the streams of one client).
"""

from __future__ import annotations

from collections.abc import Iterable


class Avoidance:
    """One client's memory of servers at fault; each is forgiven after a while."""

    def __init__(self, for_ns: int) -> None:
        self._for_ns = for_ns
        self._until_ns: dict[int, int] = {}

    def failed(self, servers: Iterable[int], now_ns: int) -> None:
        """These did not do what they were asked."""
        for server in servers:
            self._until_ns[server] = now_ns + self._for_ns

    def answered(self, server: int) -> None:
        """This one did."""
        self._until_ns.pop(server, None)

    def avoided(self, now_ns: int) -> tuple[int, ...]:
        """Servers not to be asked first now."""
        self._until_ns = {server: until_ns for server, until_ns in self._until_ns.items() if until_ns > now_ns}
        return tuple(self._until_ns)
