"""Replicas that may lie on servers although the master does not count on them, until they are certainly gone.

An order to drop a replica may get lost, and a server that did not answer when a chunk was closed may hold some of it or
all. A server that registers again tells everything, and is told what to drop; one that never went away would not. So the
master orders again, once the chunk has as many replicas elsewhere as it should: until then a copy too many is no harm,
and the copy that nobody counts on may be the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


class Leftovers:
    """By server, the chunks of which it may hold something; pure."""

    def __init__(self, retry_ns: int) -> None:
        self._retry_ns = retry_ns
        self._by_server: dict[int, dict[int, None]] = {}
        self._due_ns: int | None = None

    @property
    def next_due_ns(self) -> int | None:
        """When to look again; None when there is nothing."""
        return self._due_ns

    def add(self, server: int, chunks: Iterable[int], now_ns: int) -> None:
        """The server may hold replicas of these that nobody needs."""
        self._by_server.setdefault(server, {}).update(dict.fromkeys(chunks))
        if self._due_ns is None:
            self._due_ns = now_ns + self._retry_ns

    def gone(self, server: int, chunks: Iterable[int] | None = None) -> None:
        """It holds none of these any more; None: it has told everything that it holds."""
        left = self._by_server.get(server, {})
        for chunk in tuple(left) if chunks is None else chunks:
            left.pop(chunk, None)
        if not left:
            self._by_server.pop(server, None)

    def due(self, now_ns: int, verdict: Callable[[int, int], str]) -> list[tuple[int, tuple[int, ...]]]:
        """Servers with the chunks to be dropped now. ``verdict(server, chunk)``: "drop", "wait" or "forget"."""
        if self._due_ns is None or now_ns < self._due_ns:
            return []
        orders: list[tuple[int, tuple[int, ...]]] = []
        for server in tuple(self._by_server):
            verdicts = {chunk: verdict(server, chunk) for chunk in self._by_server[server]}
            self.gone(server, [chunk for chunk, said in verdicts.items() if said == "forget"])
            drop = tuple(chunk for chunk, said in verdicts.items() if said == "drop")
            if drop:
                orders.append((server, drop))
        self._due_ns = now_ns + self._retry_ns if self._by_server else None
        return orders
