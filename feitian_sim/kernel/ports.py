"""Ports: what lower rows need of upper ones, implemented from above.

Hardware knows that a disk can rot but not what lies on it; whoever stores something on a disk gives it a
:class:`DiskContents`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class DiskContents(Protocol):
    """What is stored on one disk, as the disk's failures see it."""

    def rot(self, uniform: float) -> str | None:
        """Silently change stored bytes at quantile ``uniform`` of what is stored; says what, or None if empty."""
        ...

    def sector_error(self, uniform: float) -> str | None:
        """Make stored bytes at quantile ``uniform`` unreadable; says what, or None if empty."""
        ...

    def lose_write(self, uniform: float) -> str | None:
        """Never have written a piece of what is at quantile ``uniform``; says what, or None if nothing was."""
        ...

    def misdirect(self, meant: float, hit: float) -> str | None:
        """Have written a piece of what is at quantile ``meant`` over a piece of another, at quantile ``hit``."""
        ...

    def go_stale(self, uniform: float, depth: float) -> tuple[str | None, Callable[[], None]]:
        """Serve what is at quantile ``uniform`` as it was a drawn number of writes ago; the result ends that."""
        ...

    def lost(self) -> int:
        """The disk failed for good, or was emptied, with all it held; returns how many things were lost."""
        ...
