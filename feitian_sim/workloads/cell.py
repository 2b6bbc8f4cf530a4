"""What loads need of a Pangu cell: clients, and the dataset that was placed before the run."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Protocol

from feitian_sim.hardware import Machine

Steps = Generator[Any, Any, Any]


class FileClient(Protocol):
    """A client on one machine; each method is run with ``yield from`` and raises SimulatedError in the end."""

    def create(self, path: str) -> Steps:
        """Make an empty file."""
        ...

    def write_file(self, path: str, size_bytes: int, request_bytes: int | None = None) -> Steps:
        """Make a file and write it from beginning to end, with requests of so many bytes."""
        ...

    def read_file(self, path: str, offset: int = 0, length: int | None = None) -> Steps:
        """Read a file, or ``length`` bytes of it from ``offset`` on."""
        ...

    def append(self, path: str, size_bytes: int) -> Steps:
        """Append one record."""
        ...


class TreeClient(FileClient, Protocol):
    """A client that also changes the tree."""

    def delete(self, path: str) -> Steps:
        """Remove a file."""
        ...

    def rename(self, path: str, new_path: str) -> Steps:
        """Give a file another path, which must be free."""
        ...

    def list(self, path: str) -> Steps:
        """Names in a directory."""
        ...

    def exists(self, path: str) -> Steps:
        """Whether there is a file of this path."""
        ...


class Cell(Protocol):
    """A running Pangu."""

    def client(self, machine: Machine, name: str, load: str = "") -> TreeClient:
        """A client of the cell on ``machine``; its operations carry the name of the load."""
        ...

    def master_machines(self) -> Sequence[Machine]:
        """Where its masters are."""
        ...

    def dataset_paths(self) -> int:
        """How many files the dataset has."""
        ...

    def dataset_path(self, number: int) -> str:
        """The path of one file of the dataset."""
        ...

    def dataset_size_bytes(self, number: int) -> int:
        """The size of one file of the dataset."""
        ...
