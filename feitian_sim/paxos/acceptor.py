"""The acceptor: promises and accepted values of one member, and the records that make them survive it.

The rule on which everything rests: a promise or an acceptance counts once its record is durable, and never goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from feitian_sim.paxos.ballot import NO_BALLOT, Ballot
from feitian_sim.paxos.log import Log
from feitian_sim.paxos.messages import Snapshot
from feitian_sim.paxos.records import AcceptedSlots, Base, LearnedSlots, Promised, Record
from feitian_sim.paxos.values import Entry


class Acceptor:
    """``write(record)`` appends a record to the member's journal."""

    __slots__ = ("_write", "log", "promised")

    def __init__(self, write: Callable[[Record], None]) -> None:
        self._write = write
        self.promised = NO_BALLOT
        self.log = Log()

    def promise(self, ballot: Ballot) -> bool:
        """Accept nothing below ``ballot`` from now on; False when bound to a higher one."""
        if ballot < self.promised:
            return False
        if ballot > self.promised:
            self.promised = ballot
            self._write(Promised(ballot))
        return True

    def accept(self, ballot: Ballot, first: int, values: Sequence[tuple[Any, int]]) -> bool:
        """Accept values in the slots from ``first`` on; False when bound to a higher ballot."""
        if ballot < self.promised:
            return False
        newly_bound = ballot > self.promised
        self.promised = ballot
        fresh = [
            (slot, Entry(ballot, value, size_bytes))
            for slot, (value, size_bytes) in enumerate(values, first)
            if slot > self.log.chosen and not self._has(slot, ballot)
        ]
        # What is chosen already is the same value: a leader finds it before it proposes.
        for slot, entry in fresh:
            self.log.put(slot, entry)
        for run in _runs(fresh):
            self._write(AcceptedSlots(run[0][0], tuple(entry for _, entry in run), self.log.chosen))
        if newly_bound and not fresh:
            self._write(Promised(ballot))
        return True

    def _has(self, slot: int, ballot: Ballot) -> bool:
        present = self.log.entry(slot)
        return present is not None and present.ballot == ballot

    def learn(self, first: int, entries: Sequence[Entry]) -> bool:
        """Take in what another knows to be chosen from ``first`` on; whether anything of it was new and next."""
        log = self.log
        if first > log.chosen + 1 or first + len(entries) - 1 <= log.chosen:
            return False
        fresh = entries[log.chosen + 1 - first :]
        start = log.chosen + 1
        for slot, entry in enumerate(fresh, start):
            log.learn(slot, entry)
        self._write(LearnedSlots(start, tuple(fresh)))
        return True

    def rebase(self, snapshot: Snapshot) -> None:
        """A durable snapshot holds everything up to its index: begin the journal anew with what is after it."""
        log = self.log
        log.cut(snapshot.index)
        after = log.accepted_from(snapshot.index + 1)
        self._write(Base(snapshot.index, snapshot.members, self.promised, log.chosen, after))

    def replay(self, records: Iterable[Record], snapshot: Snapshot | None) -> None:
        """Recover from what the disk kept."""
        for record in records:
            match record:
                case Promised():
                    assert record.ballot >= self.promised, "a journal whose promises go back"
                    self.promised = record.ballot
                case AcceptedSlots():
                    # Accepting is promising: the ballot stands in the entries.
                    self.promised = max(self.promised, record.entries[0].ballot)
                    self.log.refill(list(enumerate(record.entries, record.first)), record.chosen)
                case LearnedSlots():
                    last = record.first + len(record.entries) - 1
                    self.log.refill(list(enumerate(record.entries, record.first)), last)
                case Base():
                    self.promised = max(self.promised, record.promised)
                    self.log.cut(record.index)
                    self.log.refill(record.entries, record.chosen)
        if snapshot is not None and snapshot.index > self.log.base:
            # It was saved, and the crash came before the journal was begun anew.
            self.log.cut(snapshot.index)
        assert snapshot is not None or self.log.base == 0, "the log was cut at a snapshot that is not there"
        assert snapshot is None or snapshot.index >= self.log.base, "the snapshot is older than where the log begins"


def _runs(slots: list[tuple[int, Entry]]) -> list[list[tuple[int, Entry]]]:
    """The same in runs of consecutive slots."""
    runs: list[list[tuple[int, Entry]]] = []
    for slot, entry in slots:
        if runs and runs[-1][-1][0] == slot - 1:
            runs[-1].append((slot, entry))
        else:
            runs.append([(slot, entry)])
    return runs
