"""Records of the master's log: everything that must survive it, and nothing else.

A record is applied by :class:`~feitian_sim.pangu.master_state.MasterState` in the order of the log; the same records give
the same state. Where replicas are is in none of them: chunk servers tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.pangu.roster import Mode

_FIXED_BYTES = 48


@dataclass(frozen=True, slots=True)
class FileCreated:
    """An empty file, and the directories above it, exist; ``token`` names the attempt that made it."""

    path: str
    token: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES + len(self.path)


@dataclass(frozen=True, slots=True)
class DirectoryMade:
    """A directory, and those above it, exist."""

    path: str

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES + len(self.path)


@dataclass(frozen=True, slots=True)
class Deleted:
    """A file or an empty directory is gone; ``token`` names the attempt that removed it."""

    path: str
    token: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES + len(self.path)


@dataclass(frozen=True, slots=True)
class Renamed:
    """A file has another path; ``token`` names the attempt that gave it."""

    path: str
    new_path: str
    token: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES + len(self.path) + len(self.new_path)


@dataclass(frozen=True, slots=True)
class ChunkAdded:
    """A chunk of version 1 stands at the end of a file."""

    path: str
    chunk: int

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES + len(self.path)


@dataclass(frozen=True, slots=True)
class ChunkSealed:
    """A chunk ends: nothing is added to it any more."""

    chunk: int
    length_bytes: int

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES


@dataclass(frozen=True, slots=True)
class ChunkAbandoned:
    """A chunk that holds nothing acknowledged is out of its file."""

    path: str
    chunk: int

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES + len(self.path)


@dataclass(frozen=True, slots=True)
class VersionRaised:
    """A chunk goes on as a new version; replicas of older ones are stale."""

    chunk: int
    version: int

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES


@dataclass(frozen=True, slots=True)
class ServerModeSet:
    """The operator, or a drain that ended, has changed what a server is to the cell."""

    server: int
    mode: Mode
    at_ns: int

    @property
    def size_bytes(self) -> int:
        """Bytes in the log."""
        return _FIXED_BYTES


Record = (
    FileCreated
    | DirectoryMade
    | Deleted
    | Renamed
    | ChunkAdded
    | ChunkSealed
    | ChunkAbandoned
    | VersionRaised
    | ServerModeSet
)
