"""One member of a replicated log: events in, effects out; no clock, no I/O, no chance of its own.

Time is an argument, by the member's own clock; the one random number that an election needs comes with :meth:`woken`.
What a member must remember it writes as records, and what it says on the strength of a record names it
(:mod:`.effects`), so that nothing can be said before it is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from feitian_sim.paxos.acceptor import Acceptor
from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.config import PaxosConfig
from feitian_sim.paxos.core import Core
from feitian_sim.paxos.effects import Effect, Elected, Lost
from feitian_sim.paxos.follower import Follower
from feitian_sim.paxos.leadership import DEPOSED
from feitian_sim.paxos.learner import Learner
from feitian_sim.paxos.messages import (
    Accept,
    Accepted,
    Fetch,
    Heartbeat,
    HeartbeatSeen,
    Install,
    Learn,
    Message,
    Prepare,
    PreVote,
    PreVoted,
    Promise,
    Refused,
    Resigned,
    Snapshot,
    TooFarBehind,
)
from feitian_sim.paxos.patience import Patience
from feitian_sim.paxos.records import Record
from feitian_sim.paxos.role import Role

NOT_LEADING = "this member does not lead"


class Replica:
    """One incarnation of a member.

    ``records`` and ``snapshot`` are what its disk kept, all of it durable. A new member's disk holds the founding record;
    one that holds no record was lost, with promises that nobody knows: such a member learns but never votes.
    ``members`` are those of the beginning, for the one that lost its disk. ``first_leader``: all members begin in the
    reign of this one, as after a long quiet time.
    """

    __slots__ = ("_core", "_follower", "_handlers", "_learner", "_role")

    def __init__(
        self,
        me: int,
        config: PaxosConfig,
        members: tuple[int, ...],
        now_ns: int,
        records: Iterable[Record],
        snapshot: Snapshot | None = None,
        *,
        first_leader: int | None = None,
    ) -> None:
        kept = list(records)
        self._core = core = Core(me, config, voter=bool(kept))
        known = core.acceptor.replay(kept, snapshot)
        core.members = known if kept else tuple(sorted(members))
        core.snapshot = snapshot
        core.saw(core.acceptor.promised)
        self._learner = Learner(core, now_ns)
        self._role = Role(core, self._learner, Patience(config, now_ns))
        self._follower = Follower(core, self._learner, self._role)
        if not kept:
            core.acceptor.begin_blank(core.members)
        if first_leader is not None:
            self._role.reign_from_start(Ballot(1, first_leader), now_ns)
        self._handlers: dict[type, Callable[[int, Any, int], None]] = {
            Accept: self._follower.accept,
            Accepted: self._accepted,
            Heartbeat: self._follower.heartbeat,
            HeartbeatSeen: self._heartbeat_seen,
            PreVote: self._follower.pre_vote,
            PreVoted: self._pre_voted,
            Prepare: self._follower.prepare,
            Promise: self._promise,
            Refused: self._refused,
            TooFarBehind: self._too_far_behind,
            Fetch: self._fetch,
            Learn: self._learn,
            Install: self._install,
            Resigned: self._follower.resigned,
        }

    def start(self, now_ns: int, uniform: float) -> list[Effect]:
        """The first effects: apply again what is known to be chosen; a first leader leads.

        ``uniform`` in (0, 1) is the draw of its first patience.
        """
        assert self._core.written <= 1, "started twice"
        self._role.patience.draw(uniform, now_ns)
        self._learner.replay()
        if self._role.leadership is not None:
            self._core.out.append(Elected(self._role.leadership.ballot))
        return self._taken()

    # What others ask

    @property
    def ballot(self) -> Ballot:
        """What it is bound to."""
        return self._core.acceptor.promised

    @property
    def leader(self) -> int | None:
        """Whom it believes to lead."""
        return self._role.leader

    @property
    def acceptor(self) -> Acceptor:
        """What it has promised and accepted."""
        return self._core.acceptor

    @property
    def is_leader(self) -> bool:
        """Whether it leads and has applied everything chosen before its reign."""
        return self._role.leadership is not None and self._role.leadership.established

    @property
    def is_voter(self) -> bool:
        """Whether it may promise; one whose disk was lost may not."""
        return self._core.acceptor.voter

    @property
    def members(self) -> tuple[int, ...]:
        """The members as of the chosen prefix."""
        return self._core.members

    @property
    def chosen(self) -> int:
        """Every slot up to here is chosen and applied."""
        return self._core.acceptor.log.chosen

    @property
    def base(self) -> int:
        """The slots up to here are in a snapshot."""
        return self._core.acceptor.log.base

    @property
    def written(self) -> int:
        """Records that this incarnation has written."""
        return self._core.written

    def lease_until_ns(self, now_ns: int) -> int:
        """Until when it may answer reads from its own state; at most ``now_ns`` when it may not."""
        leadership = self._role.leadership
        if leadership is None or not leadership.established:
            return now_ns
        return leadership.lease.until_ns(self._core.members, now_ns)

    # Time

    @property
    def next_wake_ns(self) -> int | None:
        """When :meth:`woken` is due."""
        return self._role.next_wake_ns

    @property
    def announce_due_ns(self) -> int | None:
        """When :meth:`announce` is due; None when there is nothing to tell."""
        leadership = self._role.leadership
        return leadership.announce_due_ns if leadership is not None else None

    @property
    def missed_ns(self) -> int | None:
        """When an answer to what a leader sent is missed; None where nobody leads."""
        leadership = self._role.leadership
        return leadership.missed_ns if leadership is not None else None

    def announce(self, now_ns: int) -> list[Effect]:
        """Let the others know how far the log is chosen."""
        if self._role.leadership is not None:
            self._role.leadership.beat(now_ns)
        return self._taken()

    def election_is_due(self, now_ns: int) -> bool:
        """Whether :meth:`woken` would spend a draw now: it stands, or is about to."""
        due_ns = self.next_wake_ns
        return self._role.leadership is None and due_ns is not None and due_ns <= now_ns

    def woken(self, now_ns: int, uniform: float) -> list[Effect]:
        """Time has passed; ``uniform`` in (0, 1) is spent if an election begins."""
        leadership = self._role.leadership
        if leadership is not None:
            if leadership.has_lost_touch(now_ns):
                self._role.step_down(now_ns)
            elif now_ns >= leadership.next_beat_ns:
                leadership.beat(now_ns)
                leadership.release_reads(now_ns)
        elif self.election_is_due(now_ns):
            self._role.wait_is_over(now_ns, uniform)
        return self._taken()

    def campaign(self, now_ns: int) -> list[Effect]:
        """Stand for election now, or as soon as nothing binds it, until it leads or follows a newer leader."""
        self._role.call(now_ns)
        return self._taken()

    def resign(self, now_ns: int) -> list[Effect]:
        """Lead no longer, and free those who are bound to this leader."""
        self._role.resign(now_ns)
        return self._taken()

    # What is proposed and asked here

    def propose(self, ticket: Any, value: Any, size_bytes: int, now_ns: int) -> list[Effect]:
        """Propose a command; its ticket comes back with :class:`Apply` or :class:`Lost`, once."""
        if self._role.leadership is None:
            self._core.out.append(Lost(ticket, NOT_LEADING))
        else:
            self._role.leadership.propose(ticket, value, size_bytes, now_ns)
        return self._taken()

    def read(self, ticket: Any, now_ns: int) -> list[Effect]:
        """Ask whether the state here is the newest; the ticket comes back with :class:`Ready` or :class:`Lost`."""
        if self._role.leadership is None:
            self._core.out.append(Lost(ticket, NOT_LEADING))
        else:
            self._role.leadership.read(ticket, now_ns)
        return self._taken()

    def change_members(self, ticket: Any, members: tuple[int, ...], now_ns: int) -> list[Effect]:
        """Propose other members, differing by one; the ticket comes back like that of a command."""
        reason = NOT_LEADING
        if self._role.leadership is not None:
            reason = self._role.leadership.change_members(ticket, members, now_ns)
        if reason:
            self._core.out.append(Lost(ticket, reason))
        return self._taken()

    # What the disk says

    def durable(self, count: int, now_ns: int) -> list[Effect]:
        """The first ``count`` records of this incarnation are durable."""
        core = self._core
        assert count <= core.written, "records are durable that were never written"
        core.durable = max(core.durable, count)
        campaign = self._role.campaign
        if campaign is not None:
            campaign.own_durable()
            self._role.see_whether_won(now_ns)
        if self._role.leadership is not None:
            self._role.leadership.own_durable()
            self._choose(now_ns)
        return self._taken()

    def snapshot_saved(self, snapshot: Snapshot, now_ns: int) -> list[Effect]:
        """A snapshot is durable, and if it was another's the state machine is that of it now."""
        self._learner.saved(snapshot, now_ns)
        return self._taken()

    # Messages

    def received(self, sender: int, message: Message, now_ns: int) -> list[Effect]:
        """A message has arrived from another member, or one that was."""
        self._handlers[message.__class__](sender, message, now_ns)
        return self._taken()

    def _taken(self) -> list[Effect]:
        out, self._core.out = self._core.out, []
        return out

    # Answers to a candidate

    def _pre_voted(self, sender: int, message: PreVoted, now_ns: int) -> None:
        self._core.saw(message.promised)
        campaign = self._role.campaign
        if campaign is not None and campaign.ballot == message.ballot:
            if message.granted:
                campaign.granted(sender)
            else:
                campaign.refused(message.promised)

    def _promise(self, sender: int, message: Promise, now_ns: int) -> None:
        role = self._role
        if role.leadership is not None and role.leadership.ballot == message.ballot:
            role.leadership.promise_from(sender, message.entries, now_ns)
        elif role.campaign is not None and role.campaign.ballot == message.ballot:
            role.campaign.promise_from(sender, message.entries)
            role.see_whether_won(now_ns)

    def _refused(self, sender: int, message: Refused, now_ns: int) -> None:
        role = self._role
        self._core.saw(message.promised)
        if role.leadership is not None and role.leadership.ballot == message.ballot:
            role.step_down(now_ns)
        elif role.campaign is not None and role.campaign.ballot == message.ballot:
            role.campaign = None

    def _too_far_behind(self, sender: int, message: TooFarBehind, now_ns: int) -> None:
        role = self._role
        if role.campaign is not None and role.campaign.ballot == message.ballot:
            role.campaign = None
        elif (
            role.leadership is not None
            and role.leadership.ballot == message.ballot
            and message.base > self._core.acceptor.log.chosen
        ):
            # Members that it did not know when it won have gone on: it can choose nothing without them. A late answer
            # of one that has gone on since, with what this leader had chosen, says nothing of the kind.
            role.step_down(now_ns)
        if role.leadership is None:
            self._learner.catch_up(sender, message.base, now_ns)

    # Catching up. Whoever leads has found in its campaign whatever was chosen before.

    def _fetch(self, sender: int, message: Fetch, now_ns: int) -> None:
        self._learner.give(sender, message.first)

    def _learn(self, sender: int, message: Learn, now_ns: int) -> None:
        if self._role.leadership is None:
            self._learner.learn(sender, message, now_ns)

    def _install(self, sender: int, message: Install, now_ns: int) -> None:
        if self._role.leadership is None and self._learner.install(message.snapshot):
            self._role.campaign = None

    # Answers to a leader

    def _accepted(self, sender: int, message: Accepted, now_ns: int) -> None:
        leadership = self._role.leadership
        if leadership is None or leadership.ballot != message.ballot:
            return
        leadership.accepted(sender, message.first, message.last)
        leadership.lease.answered(sender, message.sent_ns)
        leadership.answered(sender, message.chosen)
        self._choose(now_ns)
        leadership.release_reads(now_ns)

    def _heartbeat_seen(self, sender: int, message: HeartbeatSeen, now_ns: int) -> None:
        leadership = self._role.leadership
        if leadership is None or leadership.ballot != message.ballot:
            return
        leadership.answered(sender, message.chosen)
        if message.bound:
            leadership.lease.answered(sender, message.sent_ns)
            leadership.release_reads(now_ns)

    def _choose(self, now_ns: int) -> None:
        """Apply what a quorum has accepted, and go on."""
        role, core = self._role, self._core
        leadership = role.leadership
        assert leadership is not None, "nobody chooses but a leader"
        any_chosen = False
        while (one := leadership.take_chosen()) is not None:
            any_chosen = True
            members = core.members
            assert one.first == core.acceptor.log.chosen + 1, "rounds are chosen out of order"
            for slot, ticket in enumerate(one.tickets, one.first):
                self._learner.choose_next(ticket)
                if slot == leadership.own_noop:
                    leadership.establish()
            leadership.round_was_chosen(one, members, now_ns)
            if not core.is_member:
                # It has removed itself: the others learn it here, and are free to choose another leader.
                leadership.beat(now_ns)
                role.resign(now_ns)
                return
        if any_chosen:
            leadership.go_on(now_ns)
            leadership.release_reads(now_ns)
            leadership.tell_chosen(now_ns)

    # What takes no event

    def is_quiet(self, listeners: Collection[int]) -> bool:
        """Whether nothing is under way here but heartbeats, of which only ``listeners`` hear."""
        role = self._role
        if role.leadership is not None:
            return role.leadership.is_idle(listeners)
        return role.campaign is None and not self._learner.installing and role.leader is not None

    def assume_round(self, at_ns: int, listeners: Iterable[int]) -> None:
        """At the leader: a heartbeat sent at ``at_ns`` was answered by ``listeners``, without an event."""
        leadership = self._role.leadership
        assert leadership is not None, "only a leader's heart beats"
        for member in listeners:
            leadership.lease.answered(member, at_ns)
        leadership.next_beat_ns = at_ns + self._core.config.heartbeat

    def assume_heard(self, at_ns: int) -> None:
        """At a follower: a heartbeat of its leader arrived at ``at_ns``, without an event."""
        assert self._role.leadership is None, "a leader hears no heartbeats"
        self._role.patience.heard(at_ns)


__all__ = ["DEPOSED", "NOT_LEADING", "Replica"]
