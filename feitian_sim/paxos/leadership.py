"""A leadership: one member's time as the leader under its ballot.

It first proposes again what its promises showed, holes filled with no-ops, then a no-op of its own; when that is chosen
it has applied everything chosen before, and serves. Proposals wait in a queue, leave in batches (one message to each
member, one record, one sync: group commit) with a window of rounds under way. A change of members travels alone, and
nothing is proposed behind it until it is chosen and a quorum of the new members has promised the ballot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Any

from feitian_sim.paxos.campaign import Campaign
from feitian_sim.paxos.core import Core
from feitian_sim.paxos.effects import Elected, Lost
from feitian_sim.paxos.lease import LeaderLease
from feitian_sim.paxos.messages import Accept, Heartbeat
from feitian_sim.paxos.reads import Reads
from feitian_sim.paxos.rounds import Round, Rounds
from feitian_sim.paxos.values import EMPTY_BYTES, NOOP, Members

#: Why a proposal has no known outcome.
DEPOSED = "the leader was deposed"


_MOST_DOUBLINGS = 6


class Leadership:
    """The leader's half of a replica."""

    __slots__ = (
        "_barrier",
        "_campaign",
        "_core",
        "_next_slot",
        "_queue",
        "_recovered",
        "_rounds",
        "_since_ns",
        "_told_ns",
        "announce_due_ns",
        "ballot",
        "established",
        "lease",
        "matched",
        "next_beat_ns",
        "own_noop",
        "reads",
    )

    def __init__(self, core: Core, campaign: Campaign, now_ns: int) -> None:
        self._core = core
        self._campaign = campaign
        self.ballot = campaign.ballot
        self._since_ns = now_ns
        self.lease = LeaderLease(core.me, core.config.lease, core.config.clock_error)
        self.reads = Reads(core, self.lease)
        #: Whether the own no-op is chosen: from then on the state machine has seen all that went before.
        self.established = False
        #: How far each member has said that it knows the log.
        self.matched: dict[int, int] = {}
        self.next_beat_ns = now_ns + core.config.heartbeat
        #: When the others are to learn what was chosen; None when nothing is to be told.
        self.announce_due_ns: int | None = None
        # When the others were last told anything.
        self._told_ns = now_ns
        self._rounds = Rounds(core)
        self._queue: deque[tuple[Any, int, Any]] = deque()
        self._next_slot = core.acceptor.log.chosen + 1
        self._recovered: deque[tuple[Any, int]] = deque(campaign.must_propose(core.acceptor.log.chosen))
        # The slot of a change of members that is not chosen yet, or 0.
        self._barrier = 0
        #: The slot of the own no-op; 0 until it is proposed.
        self.own_noop = 0

    @classmethod
    def established_at_start(cls, core: Core, campaign: Campaign, now_ns: int) -> Leadership:
        """The leadership of a first leader: its no-op is in slot 1 of every member, which all know."""
        leadership = cls(core, campaign, now_ns)
        leadership.established = True
        leadership.own_noop = 1
        for member in core.members:
            leadership.lease.answered(member, now_ns)
            leadership.matched[member] = 1
        return leadership

    # Proposing

    def propose(self, ticket: Any, value: Any, size_bytes: int, now_ns: int) -> None:
        """Queue a command."""
        self._queue.append((value, size_bytes, ticket))
        self.go_on(now_ns)

    def change_members(self, ticket: Any, members: tuple[int, ...], now_ns: int) -> str:
        """Queue a change by one member; returns why not, or nothing."""
        core = self._core
        if not self.established:
            return "no entry of the leader's own ballot is chosen yet"
        if self._barrier or any(isinstance(value, Members) for value, _, _ in self._queue):
            return "another change of members is under way"
        if len(set(members) ^ set(core.members)) != 1 or not members:
            return "members change one at a time"
        change = Members(tuple(sorted(members)))
        self.propose(ticket, change, change.size_bytes, now_ns)
        return ""

    def go_on(self, now_ns: int) -> None:
        """Send what may be sent."""
        while len(self._rounds) < self._core.config.window and not self._barrier and self._campaign.is_won:
            batch = self._next_batch()
            if not batch:
                return
            self._send_round(batch, now_ns)

    def _next_batch(self) -> list[tuple[Any, int, Any]]:
        """The next values with their tickets: what was recovered, then the own no-op, then the queue."""
        config = self._core.config
        batch: list[tuple[Any, int, Any]] = []
        total_bytes = 0
        while len(batch) < config.batch_commands:
            if self._recovered:
                value, size_bytes = self._recovered[0]
                item: tuple[Any, int, Any] = (value, size_bytes, None)
            elif not self.own_noop:
                item = (NOOP, EMPTY_BYTES, None)
            elif self._queue:
                item = self._queue[0]
            else:
                break
            is_change = item[0].__class__ is Members
            if batch and (is_change or total_bytes + item[1] > config.batch_bytes):
                break
            self._take(len(batch))
            batch.append(item)
            total_bytes += item[1]
            if is_change:
                self._barrier = self._next_slot
                break
        return batch

    def _take(self, behind: int) -> None:
        if self._recovered:
            self._recovered.popleft()
        elif not self.own_noop:
            self.own_noop = self._next_slot + behind
        else:
            self._queue.popleft()

    def _send_round(self, batch: list[tuple[Any, int, Any]], now_ns: int) -> None:
        core = self._core
        values = tuple((value, size_bytes) for value, size_bytes, _ in batch)
        accepted = core.acceptor.accept(self.ballot, self._next_slot, values)
        assert accepted, "a leader that is bound to a ballot above its own"
        one = Round(self._next_slot, values, tuple(ticket for _, _, ticket in batch), core.written)
        self._next_slot = one.last + 1
        self._rounds.begin(one)
        self._send(one, core.others, now_ns)
        self.announce_due_ns = None
        self._told_ns = now_ns
        self.next_beat_ns = now_ns + core.config.heartbeat

    def _send(self, one: Round, members: tuple[int, ...], now_ns: int) -> None:
        core = self._core
        one.sent_ns = now_ns
        message = Accept(self.ballot, one.first, one.values, core.acceptor.log.chosen, now_ns)
        for member in members:
            core.send(member, message)

    # Answers

    def accepted(self, member: int, first: int, last: int) -> None:
        """A member has accepted some slots."""
        self._rounds.accepted(member, first, last)

    def own_durable(self) -> None:
        """More of the own records are durable."""
        self._rounds.own_durable()

    def answered(self, member: int, chosen: int) -> None:
        """A member knows the log up to ``chosen``."""
        if chosen > self.matched.get(member, 0):
            self.matched[member] = chosen

    def promise_from(self, member: int, entries: tuple[Any, ...], now_ns: int) -> None:
        """A promise that came after the campaign was won, or that a change of members made necessary."""
        was_won = self._campaign.is_won
        self._campaign.promise_from(member, entries)
        if not was_won and self._campaign.is_won:
            self._recover_rest()
            self.go_on(now_ns)

    def take_chosen(self) -> Round | None:
        """The next round that a quorum has accepted leaves."""
        return self._rounds.take_chosen()

    def establish(self) -> None:
        """The own no-op is chosen, and everything before it applied."""
        assert not self.established, "established twice"
        self.established = True
        self._core.out.append(Elected(self.ballot))

    def round_was_chosen(self, one: Round, members_before: tuple[int, ...], now_ns: int) -> None:
        """A round is applied; ``members_before`` were those that chose it."""
        if one.first != self._barrier:
            return
        core = self._core
        self._barrier = 0
        self.tell_members(tuple(member for member in members_before if member not in core.members), now_ns)
        if not self._campaign.is_won:
            self._campaign.ask_again()
        self._recover_rest()

    def _recover_rest(self) -> None:
        if not self.own_noop:
            self._recovered = deque(self._campaign.must_propose(self._next_slot - 1))

    # Time

    def tell_members(self, members: tuple[int, ...], now_ns: int) -> None:
        """Send a heartbeat to these."""
        message = Heartbeat(self.ballot, self._core.acceptor.log.chosen, now_ns)
        for member in members:
            if member != self._core.me:
                self._core.send(member, message)

    def beat(self, now_ns: int) -> None:
        """Send a heartbeat to everybody, and what was not answered once more."""
        core = self._core
        self.announce_due_ns = None
        self._told_ns = now_ns
        self.next_beat_ns = now_ns + core.config.heartbeat
        self.reads.asked(now_ns)
        self.tell_members(core.others, now_ns)
        if not self._campaign.is_won:
            self._campaign.ask_again()
        for one in self._rounds:
            # Later each time: messages that are only slow would be joined by their copies until nothing gets through.
            if now_ns - one.sent_ns >= core.config.retry << min(one.resent, _MOST_DOUBLINGS):
                one.resent += 1
                missing = tuple(member for member in core.others if not one.accepted >> member & 1)
                self._send(one, missing, now_ns)

    def tell_chosen(self, now_ns: int) -> None:
        """Let everybody know soon how far the log is chosen, if no round under way will tell."""
        after_ns = self._core.config.announce_after
        if self._rounds:
            self.announce_due_ns = None
        elif not after_ns:
            self.beat(now_ns)
        elif self.announce_due_ns is None:
            self.announce_due_ns = now_ns + after_ns
            self.next_beat_ns = min(self.next_beat_ns, self.announce_due_ns)

    # Reading

    def read(self, ticket: Any, now_ns: int) -> None:
        """Answer a read now if the lease allows, else after a round that began now or later."""
        if self.reads.add(ticket, now_ns, established=self.established):
            self.beat(now_ns)
            self.release_reads(now_ns)

    def release_reads(self, now_ns: int) -> None:
        """Answer the reads whose round a quorum has answered; ask once more for those that came since."""
        if self.established and self.reads.release(now_ns):
            self.beat(now_ns)

    def has_lost_touch(self, now_ns: int) -> bool:
        """Whether no quorum has answered for so long that another may lead."""
        heard_ns = max(self._since_ns, self.lease.quorum_sent_ns(self._core.members, now_ns))
        config = self._core.config
        return now_ns - heard_ns > config.election_timeout + config.election_spread

    @property
    def missed_ns(self) -> int:
        """From when on an answer to what was sent is missed, if it has not come by then."""
        oldest = next(iter(self._rounds), None)
        return (self._told_ns if oldest is None else oldest.sent_ns) + self._core.config.retry

    def is_idle(self, listeners: Collection[int]) -> bool:
        """Whether nothing is under way, and every one of ``listeners`` knows all that is chosen."""
        chosen = self._core.acceptor.log.chosen
        return (
            self.established
            and not (self._rounds or self._queue or self.reads)
            and self._campaign.is_won
            and all(self.matched.get(member) == chosen for member in listeners if member != self._core.me)
        )

    def end(self) -> None:
        """Another leads, or may: nothing that waits here will be answered here."""
        lost = [ticket for one in self._rounds.clear() for ticket in one.tickets]
        lost += [ticket for _, _, ticket in self._queue]
        lost += self.reads.clear()
        self._queue.clear()
        self._core.out.extend(Lost(ticket, DEPOSED) for ticket in lost if ticket is not None)
