"""The master on its machine: drives the core, keeps its log on the disk, and recovers from it.

The core decides (:mod:`feitian_sim.pangu.master`); this process makes its effects happen. A ``Log`` effect goes to
the journal, and what depends on it is released only when a sync covers it; records that come while a sync runs
share the next one (group commit). A start reads the journal from the disk, applies every record, and only then
serves: before, callers are told that the master is not ready. Where the replicas are is in no log: the chunk servers
tell it when they find that they talk to a new incarnation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from feitian_sim.hardware import Journal
from feitian_sim.kernel import Owner
from feitian_sim.pangu.effects import Effect, Log

Release = Callable[[tuple[Effect, ...]], object]


class GroupCommit:
    """Appends records to the journal and releases what waits for them, a sync at a time."""

    def __init__(self, journal: Journal, owner: Owner) -> None:
        self._journal = journal
        self._owner = owner
        self._waiting: list[Callable[[], object]] = []
        self._syncing = False

    def append(self, record: object, size_bytes: int, then: Callable[[], object]) -> None:
        """Log ``record``; ``then()`` when it is durable."""
        self._journal.append(record, size_bytes, self._owner, _taken)
        self._waiting.append(then)
        if not self._syncing:
            self._sync()

    def _sync(self) -> None:
        # Only what was appended before the sync is covered by it for certain.
        self._syncing = True
        covered, self._waiting = self._waiting, []
        self._journal.sync(self._owner, self._synced, covered)

    def _synced(self, covered: list[Callable[[], object]]) -> None:
        self._syncing = False
        if self._waiting:
            self._sync()
        for then in covered:
            then()


def _taken() -> None:
    """The operating system has the record; only the sync counts."""
