"""The tree of files: absolute paths, directories that end in ``/``, and which chunks a file has.

Pure data, part of the master's replicated state. The preloaded dataset is one directory whose files are rows of
an array, since a hundred million of them would not fit into objects; a file of it that is changed becomes an
ordinary one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import SimulatedError

Ints = npt.NDArray[np.int64]

DATASET_DIRECTORY = "/dataset/"
_NUMBER_WIDTH = 9


class NamespaceError(SimulatedError):
    """The tree refuses: no such file, already there, not a path.

    ``code`` says so to programs where clients may want to act on it: ``no-node``, ``exists``, ``not-empty``.
    """

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


@dataclass(slots=True)
class File:
    """One file: its chunks in order, and the attempt that made it."""

    token: str = ""
    chunks: list[int] = field(default_factory=list)


class BulkFiles:
    """The files of the dataset: file ``i`` has the chunks from ``first_chunk[i]`` up to ``first_chunk[i + 1]``."""

    def __init__(self, first_chunk: Ints) -> None:
        self.first_chunk = first_chunk

    def __len__(self) -> int:
        return len(self.first_chunk) - 1

    def number(self, path: str) -> int | None:
        """The row of ``path``, None when it is not one of them."""
        name = path[len(DATASET_DIRECTORY) :]
        if not path.startswith(DATASET_DIRECTORY) or len(name) != _NUMBER_WIDTH or not name.isdigit():
            return None
        number = int(name)
        return number if number < len(self) else None

    def chunks(self, number: int) -> list[int]:
        """Chunks of a row."""
        return list(range(int(self.first_chunk[number]), int(self.first_chunk[number + 1])))


def dataset_path(number: int) -> str:
    """The path of file ``number`` of the dataset."""
    return f"{DATASET_DIRECTORY}{number:0{_NUMBER_WIDTH}d}"


class Namespace:
    """All directories and files."""

    def __init__(self) -> None:
        self._directories: dict[str, dict[str, None]] = {"/": {}}
        self._files: dict[str, File] = {}
        self._bulk = BulkFiles(np.zeros(1, dtype=np.int64))
        # Rows of the dataset that were deleted, renamed or changed.
        self._moved: dict[int, None] = {}

    def load(self, bulk: BulkFiles) -> None:
        """Take the dataset in."""
        self.make_directory(DATASET_DIRECTORY)
        self._bulk = bulk

    @property
    def file_count(self) -> int:
        """Files in the tree."""
        return len(self._files) + len(self._bulk) - len(self._moved)

    def is_file(self, path: str) -> bool:
        """Whether a file of this path is there."""
        return path in self._files or self._row(path) is not None

    def is_directory(self, path: str) -> bool:
        """Whether a directory of this path is there."""
        return path in self._directories

    def chunks(self, path: str) -> list[int]:
        """Chunks of a file. Raises :class:`NamespaceError`."""
        row = self._row(path)
        if row is not None:
            return self._bulk.chunks(row)
        return self._file(path).chunks

    def token(self, path: str) -> str:
        """The attempt that made a file."""
        return self._files[path].token if path in self._files else ""

    def names(self, path: str) -> tuple[str, ...]:
        """What is in a directory, sorted. Raises :class:`NamespaceError`."""
        if path not in self._directories:
            raise NamespaceError(f"there is no directory {path}", "no-node")
        names = list(self._directories[path])
        if path == DATASET_DIRECTORY:
            skip = len(DATASET_DIRECTORY)
            names += [dataset_path(row)[skip:] for row in range(len(self._bulk)) if row not in self._moved]
        return tuple(sorted(names))

    def made(self) -> Iterator[tuple[str, list[tuple[str, list[int]]]]]:
        """Directories, each with the files in it and their chunks; those of the dataset are left out."""
        for directory, names in self._directories.items():
            if directory != DATASET_DIRECTORY:
                here = [directory + name for name in names if not name.endswith("/")]
                yield directory, [(path, self._files[path].chunks) for path in here]

    def create(self, path: str, token: str) -> None:
        """Make an empty file and the directories above it. Raises :class:`NamespaceError`."""
        parent, name = split(path)
        if self.is_file(path) or f"{path}/" in self._directories:
            raise NamespaceError(f"{path} is already there", "exists")
        self.make_directory(parent)
        self._directories[parent][name] = None
        self._files[path] = File(token)

    def make_directory(self, path: str) -> None:
        """Make a directory and those above it; harmless when it is there. Raises :class:`NamespaceError`."""
        check_directory(path)
        if path in self._directories:
            return
        parent, name = split(path[:-1])
        if self.is_file(path[:-1]):
            raise NamespaceError(f"{path[:-1]} is a file")
        self.make_directory(parent)
        self._directories[parent][f"{name}/"] = None
        self._directories[path] = {}

    def delete(self, path: str) -> list[int]:
        """Remove a file or an empty directory; returns the file's chunks. Raises :class:`NamespaceError`."""
        if path.endswith("/"):
            if path == "/" or self.names(path):
                raise NamespaceError(f"{path} is not empty", "not-empty")
            parent, name = split(path[:-1])
            del self._directories[path]
            del self._directories[parent][f"{name}/"]
            return []
        chunks = list(self._own(path).chunks)
        parent, name = split(path)
        del self._files[path]
        del self._directories[parent][name]
        return chunks

    def rename(self, path: str, new_path: str) -> None:
        """Give a file another path. Raises :class:`NamespaceError`."""
        file = self._own(path)
        self.create(new_path, file.token)
        self._files[new_path] = file
        parent, name = split(path)
        del self._files[path]
        del self._directories[parent][name]

    def add_chunk(self, path: str, chunk: int) -> None:
        """Add a chunk at the end of a file. Raises :class:`NamespaceError`."""
        self._own(path).chunks.append(chunk)

    def remove_chunk(self, path: str, chunk: int) -> None:
        """Take a chunk out of a file; harmless when either is not there."""
        file = self._files.get(path)
        if file is not None and chunk in file.chunks:
            file.chunks.remove(chunk)

    def _row(self, path: str) -> int | None:
        row = self._bulk.number(path)
        return None if row is None or row in self._moved else row

    def _file(self, path: str) -> File:
        file = self._files.get(path)
        if file is None:
            raise NamespaceError(f"there is no file {path}", "no-node")
        return file

    def _own(self, path: str) -> File:
        """The file as an object, made from its row of the dataset if need be."""
        row = self._row(path)
        if row is not None:
            self._moved[row] = None
            parent, name = split(path)
            self._directories[parent][name] = None
            self._files[path] = File("", self._bulk.chunks(row))
        return self._file(path)


def split(path: str) -> tuple[str, str]:
    """Directory and name of an absolute path. Raises :class:`NamespaceError`."""
    if not path.startswith("/") or path.endswith("/") or "//" in path:
        raise NamespaceError(f"{path!r} is not the absolute path of a file: write /directory/name")
    cut = path.rindex("/") + 1
    return path[:cut], path[cut:]


def check_directory(path: str) -> None:
    """Raises :class:`NamespaceError` unless ``path`` is that of a directory."""
    if not path.startswith("/") or not path.endswith("/") or "//" in path:
        raise NamespaceError(f"{path!r} is not the absolute path of a directory: write /directory/")
