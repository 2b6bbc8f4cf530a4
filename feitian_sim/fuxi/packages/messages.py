"""Messages about packages between Tubos. Each docstring says who tells whom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeekPiece:
    """A machine to a package's tracker: what shall I fetch next, and from whom? Answered by ``PieceAt``, if need be late.

    ``have``: the pieces that it has, as a set of bits; ``ended``: the one that it was last told to fetch, -1 if none;
    ``failed``: from whom it could not be had. An ``incarnation`` of its Tubo ends what the one before fetched.
    """

    package: str
    machine: str
    incarnation: int
    pieces: int
    have: int
    ended: int = -1
    failed: str = ""

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return 160 + self.pieces // 8


@dataclass(frozen=True, slots=True)
class PieceAt:
    """Tracker to machine: fetch this piece there, or from Pangu when ``source`` is empty; -1: there is none."""

    piece: int
    source: str = ""

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return 96


@dataclass(frozen=True, slots=True)
class SendPiece:
    """Machine to machine: send me this piece onto this disk. Answered by ``PieceSent`` when it is there."""

    package: str
    piece: int
    size_bytes: int
    into_disk: str

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return 128


@dataclass(frozen=True, slots=True)
class PieceSent:
    """The piece is on the disk that it was to go to."""

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return 64
