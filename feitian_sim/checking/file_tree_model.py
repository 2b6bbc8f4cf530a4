"""A small reference of a file system's metadata: what a list of records makes of it, one after the other.

Written from the rules (absolute paths, directories that end in ``/``, a chunk belongs to one file, versions grow, a
sealed chunk stays as it is) and not from the masters' code. It says which record breaks a rule, and keeps the tree as
one number after each record, to compare masters with. What lies in the preloaded dataset is not its business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

_DATASET = "/dataset/"
_OPEN = -1


@dataclass
class Chunk:
    """A chunk of a file."""

    path: str
    version: int = 1
    length_bytes: int = _OPEN

    def line(self, number: int) -> str:
        """As the number of the tree has it."""
        return f"c {number} {self.version} {self.length_bytes}"


@dataclass
class FileTreeModel:
    """Directories, files and chunks after so many records."""

    records: int = 0
    sum: int = 0
    #: The tree as a number, by the count of records after which it was so.
    sums: dict[int, int] = field(default_factory=dict)
    directories: dict[str, None] = field(default_factory=dict)
    files: dict[str, list[int]] = field(default_factory=dict)
    chunks: dict[int, Chunk] = field(default_factory=dict)
    #: Every chunk that there ever was.
    named: dict[int, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._make("/")
        self.sums[0] = self.sum

    def apply(self, fact: Any) -> str:
        """Take the next record in; returns the rule that it breaks, or nothing."""
        rules: dict[str, Callable[[Any], str]] = {
            "create": self._create, "directory": self._directory, "delete": self._delete, "rename": self._rename,
            "add": self._add, "seal": self._seal, "abandon": self._abandon, "raise": self._raise,
        }  # fmt: skip
        rule = rules.get(fact.op)
        wrong = rule(fact) if rule is not None and not fact.path.startswith(_DATASET) else ""
        self.records = fact.index
        self.sums[fact.index] = self.sum
        return wrong

    def _create(self, fact: Any) -> str:
        if self._is_taken(fact.path):
            return f"{fact.path} is there already"
        self._make(_parent(fact.path))
        self._put(fact.path, [])
        return ""

    def _directory(self, fact: Any) -> str:
        if fact.path[:-1] in self.files:
            return f"{fact.path[:-1]} is a file"
        self._make(fact.path)
        return ""

    def _delete(self, fact: Any) -> str:
        path = fact.path
        if path.endswith("/"):
            if path not in self.directories or self._has_children(path):
                return f"{path} is no empty directory"
            del self.directories[path]
            self.sum ^= _hash(f"d {path}")
            return ""
        if path not in self.files:
            return f"{path} is no file"
        for number in self._take(path):
            self.sum ^= _hash(self.chunks.pop(number).line(number))
        return ""

    def _rename(self, fact: Any) -> str:
        if fact.path not in self.files:
            return f"{fact.path} is no file"
        if self._is_taken(fact.other):
            return f"{fact.other} is there already"
        chunks = self._take(fact.path)
        self._make(_parent(fact.other))
        self._put(fact.other, chunks)
        for number in chunks:
            self.chunks[number].path = fact.other
        return ""

    def _add(self, fact: Any) -> str:
        if fact.path not in self.files:
            return f"{fact.path} is no file"
        if fact.chunk in self.named:
            return f"chunk {fact.chunk} was given away before"
        self.named[fact.chunk] = None
        self.chunks[fact.chunk] = made = Chunk(fact.path)
        self.sum ^= _hash(made.line(fact.chunk))
        self._put(fact.path, [*self._take(fact.path), fact.chunk])
        return ""

    def _seal(self, fact: Any) -> str:
        chunk = self.chunks.get(fact.chunk)
        if chunk is None:
            return f"no file has chunk {fact.chunk}"
        if chunk.length_bytes != _OPEN:
            return f"chunk {fact.chunk} was sealed before"
        self._change(fact.chunk, chunk.version, fact.number)
        return ""

    def _raise(self, fact: Any) -> str:
        chunk = self.chunks.get(fact.chunk)
        if chunk is None:
            return f"no file has chunk {fact.chunk}"
        if fact.number <= chunk.version or chunk.length_bytes != _OPEN:
            return (
                f"chunk {fact.chunk} of version {chunk.version} and length {chunk.length_bytes} goes on as {fact.number}"
            )
        self._change(fact.chunk, fact.number, _OPEN)
        return ""

    def _abandon(self, fact: Any) -> str:
        chunk = self.chunks.get(fact.chunk)
        if chunk is None:
            return ""
        if chunk.length_bytes != _OPEN:
            return f"chunk {fact.chunk} is sealed: what it holds is acknowledged"
        self.sum ^= _hash(self.chunks.pop(fact.chunk).line(fact.chunk))
        self._put(chunk.path, [one for one in self._take(chunk.path) if one != fact.chunk])
        return ""

    # Inside

    def _is_taken(self, path: str) -> bool:
        return path in self.files or f"{path}/" in self.directories

    def _has_children(self, path: str) -> bool:
        return any(one.startswith(path) and one != path for one in (*self.files, *self.directories))

    def _make(self, path: str) -> None:
        while path and path not in self.directories:
            self.directories[path] = None
            self.sum ^= _hash(f"d {path}")
            path = _parent(path[:-1])

    def _put(self, path: str, chunks: list[int]) -> None:
        self.files[path] = chunks
        self.sum ^= _file_hash(path, chunks)

    def _take(self, path: str) -> list[int]:
        chunks = self.files.pop(path)
        self.sum ^= _file_hash(path, chunks)
        return chunks

    def _change(self, number: int, version: int, length_bytes: int) -> None:
        chunk = self.chunks[number]
        self.sum ^= _hash(chunk.line(number))
        chunk.version, chunk.length_bytes = version, length_bytes
        self.sum ^= _hash(chunk.line(number))


def _parent(path: str) -> str:
    return path[: path.rindex("/") + 1] if path else ""


def _file_hash(path: str, chunks: list[int]) -> int:
    return _hash(" ".join(["f", path, *map(str, chunks)]))


def _hash(line: str) -> int:
    return int.from_bytes(blake2b(line.encode(), digest_size=8).digest(), "big")
