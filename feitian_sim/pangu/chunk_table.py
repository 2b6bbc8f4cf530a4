"""Two tables with a row per chunk: what the master's log says of it, and where its replicas are.

:class:`ChunkTable` is part of the replicated state (version, length, sealed). :class:`Locations` is volatile: it is
learned from chunk servers and forgotten with the master's process. Both are numpy arrays that grow geometrically, so
that ten million chunks take some hundreds of megabytes and the death of a server is one pass over an array.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
_NOWHERE = -1
_FIRST_ROWS = 1024


class ChunkTable:
    """Durable facts about chunks, by number. Numbers are never used twice."""

    def __init__(self) -> None:
        self.count = 0
        #: Every chunk whose version was raised, in order.
        self.raised: list[int] = []
        self._version = np.zeros(_FIRST_ROWS, dtype=np.int32)
        self._length = np.zeros(_FIRST_ROWS, dtype=np.int64)
        self._sealed = np.zeros(_FIRST_ROWS, dtype=np.bool_)
        self._present = np.zeros(_FIRST_ROWS, dtype=np.bool_)

    @property
    def versions(self) -> npt.NDArray[np.int32]:
        """Version of each chunk."""
        return self._version[: self.count]

    @property
    def lengths(self) -> Ints:
        """Acknowledged bytes of each sealed chunk."""
        return self._length[: self.count]

    @property
    def sealed(self) -> npt.NDArray[np.bool_]:
        """Whether nothing is added any more."""
        return self._sealed[: self.count]

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Whether a file has the chunk."""
        return self._present[: self.count]

    def add(self, chunk: int) -> None:
        """A new chunk of version 1, open."""
        self._grow(chunk + 1)
        self.count = max(self.count, chunk + 1)
        self._version[chunk] = 1
        self._present[chunk] = True

    def load(self, lengths: Ints) -> None:
        """Sealed chunks of version 1 from the next number on."""
        first, end = self.count, self.count + len(lengths)
        self._grow(end)
        self.count = end
        self._version[first:end] = 1
        self._length[first:end] = lengths
        self._sealed[first:end] = True
        self._present[first:end] = True

    def seal(self, chunk: int, length_bytes: int) -> None:
        """Close the chunk at this length."""
        self._length[chunk] = length_bytes
        self._sealed[chunk] = True

    def raise_version(self, chunk: int, version: int) -> None:
        """Go on as ``version``."""
        assert version > self._version[chunk], f"chunk {chunk}: version {version} after {self._version[chunk]}"
        self._version[chunk] = version
        self.raised.append(chunk)

    def remove(self, chunk: int) -> None:
        """No file has it any more."""
        self._present[chunk] = False

    def knows(self, chunk: int) -> bool:
        """Whether a file has the chunk."""
        return 0 <= chunk < self.count and bool(self._present[chunk])

    def _grow(self, rows: int) -> None:
        if rows > len(self._version):
            more = max(rows, 2 * len(self._version)) - len(self._version)
            for name in ("_version", "_length", "_sealed", "_present"):
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros(more, dtype=column.dtype)]))


