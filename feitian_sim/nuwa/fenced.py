"""A fenced resource: takes work under a lock only from the newest holder that it has heard of.

A lock alone excludes nobody: a holder that was paused may go on after its session is over. So the token that came with
the lock goes with every request, and the resource, where alone it can be enforced, refuses what is older than the
newest it has seen (Burrows, OSDI 2006, sec. 2.4).
"""

from __future__ import annotations


class FencedResource:
    """Something that only the holder of a lock may touch. ``accepted`` are the tokens under which it was touched."""

    def __init__(self) -> None:
        self.newest = 0
        self.accepted: list[int] = []
        self.refused: list[int] = []

    def touch(self, token: int) -> bool:
        """Work under a lock's token; False when a newer holder has been here, or there is no holder (token 0)."""
        if token <= 0 or token < self.newest:
            self.refused.append(token)
            return False
        self.newest = token
        self.accepted.append(token)
        return True
