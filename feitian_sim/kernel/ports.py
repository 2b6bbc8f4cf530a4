"""Ports: what lower rows need of upper ones, implemented from above.

Hardware knows that a disk can rot but not what lies on it; whoever stores something on a disk gives it a
:class:`DiskContents`.
"""

from __future__ import annotations

from typing import Protocol


class DiskContents(Protocol):
    """What is stored on one disk, as the disk's failures see it."""

    def rot(self, uniform: float) -> str | None:
        """Silently change stored bytes at quantile ``uniform`` of what is stored; says what, or None if empty."""
        ...

    def sector_error(self, uniform: float) -> str | None:
        """Make stored bytes at quantile ``uniform`` unreadable; says what, or None if empty."""
        ...

    def lost(self) -> int:
        """The disk failed for good with all it held; returns how many things were lost."""
        ...
