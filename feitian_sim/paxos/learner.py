"""The learner: applies what is chosen in order, fetches what this member lacks, and gives to those who lack more.

What is cut from a log is given as a snapshot. A snapshot is durable before the log is cut at it, whichever member made
it, and while one is being put in place nothing else is applied.
"""

from __future__ import annotations

from typing import Any

from feitian_sim.paxos.core import Core
from feitian_sim.paxos.effects import Apply, Cut, Restore, TakeSnapshot
from feitian_sim.paxos.messages import Fetch, Install, Learn, Snapshot
from feitian_sim.paxos.values import Members

_NEVER = 1 << 62


class Learner:
    """One member's way from the log to the state machine."""

    __slots__ = ("_core", "_fetch_due_ns", "_snapshot_due", "installing")

    def __init__(self, core: Core, now_ns: int) -> None:
        self._core = core
        self._fetch_due_ns = now_ns
        #: Index of a snapshot that is being put in place, or 0.
        self.installing = 0
        # The slot at which the next snapshot of its own is due; none while one is being saved.
        self._snapshot_due = core.acceptor.log.base + core.config.snapshot_every

    def replay(self) -> None:
        """After a restart: apply again what is known to be chosen."""
        log = self._core.acceptor.log
        for slot in range(log.base + 1, log.chosen + 1):
            self._apply(slot, None)

    def advance(self, upto: int) -> None:
        """The slots up to ``upto``, whose values are here, are chosen."""
        log = self._core.acceptor.log
        while log.chosen < upto:
            self.choose_next(None)

    def choose_next(self, ticket: Any) -> None:
        """The slot after the chosen prefix is chosen with the value that it has here."""
        log = self._core.acceptor.log
        log.choose_next()
        self._apply(log.chosen, ticket)

    def _apply(self, slot: int, ticket: Any) -> None:
        """Hand the value of a chosen slot to the state machine."""
        core = self._core
        entry = core.acceptor.log.entry(slot)
        assert entry is not None, f"slot {slot} is applied and not there"
        assert not self.installing, f"slot {slot} is applied while a snapshot is put in place"
        value = entry.value
        if value.__class__ is Members:
            core.members = value.members
        core.out.append(Apply(slot, entry.ballot, value, ticket))
        if slot >= self._snapshot_due:
            self._snapshot_due = _NEVER
            core.out.append(TakeSnapshot(slot, core.members))

    # What this member lacks

    def catch_up(self, leader: int, chosen: int, now_ns: int) -> None:
        """The leader knows the log up to ``chosen``: ask for what is missing here, not too often."""
        core = self._core
        if chosen > core.acceptor.log.chosen and not self.installing and now_ns >= self._fetch_due_ns:
            self._fetch_due_ns = now_ns + core.config.retry
            core.send(leader, Fetch(core.acceptor.log.chosen + 1))

    def learn(self, sender: int, message: Learn, now_ns: int) -> None:
        """Take in what another knows, and ask on."""
        core, log = self._core, self._core.acceptor.log
        before = log.chosen
        if self.installing or not core.acceptor.learn(message.first, message.entries):
            return
        for slot in range(before + 1, log.chosen + 1):
            self._apply(slot, None)
        if message.chosen > log.chosen:
            self._fetch_due_ns = now_ns + core.config.retry
            core.send(sender, Fetch(log.chosen + 1))

    def install(self, snapshot: Snapshot) -> bool:
        """Put another's snapshot in the place of the state, if it is ahead; whether that begins."""
        if snapshot.index <= self._core.acceptor.log.chosen or self.installing:
            return False
        self.installing = snapshot.index
        self._core.out.append(Restore(snapshot))
        return True

    def saved(self, snapshot: Snapshot, now_ns: int) -> None:
        """A snapshot is durable, and if it was another's the state machine is that of it now."""
        core, log = self._core, self._core.acceptor.log
        if snapshot.index == self.installing:
            self.installing = 0
            self._fetch_due_ns = now_ns
        if snapshot.index <= log.base:
            return
        assert not self.installing or snapshot.index <= log.chosen, "another snapshot than the one put in place"
        if snapshot.index > log.chosen:
            core.members = snapshot.members
        core.snapshot = snapshot
        core.acceptor.rebase(snapshot)
        core.out.append(Cut(core.written))
        self._snapshot_due = snapshot.index + core.config.snapshot_every

    # What others lack

    def give(self, to: int, first: int) -> None:
        """Give another member what it lacks from slot ``first`` on."""
        core, log = self._core, self._core.acceptor.log
        if first > log.chosen:
            return
        if first <= log.base:
            assert core.snapshot is not None, "a log that is cut without a snapshot"
            core.send(to, Install(core.snapshot))
        else:
            found = log.chosen_from(first, core.config.catch_up_bytes)
            core.send(to, Learn(first, tuple(found), log.chosen))
