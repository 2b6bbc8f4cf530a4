"""What clients were promised: every acknowledged byte, kept outside the simulated world.

A god's-eye record, for checks only; nothing in the cell decides by it. Clients note what they send and what was
acknowledged, compare what they read with it, and at the end of a run everything acknowledged is looked for on the
disks and in the master's log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from feitian_sim.pangu.content import Extent

#: What a chunk of the preloaded dataset holds; None when the chunk is not of the dataset.
DatasetRule = Callable[[int], tuple[Extent, ...] | None]


@dataclass(slots=True)
class PromisedFile:
    """One file with something acknowledged: its existence and the extents of its chunks."""

    path: str
    chunks: dict[int, list[Extent]] = field(default_factory=dict)


class Ledger:
    """Promises by path and by chunk."""

    def __init__(self, dataset_rule: DatasetRule) -> None:
        self._dataset_rule = dataset_rule
        self._files: dict[str, PromisedFile] = {}
        self._by_chunk: dict[int, list[Extent]] = {}
        # Paths with a deletion or renaming of which nobody knows whether it has happened or will: how many.
        self._doubtful: dict[str, int] = {}
        # Everything that was ever sent to a chunk: it may stand there, acknowledged or not.
        self._issued: dict[int, dict[Extent, None]] = {}

    @property
    def files(self) -> tuple[PromisedFile, ...]:
        """Files that were promised and not deleted since, in order of their promise."""
        return tuple(self._files.values())

    def created(self, path: str) -> None:
        """The master acknowledged that the file exists."""
        if path not in self._doubtful:
            self._files.setdefault(path, PromisedFile(path))

    def promise_of(self, path: str) -> PromisedFile | None:
        """What was promised of the file of this path."""
        return self._files.get(path)

    def removing(self, path: str) -> None:
        """Somebody asks for its deletion or renaming: nothing of this path is promised until that is decided."""
        self._files.pop(path, None)
        self._doubtful[path] = self._doubtful.get(path, 0) + 1

    def removed(self, path: str) -> None:
        """It is decided, either way."""
        self._doubtful[path] -= 1
        if not self._doubtful[path]:
            del self._doubtful[path]

    def renamed(self, promised: PromisedFile | None, path: str) -> None:
        """The master acknowledged that what was promised of a file stands under this path now."""
        if promised is not None and path not in self._doubtful:
            promised.path = path
            self._files[path] = promised

    def issued(self, chunk: int, extents: tuple[Extent, ...]) -> None:
        """A client sends these extents to be added to a chunk."""
        known = self._issued.setdefault(chunk, {})
        for extent in extents:
            known[extent] = None

    def acknowledged(self, path: str, chunk: int, extents: tuple[Extent, ...]) -> None:
        """A client was told that these extents are safe."""
        promised = self._files.get(path)
        if promised is not None:
            promised.chunks.setdefault(chunk, []).extend(extents)
        self._by_chunk.setdefault(chunk, []).extend(extents)

    def is_right(self, chunk: int, extents: tuple[Extent, ...], promised: tuple[Extent, ...]) -> bool:
        """Whether a read may return ``extents`` when ``promised`` were acknowledged before it began.

        Every promised extent must be there, and whatever else is there must have been sent to this chunk: a
        failed append may leave its bytes behind (GFS, section 2.7.1).
        """
        expected = self._dataset_rule(chunk)
        if expected is not None:
            return extents == expected
        found = dict.fromkeys(extents)
        known = self._issued.get(chunk, {})
        return all(extent in found for extent in promised) and all(extent in known for extent in extents)

    def promised(self, chunk: int) -> tuple[Extent, ...]:
        """Extents of a chunk that were acknowledged so far."""
        return tuple(self._by_chunk.get(chunk, ()))
