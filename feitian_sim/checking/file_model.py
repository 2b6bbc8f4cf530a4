"""A small reference of a file's bytes: what a read may return, given what was sent and what was acknowledged.

Bytes are told as extents, ``writer#sequence+offset:length``, so that a piece of a write is told from a whole one. The
rules are those of GFS (sec. 2.7.1): what is acknowledged stands at its place for ever, for every reader; a record may be
there more than once, since a failed try may have left it; and between records there is nothing that nobody sent.
"""

from __future__ import annotations

from typing import Any

_DATASET = "dataset"


class FileModel:
    """The chunks of all files."""

    def __init__(self) -> None:
        self._sent: dict[int, dict[str, None]] = {}
        # By chunk and place: since when it is acknowledged, and what.
        self._places: dict[int, dict[int, tuple[int, str]]] = {}

    def sent(self, fact: Any) -> None:
        """A client may have left this in a chunk from now on."""
        self._sent.setdefault(fact.chunk, {}).update(dict.fromkeys(fact.content.split()))

    def acknowledged(self, now_ns: int, fact: Any) -> str:
        """This is safe; returns what contradicts it."""
        places = self._places.setdefault(fact.chunk, {})
        for offset, extent in _placed(fact.content, fact.offset_bytes):
            end = offset + _length(extent)
            for other, (_, known) in places.items():
                if offset < other + _length(known) and other < end:
                    return f"{extent} was acknowledged at {offset} of chunk {fact.chunk}, where {known} stands"
            places[offset] = (now_ns, extent)
        return ""

    def read(self, fact: Any) -> str:
        """What is wrong with what a read returned; empty when nothing is."""
        content = fact.content.split()
        chunk, sent = fact.chunk, self._sent.get(fact.chunk)
        if sent is None and content:
            whole = len(content) == 1 and content[0].startswith(f"{_DATASET}#{chunk}+0:")
            return "" if whole else f"chunk {chunk} of the dataset reads as {fact.content}"
        strange = [extent for extent in content if sent is None or extent not in sent]
        if strange:
            return f"in chunk {chunk} stands {strange[0]}, which nobody sent like this"
        found = dict(_placed(fact.content, 0))
        for offset, (since_ns, extent) in self._places.get(chunk, {}).items():
            if since_ns < fact.began_ns and found.get(offset) != extent:
                there = found.get(offset, "nothing")
                return f"at {offset} of chunk {chunk}, where {extent} was acknowledged, stands {there}"
        return ""


def _placed(content: str, offset: int) -> list[tuple[int, str]]:
    placed = []
    for extent in content.split():
        placed.append((offset, extent))
        offset += _length(extent)
    return placed


def _length(extent: str) -> int:
    return int(extent.rpartition(":")[2])
