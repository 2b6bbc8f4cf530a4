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
        # Everything that was ever sent to a chunk: it may stand there, acknowledged or not.
        self._issued: dict[int, dict[Extent, None]] = {}

    @property
    def files(self) -> tuple[PromisedFile, ...]:
        """Files that were promised and not deleted since, in order of their promise."""
        return tuple(self._files.values())

    def created(self, path: str) -> None:
        """The master acknowledged that the file exists."""
        self._files.setdefault(path, PromisedFile(path))

    def deleted(self, path: str) -> None:
        """Somebody asked for its deletion: nothing of it is promised any more."""
        self._files.pop(path, None)

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
