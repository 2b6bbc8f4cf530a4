"""The master's log on its disk: group commit, and nothing said before what it rests on is durable.

Records are handed to the journal as they come. While a sync runs, later ones gather and share the next. Whatever
the master says to anybody is held until every record logged before it is covered by a sync that has ended: an
answer may rest on any of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from feitian_sim.hardware import Journal
from feitian_sim.kernel import Owner
from feitian_sim.pangu.records import Record


class CommitLog:
    """The log of one master process."""

    def __init__(self, journal: Journal, owner: Owner) -> None:
        self._journal = journal
        self._owner = owner
        self._logged = 0
        self._durable = 0
        self._syncing = False
        self._held: deque[tuple[int, Callable[[], object]]] = deque()

    def append(self, record: Record) -> None:
        """Log a record."""
        self._journal.append(record, record.size_bytes, self._owner, _taken)
        self._logged += 1
        if not self._syncing:
            self._sync()

    def when_durable(self, say: Callable[[], object]) -> None:
        """Call ``say()`` as soon as everything logged so far is durable: at once if it is."""
        if self._durable == self._logged:
            say()
        else:
            self._held.append((self._logged, say))

    def _sync(self) -> None:
        # Only what was appended before the sync is covered by it for certain.
        self._syncing = True
        self._journal.sync(self._owner, self._synced, self._logged)

    def _synced(self, covered: int) -> None:
        self._durable = covered
        self._syncing = False
        if self._logged > covered:
            self._sync()
        while self._held and self._held[0][0] <= self._durable:
            _, say = self._held.popleft()
            say()


def _taken() -> None:
    """The operating system has the record; only the sync counts."""
