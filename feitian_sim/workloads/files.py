"""The files that reads and appends choose from: the preloaded dataset, or those that a load has made so far."""

from __future__ import annotations

from typing import Protocol

import simpy

from feitian_sim.kernel import Simulation
from feitian_sim.workloads.cell import Cell


class Files(Protocol):
    """A list of files that may grow."""

    def count(self) -> int:
        """How many there are now."""
        ...

    def path(self, position: int) -> str:
        """The path of one."""
        ...

    def size_bytes(self, position: int) -> int:
        """The size of one."""
        ...

    def more(self) -> simpy.Event:
        """Happens when a file is added."""
        ...


class DatasetFiles:
    """The files that were there before the run."""

    def __init__(self, sim: Simulation, cell: Cell) -> None:
        self._sim = sim
        self._cell = cell

    def count(self) -> int:
        """See :class:`Files`."""
        return self._cell.dataset_paths()

    def path(self, position: int) -> str:
        """See :class:`Files`."""
        return self._cell.dataset_path(position)

    def size_bytes(self, position: int) -> int:
        """See :class:`Files`."""
        return self._cell.dataset_size_bytes(position)

    def more(self) -> simpy.Event:
        """Never: a dataset does not grow."""
        return self._sim.event()


class OwnFiles:
    """Files that a load has written, in the order in which they were finished."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._files: list[tuple[str, int]] = []
        self._more = sim.event()

    def add(self, path: str, size_bytes: int) -> None:
        """A file is there now."""
        self._files.append((path, size_bytes))
        if len(self._files) == 1:
            # Clients wait only while there is no file at all.
            self._more.succeed()

    def count(self) -> int:
        """See :class:`Files`."""
        return len(self._files)

    def path(self, position: int) -> str:
        """See :class:`Files`."""
        return self._files[position][0]

    def size_bytes(self, position: int) -> int:
        """See :class:`Files`."""
        return self._files[position][1]

    def more(self) -> simpy.Event:
        """See :class:`Files`."""
        return self._more
