"""A campaign: a member asks whether it would be promised a ballot, and if a quorum would, asks for the promise.

The first question (pre-vote; Ongaro's thesis, 2014, sec. 9.6) changes nothing at those asked, so a member that can send
but not hear keeps asking it and deposes nobody. Promises are a set of members, each with what it has accepted; from
them the new leader must take, for each slot, the value of the highest ballot.
"""

from __future__ import annotations

from typing import Any

from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.core import Core
from feitian_sim.paxos.messages import Prepare, PreVote
from feitian_sim.paxos.values import NOOP, Entry


class Campaign:
    """One try to become the leader under ``ballot``."""

    __slots__ = ("_accepted", "_core", "_granted", "_own_record", "ballot", "first", "preparing", "promised")

    def __init__(self, core: Core) -> None:
        self._core = core
        above = max(core.highest, core.acceptor.promised)
        self.ballot: Ballot = above.next_for(core.me)
        self.first = core.acceptor.log.chosen + 1
        #: Whether promises are asked for; before, it is only asked whether they would be given.
        self.preparing = False
        self._granted = 1 << core.me
        self.promised = 0
        self._accepted: dict[int, Entry] = {}
        self._own_record = 0

    @classmethod
    def won(cls, core: Core, ballot: Ballot) -> Campaign:
        """The campaign of a first leader, promised by everybody before anything began."""
        campaign = cls(core)
        campaign.ballot = ballot
        campaign.preparing = True
        for member in core.members:
            campaign.promised |= 1 << member
        return campaign

    def begin(self) -> None:
        """Ask whether the ballot would be promised."""
        core = self._core
        if core.has_quorum(self._granted):
            self._prepare()
            return
        for member in core.others:
            core.send(member, PreVote(self.ballot, core.acceptor.log.chosen))

    def granted(self, member: int) -> None:
        """A member would promise."""
        self._granted |= 1 << member
        if not self.preparing and self._core.has_quorum(self._granted):
            self._prepare()

    def refused(self, promised: Ballot) -> None:
        """A member is bound to ``promised``: if that is above the ballot asked for, ask for the one above it."""
        if not self.preparing and promised >= self.ballot:
            self.ballot = promised.next_for(self._core.me)
            self._granted = 1 << self._core.me
            self.begin()

    def _prepare(self) -> None:
        core = self._core
        self.preparing = True
        self.first = core.acceptor.log.chosen + 1
        promised = core.acceptor.promise(self.ballot)
        assert promised, "a candidate that is bound to a ballot above its own"
        self._own_record = core.written
        self._take(core.acceptor.log.accepted_from(self.first))
        for member in core.others:
            # Not before the own promise is durable: after a crash the same ballot would be used once more.
            core.send_durable(member, Prepare(self.ballot, self.first))

    def ask_again(self) -> None:
        """Ask those for a promise that have not given it: the members have changed."""
        for member in self._core.others:
            if not self.promised >> member & 1:
                self._core.send(member, Prepare(self.ballot, self._core.acceptor.log.chosen + 1))

    def promise_from(self, member: int, entries: tuple[tuple[int, Entry], ...]) -> None:
        """A member has promised, and accepted this before."""
        self.promised |= 1 << member
        self._take(entries)

    def own_durable(self) -> None:
        """The own promise counts once it is durable."""
        if self.preparing and self._core.durable >= self._own_record:
            self.promised |= 1 << self._core.me

    @property
    def is_won(self) -> bool:
        """Whether a quorum has promised."""
        return self.preparing and self._core.has_quorum(self.promised)

    def _take(self, entries: tuple[tuple[int, Entry], ...]) -> None:
        for slot, entry in entries:
            present = self._accepted.get(slot)
            assert present is None or present.ballot != entry.ballot or present.value == entry.value, (
                f"two values in slot {slot} under one ballot"
            )
            if present is None or entry.ballot > present.ballot:
                self._accepted[slot] = entry

    def must_propose(self, after: int) -> list[tuple[Any, int]]:
        """What every slot above ``after`` must be proposed with that anybody has accepted, holes filled, in order."""
        last = max(self._accepted, default=after)
        found: list[tuple[Any, int]] = []
        for slot in range(after + 1, last + 1):
            entry = self._accepted.get(slot)
            found.append((NOOP, 0) if entry is None else (entry.value, entry.size_bytes))
        return found
