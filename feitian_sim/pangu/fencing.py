"""Fencing: a chunk server obeys no master older than the newest that it knows of.

Every master that is elected has an epoch, larger than that of any before it, and every command carries its master's.
A master that was deposed and does not know it yet (paused, cut off) may still send; what it sends is refused here, at
the resource, where alone mutual exclusion can be kept (Burrows, OSDI 2006, sec. 2.4: sequencers).
"""

from __future__ import annotations


class Fence:
    """The newest epoch that one process has seen."""

    __slots__ = ("epoch", "refused")

    def __init__(self) -> None:
        self.epoch = 0
        #: Commands turned away.
        self.refused = 0

    def admits(self, epoch: int) -> bool:
        """Whether a command of ``epoch`` may be obeyed; a newer one closes the door to those before it."""
        if epoch < self.epoch:
            self.refused += 1
            return False
        self.epoch = epoch
        return True