class Locations:
    """Which servers hold a good replica of each chunk, as far as the master knows."""

    def __init__(self, width: int) -> None:
        # One spare column: a clone may arrive while a returning server brings its replica back.
        self._servers = np.full((_FIRST_ROWS, width + 1), _NOWHERE, dtype=np.int32)
        self._live = np.zeros(_FIRST_ROWS, dtype=np.int16)
        #: Replicas on silent servers, which may come back.
        self._absent = np.zeros(_FIRST_ROWS, dtype=np.int16)
        # When the chunk was placed, sealed or cloned last: a report on its way may not know of it yet.
        self._touched_ns = np.zeros(_FIRST_ROWS, dtype=np.int64)

    def cover(self, rows: int) -> None:
        """Have a row for every chunk below ``rows``."""
        have = len(self._live)
        if rows > have:
            more = max(rows, 2 * have) - have
            width = self._servers.shape[1]
            self._servers = np.concatenate([self._servers, np.full((more, width), _NOWHERE, dtype=np.int32)])
            self._live = np.concatenate([self._live, np.zeros(more, dtype=np.int16)])
            self._absent = np.concatenate([self._absent, np.zeros(more, dtype=np.int16)])
            self._touched_ns = np.concatenate([self._touched_ns, np.zeros(more, dtype=np.int64)])

    def live(self, count: int) -> npt.NDArray[np.int16]:
        """Known good replicas of the first ``count`` chunks."""
        self.cover(count)
        return self._live[:count]

    def absent(self, count: int) -> npt.NDArray[np.int16]:
        """Replicas on silent servers, of the first ``count`` chunks."""
        self.cover(count)
        return self._absent[:count]

    def touch(self, chunk: int, now_ns: int) -> None:
        """The chunk was placed, sealed or cloned now."""
        self.cover(chunk + 1)
        self._touched_ns[chunk] = now_ns

    def untouched_since(self, chunks: Ints, time_ns: int) -> npt.NDArray[np.bool_]:
        """Which of ``chunks`` were not placed, sealed or cloned after ``time_ns``."""
        quiet: npt.NDArray[np.bool_] = self._touched_ns[chunks] <= time_ns
        return quiet

    def copies(self, chunk: int) -> int:
        """Known good replicas of one chunk."""
        return int(self._live[chunk]) if chunk < len(self._live) else 0

    def servers(self, chunk: int) -> tuple[int, ...]:
        """Servers with a good replica, in the order in which they came to be known."""
        if chunk >= len(self._live):
            return ()
        return tuple(server for server in self._servers[chunk].tolist() if server != _NOWHERE)

    def add(self, chunk: int, server: int) -> bool:
        """Note a replica; False when there is no room for more."""
        self.cover(chunk + 1)
        # A row is a handful of places: a list is searched faster than an array.
        row = self._servers[chunk].tolist()
        if server in row:
            return True
        if _NOWHERE not in row:
            return False
        self._servers[chunk, row.index(_NOWHERE)] = server
        self._live[chunk] += 1
        return True

    def remove(self, chunk: int, server: int) -> bool:
        """Forget a replica; False when it was not known."""
        if chunk >= len(self._live):
            return False
        found = np.flatnonzero(self._servers[chunk] == server)
        if not len(found):
            return False
        self._servers[chunk, found[0]] = _NOWHERE
        self._live[chunk] -= 1
        return True

    def forget(self, chunk: int) -> tuple[int, ...]:
        """Forget all replicas of a chunk; returns the servers that had one."""
        servers = self.servers(chunk)
        if servers:
            self._servers[chunk] = _NOWHERE
            self._live[chunk] = 0
        return servers

    def load(self, first: int, servers: npt.NDArray[np.int32]) -> None:
        """Replicas of chunks ``first``, first + 1, ..., one row each."""
        end = first + len(servers)
        self.cover(end)
        self._servers[first:end, : servers.shape[1]] = servers
        self._live[first:end] = (servers != _NOWHERE).sum(axis=1)

    def held_by(self, server: int) -> Ints:
        """Chunks of which ``server`` holds a good replica, ascending."""
        return np.flatnonzero((self._servers == server).any(axis=1))

    def grouped(self, wanted: npt.NDArray[np.bool_], server_count: int) -> list[Ints]:
        """For each server the chunks among those ``wanted`` that it holds, ascending: all servers in one pass."""
        chunks = np.flatnonzero(wanted)
        rows = self._servers[chunks]
        servers, held = rows.ravel(), np.repeat(chunks, rows.shape[1])
        known = servers != _NOWHERE
        order = np.argsort(servers[known], kind="stable")
        ends = np.cumsum(np.bincount(servers[known], minlength=server_count))
        return np.split(held[known][order], ends[:-1])

    def are_on(self, chunks: Ints, server: int) -> npt.NDArray[np.bool_]:
        """For each of ``chunks`` whether ``server`` is known to hold it."""
        found: npt.NDArray[np.bool_] = (self._servers[chunks] == server).any(axis=1)
        return found

    def crowded(self, chunks: Ints, domains: Sequence[npt.NDArray[np.int32]]) -> Ints:
        """Those of ``chunks`` of which two known replicas share one of the domains (racks, say), given by server."""
        rows = self._servers[chunks]
        shared = np.zeros(len(chunks), dtype=np.bool_)
        for domain in domains:
            # Places without a replica differ from each other and from every domain.
            there = np.where(rows == _NOWHERE, -1 - np.arange(rows.shape[1]), domain[rows])
            ordered = np.sort(there, axis=1)
            shared |= (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        return chunks[shared]

    def remove_many(self, chunks: Ints, server: int) -> None:
        """Forget the replicas of distinct ``chunks`` on ``server``, where known."""
        rows = self._servers[chunks]
        hits = rows == server
        rows[hits] = _NOWHERE
        self._servers[chunks] = rows
        self._live[chunks] -= hits.any(axis=1).astype(np.int16)

    def add_many(self, chunks: Ints, server: int) -> None:
        """Note replicas of distinct ``chunks`` on ``server``, where there is room and it is not known."""
        rows = self._servers[chunks]
        free = rows == _NOWHERE
        wanted = free.any(axis=1) & ~(rows == server).any(axis=1)
        picked = np.flatnonzero(wanted)
        rows[picked, free[picked].argmax(axis=1)] = server
        self._servers[chunks] = rows
        self._live[chunks[picked]] += 1

    def set_absent(self, chunks: Ints, change: int) -> None:
        """More (or fewer) replicas of distinct ``chunks`` are on silent servers."""
        self._absent[chunks] += change
