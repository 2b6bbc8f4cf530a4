"""What is wrong with a disk that works: it hangs, fails IOs, takes no writes, is full, tears, or is about to be emptied.

The faults set these and take them back; several may hold at once. The disk asks at each IO only when something is set.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.kernel import Stream

#: Makes the stream of what a crash leaves of a journal, by its name.
Tear = Callable[[str], Stream]


class Trouble:
    """The troubles of one disk. ``on_hang(hung)`` is called when it begins or ceases to hang."""

    __slots__ = ("_hung", "_on_hang", "_shares", "failing_syncs", "occupied_bytes", "read_only", "tears", "wipes")

    def __init__(self, on_hang: Callable[[bool], object]) -> None:
        self._on_hang = on_hang
        self._hung = False
        # Shares of IOs that fail, each with its draws.
        self._shares: dict[object, tuple[float, Stream]] = {}
        #: So many syncs fail next.
        self.failing_syncs = 0
        #: Bytes that something from outside takes.
        self.occupied_bytes = 0
        #: Whether it takes no writes.
        self.read_only = False
        #: What tears the tails of its journals in a crash: the last one does.
        self.tears: dict[object, Tear] = {}
        #: Whether it will be found empty after the next crash of its machine.
        self.wipes = False

    @property
    def active(self) -> bool:
        """Whether an IO may fail."""
        return bool(self.failing_syncs or self.read_only or self._shares)

    @property
    def hung(self) -> bool:
        """Whether IO neither ends nor fails."""
        return self._hung

    @hung.setter
    def hung(self, hung: bool) -> None:
        self._hung = hung
        self._on_hang(hung)

    def fail_share(self, share: float, stream: Stream) -> Callable[[], None]:
        """Let a share of all IOs fail; call the result to end that."""
        token = object()
        self._shares[token] = (share, stream)

        def end() -> None:
            del self._shares[token]

        return end

    def tear_with(self, tear: Tear) -> Callable[[], None]:
        """Have the next crashes tear; call the result to end that."""
        token = object()
        self.tears[token] = tear

        def end() -> None:
            del self.tears[token]

        return end

    def io_fails(self) -> bool:
        """Whether the IO that ends now fails; draws."""
        # Each draws, whatever the others say.
        failing = [stream.uniform() < share for share, stream in self._shares.values()]
        return any(failing)

    def sync_fails(self) -> bool:
        """Whether the sync that ends now fails; a read-only disk cannot make anything durable."""
        if self.failing_syncs:
            self.failing_syncs -= 1
            return True
        return self.io_fails() or self.read_only

    def tear(self, journal: str) -> Stream | None:
        """What draws the fate of a journal's tail in a crash at this moment; None when all of it is lost."""
        return list(self.tears.values())[-1](journal) if self.tears else None
