"""Credits: how many bytes one end of a connection may have under way to, or unanswered by, one process at the other.

Each process that is called has an account of its own on each connection, so a slow one stops its own callers and nobody
else; bulk messages have one beside it, so that they do not stop small ones. What finds no credit waits in the account's
fair queue.

What is granted is used, returned and held in the books of both ends at every instant: ``used = transit + held``. A
message larger than the whole window still goes, alone, and the window is in debt until it is answered: credits are
never clamped, or some would come back that were never given.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from feitian_sim.kuafu.fair_queue import FairQueue


class Credits:
    """One account, in bytes, and what waits for it."""

    __slots__ = ("held", "returned", "transit", "used", "waiting", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        #: Taken and not returned.
        self.used = 0
        #: Of these, on their way.
        self.transit = 0
        #: Of these, at the other end and not answered.
        self.held = 0
        #: Given back since the beginning.
        self.returned = 0
        self.waiting: FairQueue | None = None

    def wait(self, flow: Hashable, size_bytes: int, envelope: Any, quantum_bytes: int) -> None:
        """Keep an envelope back until there is credit; ``flow``: whose turn it takes."""
        if self.waiting is None:
            self.waiting = FairQueue(quantum_bytes)
        self.waiting.push(flow, size_bytes, envelope)

    def take(self, size_bytes: int) -> bool:
        """Take credits for a message that leaves now; False when it has to wait."""
        used = self.used
        if used and used + size_bytes > self.window:
            return False
        self.used = used + size_bytes
        self.transit += size_bytes
        return True

    def arrived(self, size_bytes: int) -> None:
        """A message has arrived, and is held at the other end until it is answered."""
        self.transit -= size_bytes
        self.held += size_bytes

    def answered(self, size_bytes: int) -> None:
        """A message that was held has been answered: its credits come back."""
        self.held -= size_bytes
        self.used -= size_bytes
        self.returned += size_bytes

    def consumed(self, size_bytes: int) -> None:
        """A message that nobody holds has arrived: its credits come back at once."""
        self.transit -= size_bytes
        self.used -= size_bytes
        self.returned += size_bytes

    def check(self) -> None:
        """Raise AssertionError when the books do not balance."""
        assert self.transit >= 0, f"{self.transit} bytes in transit"
        assert self.held >= 0, f"{self.held} bytes held"
        assert self.used == self.transit + self.held, f"used {self.used}, transit {self.transit}, held {self.held}"
