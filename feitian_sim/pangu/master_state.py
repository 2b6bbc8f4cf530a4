"""The master's replicated state: a deterministic machine that is fed records.

Namespace, chunk table and roster of servers, and nothing volatile: applying the records of the log in order always
gives this state, whichever master does it. The log is somebody else's (:mod:`feitian_sim.replog`).
"""

from __future__ import annotations

from typing import assert_never

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.chunk_table import ChunkTable
from feitian_sim.pangu.namespace import BulkFiles, Namespace
from feitian_sim.pangu.records import (
    ChunkAbandoned,
    ChunkAdded,
    ChunkSealed,
    Deleted,
    DirectoryMade,
    FileCreated,
    Record,
    Renamed,
    ServerModeSet,
    VersionRaised,
)
from feitian_sim.pangu.retry_cache import RetryCache
from feitian_sim.pangu.roster import Roster


class MasterState:
    """Files, chunks, versions, lengths and who serves, as of the records applied."""

    def __init__(self) -> None:
        self.namespace = Namespace()
        self.chunks = ChunkTable()
        self.roster = Roster()
        self.retries = RetryCache()
        self.records_applied = 0

    def apply(self, record: Record) -> tuple[int, ...]:
        """Take one record in; returns chunks that no file has any more."""
        self.records_applied += 1
        match record:
            case FileCreated():
                self.namespace.create(record.path, record.token)
                self.retries.note(record.token)
            case DirectoryMade():
                self.namespace.make_directory(record.path)
            case Renamed():
                self.namespace.rename(record.path, record.new_path)
                self.retries.note(record.token)
            case ChunkAdded():
                self.chunks.add(record.chunk)
                self.namespace.add_chunk(record.path, record.chunk)
            case ChunkSealed():
                self.chunks.seal(record.chunk, record.length_bytes)
            case VersionRaised():
                self.chunks.raise_version(record.chunk, record.version)
            case ServerModeSet():
                self.roster.set(record.server, record.mode, record.at_ns)
            case ChunkAbandoned():
                self.namespace.remove_chunk(record.path, record.chunk)
                return self._remove([record.chunk])
            case Deleted():
                self.retries.note(record.token)
                return self._remove(self.namespace.delete(record.path))
            case _:
                assert_never(record)
        return ()

    def load_dataset(self, chunks_per_file: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> int:
        """Take the preloaded files in, into an empty state; returns their first chunk (the snapshot at time 0)."""
        first = self.chunks.count
        ends = first + np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(chunks_per_file)])
        self.chunks.load(lengths)
        self.namespace.load(BulkFiles(ends))
        return first

    def _remove(self, chunks: list[int]) -> tuple[int, ...]:
        for chunk in chunks:
            self.chunks.remove(chunk)
        return tuple(chunks)
