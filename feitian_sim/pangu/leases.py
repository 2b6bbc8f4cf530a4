"""Leases: for each chunk that is being written, who orders the writes, and until when (GFS, section 3.1).

At most one primary per chunk and version: a lease is given together with a version that is durable first and that
every replica has taken, so a primary of an older version can no longer get a write through.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """One chunk's lease; the primary is the first of ``servers``."""

    version: int
    servers: tuple[int, ...]
    until_ns: int


class Leases:
    """The leases that a master has given out; forgotten with its process."""

    def __init__(self) -> None:
        self._by_chunk: dict[int, Lease] = {}

    def grant(self, chunk: int, lease: Lease) -> None:
        """Give, or renew."""
        self._by_chunk[chunk] = lease

    def current(self, chunk: int, now_ns: int) -> Lease | None:
        """The lease that runs."""
        lease = self._by_chunk.get(chunk)
        if lease is None or lease.until_ns <= now_ns:
            return None
        return lease

    def end(self, chunk: int) -> None:
        """The chunk is sealed or gone."""
        self._by_chunk.pop(chunk, None)
