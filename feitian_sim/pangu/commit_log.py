"""The master's log as its core sees it: records go to the replicated log, and answers wait until they are chosen.

The core applies a record as it decides, so whatever it says afterwards may rest on records that are not chosen yet. An
answer therefore waits for all records logged before it; and one that waits for none still needs the assurance that no
other master has been elected meanwhile, which the replicated log gives (:meth:`ReplicatedLog.read`: at once under the
leader's lease, after a round otherwise). A master that was deposed gets neither, so nothing that it says is ever heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from feitian_sim.pangu.records import Record
from feitian_sim.replog import ReplicatedLog


class CommitLog:
    """The log of one reign of a master. ``on_lost`` is called once, when a record could not be logged."""

    def __init__(self, log: ReplicatedLog, on_lost: Callable[[], object]) -> None:
        self._log = log
        self._on_lost = on_lost
        self._logged = 0
        self._chosen = 0
        self._ended = False
        self._held: deque[tuple[int, Callable[[], object]]] = deque()

    def append(self, record: Record) -> None:
        """Log a record."""
        if self._ended:
            return
        self._logged += 1
        self._log.propose(record, record.size_bytes, self._was_chosen, self._lost)

    def when_durable(self, say: Callable[[], object]) -> None:
        """Call ``say()`` as soon as everything logged so far is chosen: at once if it is, and this master leads."""
        if self._chosen < self._logged:
            self._held.append((self._logged, say))
        elif not self._ended:
            self._log.read(say, self._lost)

    def end(self) -> None:
        """The reign is over: nothing that is held will be said."""
        self._ended = True
        self._held.clear()

    def _was_chosen(self, _: object) -> None:
        self._chosen += 1
        while self._held and self._held[0][0] <= self._chosen:
            _, say = self._held.popleft()
            say()

    def _lost(self, _: str) -> None:
        if not self._ended:
            self.end()
            self._on_lost()
