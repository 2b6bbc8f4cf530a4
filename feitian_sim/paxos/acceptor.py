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

    __slots__ = ("_write", "log", "promised", "voter")

    def __init__(self, write: Callable[[Record], None], *, voter: bool) -> None:
        self._write = write
        self.promised = NO_BALLOT
        #: Whether it may promise: it knows everything that it ever promised.
        self.voter = voter
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
        if not self.promise(ballot):
            return False
        log = self.log
        if first > log.last:
            # The common case: all of it is new.
            entries = [Entry(ballot, value, size_bytes) for value, size_bytes in values]
            log.extend(first, entries)
            self._write_run(first, entries)
            return True
        run: list[Entry] = []
        run_first = first
        for slot, (value, size_bytes) in enumerate(values, first):
            if self._needs(ballot, slot, value):
                entry = Entry(ballot, value, size_bytes)
                log.put(slot, entry)
                run.append(entry)
            else:
                self._write_run(run_first, run)
                run, run_first = [], slot + 1
        self._write_run(run_first, run)
        return True

    def _needs(self, ballot: Ballot, slot: int, value: Any) -> bool:
        """Whether accepting changes anything: what is chosen is the same value, found by the leader in its campaign."""
        if slot <= self.log.chosen:
            return False
        present = self.log.entry(slot)
        if present is None or present.ballot != ballot:
            return True
        assert present.value == value, f"two values in slot {slot} under {ballot}"
        return False

    def _write_run(self, first: int, run: list[Entry]) -> None:
        if run:
            self._write(AcceptedSlots(first, tuple(run), self.log.chosen))

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

    def begin_blank(self, members: tuple[int, ...]) -> None:
        """The disk was lost: remember, before anything else is written, that this member votes no more."""
        assert not self.voter, "a member that votes has a journal"
        self._write(Base(0, members, NO_BALLOT, 0, (), voter=False))

    def rebase(self, snapshot: Snapshot) -> None:
        """A durable snapshot holds everything up to its index: begin the journal anew with what is after it."""
        log = self.log
        log.cut(snapshot.index)
        after = log.accepted_from(snapshot.index + 1)
        self._write(Base(snapshot.index, snapshot.members, self.promised, log.chosen, after, self.voter))

    def replay(self, records: Iterable[Record], snapshot: Snapshot | None) -> tuple[int, ...]:
        """Recover from what the disk kept. Returns the members at the log's base; () when they are not known."""
        members: tuple[int, ...] = ()
        kept = list(records)
        for record in kept:
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
                    assert record.promised >= self.promised, "a journal whose promises go back"
                    self.promised = record.promised
                    self.voter = record.voter
                    members = record.members
                    self.log.cut(record.index)
                    self.log.refill(record.entries, record.chosen)
        if kept and not isinstance(kept[0], Base):
            self.voter = False
        if snapshot is not None and snapshot.index >= self.log.base:
            # If it is ahead, it was saved, and the crash came before the journal was begun anew.
            self.log.cut(snapshot.index)
            members = snapshot.members
        assert snapshot is not None or self.log.base == 0, "the log was cut at a snapshot that is not there"
        assert snapshot is None or snapshot.index == self.log.base, "the snapshot is older than where the log begins"
        return members
