"""One member of a replicated log: events in, effects out; no clock, no I/O, no chance of its own.

Time is an argument, by the member's own clock; the one random number that an election needs comes with :meth:`woken`.
What a member must remember it writes as records, and what it says on the strength of a record names it
(:mod:`.effects`), so that nothing can be said before it is durable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.campaign import Campaign
from feitian_sim.paxos.config import PaxosConfig
from feitian_sim.paxos.core import Core
from feitian_sim.paxos.effects import Deposed, Effect, Elected, Lost
from feitian_sim.paxos.leadership import DEPOSED, Leadership
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

NOT_LEADING = "this member does not lead"


class Replica:
    """One incarnation of a member.

    ``records`` and ``snapshot`` are what its disk kept. ``members`` are those of the beginning, ascending; () for a
    newcomer, who learns them. ``blank``: it lost its disk, so it may have promised what it does not know; it learns
    but never votes. ``first_leader``: all members begin in the reign of this one, as after a long quiet time.
    """

    __slots__ = (
        "_campaign",
        "_core",
        "_leadership",
        "_learner",
        "_patience",
        "leader",
    )

    def __init__(
        self,
        me: int,
        config: PaxosConfig,
        members: tuple[int, ...],
        now_ns: int,
        records: Iterable[Record] = (),
        snapshot: Snapshot | None = None,
        *,
        blank: bool = False,
        first_leader: int | None = None,
    ) -> None:
        kept = list(records)
        known = snapshot.members if snapshot is not None else tuple(sorted(members))
        self._core = core = Core(me, config, known, voter=not blank)
        core.snapshot = snapshot
        core.acceptor.replay(kept, snapshot)
        core.saw(core.acceptor.promised)
        self._patience = Patience(config, now_ns, restarted=bool(kept) or snapshot is not None)
        self._learner = Learner(core, now_ns)
        self._campaign: Campaign | None = None
        self._leadership: Leadership | None = None
        #: Whom it believes to lead.
        self.leader: int | None = None
        if first_leader is not None:
            self._begin_in_reign_of(first_leader, now_ns)

    def _begin_in_reign_of(self, leader: int, now_ns: int) -> None:
        core = self._core
        ballot = Ballot(1, leader)
        assert core.acceptor.promised == ballot, "the journal does not begin in the reign of the first leader"
        self.leader = leader
        self._patience.heard(now_ns)
        if leader == core.me:
            self._leadership = Leadership.established_at_start(core, Campaign.won(core, ballot), now_ns)

    def start(self, now_ns: int) -> list[Effect]:
        """The first effects: apply again what is known to be chosen; a first leader leads."""
        self._learner.replay()
        if self._leadership is not None:
            self._core.out.append(Elected(self._leadership.ballot))
        return self._taken()

    # What others ask

    @property
    def ballot(self) -> Ballot:
        """What it is bound to."""
        return self._core.acceptor.promised

    @property
    def is_leader(self) -> bool:
        """Whether it leads and has applied everything chosen before its reign."""
        return self._leadership is not None and self._leadership.established

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
        leadership = self._leadership
        if leadership is None or not leadership.established:
            return now_ns
        return leadership.lease.until_ns(self._core.members, now_ns)

    @property
    def next_wake_ns(self) -> int | None:
        """When :meth:`woken` is due."""
        if self._leadership is not None:
            beat_ns, due_ns = self._leadership.next_beat_ns, self._leadership.announce_due_ns
            return beat_ns if due_ns is None else min(beat_ns, due_ns)
        if self._campaign is None and not self._may_stand:
            return None
        return self._patience.due_ns

    @property
    def announce_due_ns(self) -> int | None:
        """When :meth:`announce` is due; None when there is nothing to tell."""
        return self._leadership.announce_due_ns if self._leadership is not None else None

    def announce(self, now_ns: int) -> list[Effect]:
        """Let the others know how far the log is chosen."""
        if self._leadership is not None:
            self._leadership.beat(now_ns)
        return self._taken()

    @property
    def _may_stand(self) -> bool:
        core = self._core
        return core.config.self_elect and core.voter and core.me in core.members

    # Time

    def woken(self, now_ns: int, uniform: float) -> list[Effect]:
        """Time has passed; ``uniform`` in (0, 1) is spent if an election begins."""
        if self._leadership is not None:
            self._beat(now_ns)
        elif now_ns >= self._patience.due_ns and (self._campaign is not None or self._may_stand):
            first = self._patience.draw(uniform, now_ns)
            if first and self._campaign is None:
                # It has just begun: there may be a leader of whom it has not heard yet.
                return self._taken()
            self._stand(now_ns)
        return self._taken()

    def _beat(self, now_ns: int) -> None:
        leadership = self._leadership
        assert leadership is not None
        if leadership.has_lost_touch(now_ns):
            self._step_down(now_ns)
        elif now_ns >= min(leadership.next_beat_ns, leadership.announce_due_ns or leadership.next_beat_ns):
            leadership.beat(now_ns)

    def _stand(self, now_ns: int) -> None:
        if not self._patience.allegiance.is_free(now_ns):
            # It is bound to a leader itself.
            self._patience.due_ns = max(self._patience.due_ns, self._patience.allegiance.bound_until_ns)
            return
        self.leader = None
        self._campaign = Campaign(self._core)
        self._campaign.begin()
        self._see_whether_won(now_ns)

    def election_is_due(self, now_ns: int) -> bool:
        """Whether :meth:`woken` would begin an election now, and so spend a draw."""
        due_ns = self.next_wake_ns
        return self._leadership is None and due_ns is not None and due_ns <= now_ns

    def campaign(self, now_ns: int) -> list[Effect]:
        """Stand for election now, or as soon as nothing binds it."""
        core = self._core
        if self._leadership is None and core.voter and core.me in core.members:
            self._patience.due_ns = now_ns + self._patience.length_ns
            self._stand(now_ns)
            if self._campaign is None:
                self._campaign = Campaign(core)
                self._patience.due_ns = self._patience.allegiance.bound_until_ns
        return self._taken()

    def resign(self, now_ns: int) -> list[Effect]:
        """Lead no longer, and free those who are bound to this leader."""
        leadership, core = self._leadership, self._core
        self._campaign = None
        if leadership is not None:
            leadership.lease.give_up()
            for member in core.others:
                core.send(member, Resigned(leadership.ballot))
            self._step_down(now_ns)
        return self._taken()

    def _step_down(self, now_ns: int) -> None:
        leadership, self._leadership = self._leadership, None
        self._campaign = None
        self.leader = None
        self._patience.due_ns = now_ns + self._patience.length_ns
        if leadership is not None:
            leadership.end()
            self._core.out.append(Deposed(leadership.ballot))

    # What is proposed and asked here

    def propose(self, ticket: Any, value: Any, size_bytes: int, now_ns: int) -> list[Effect]:
        """Propose a command; its ticket comes back with :class:`Apply` or :class:`Lost`, once."""
        if self._leadership is None:
            self._core.out.append(Lost(ticket, NOT_LEADING))
        else:
            self._leadership.propose(ticket, value, size_bytes, now_ns)
        return self._taken()

    def read(self, ticket: Any, now_ns: int) -> list[Effect]:
        """Ask whether the state here is the newest; the ticket comes back with :class:`Ready` or :class:`Lost`."""
        if self._leadership is None:
            self._core.out.append(Lost(ticket, NOT_LEADING))
        else:
            self._leadership.read(ticket, now_ns)
            self._leadership.release_reads(now_ns)
        return self._taken()

    def change_members(self, ticket: Any, members: tuple[int, ...], now_ns: int) -> list[Effect]:
        """Propose other members, differing by one; the ticket comes back like that of a command."""
        reason = NOT_LEADING
        if self._leadership is not None:
            reason = self._leadership.change_members(ticket, members, now_ns)
        if reason:
            self._core.out.append(Lost(ticket, reason))
        return self._taken()

    # What the disk says

    def durable(self, count: int, now_ns: int) -> list[Effect]:
        """The first ``count`` records of this incarnation are durable."""
        core = self._core
        assert count <= core.written, "records are durable that were never written"
        core.durable = max(core.durable, count)
        if self._campaign is not None:
            self._see_whether_won(now_ns)
        if self._leadership is not None:
            self._leadership.own_durable()
            self._choose(now_ns)
        return self._taken()

    def snapshot_saved(self, snapshot: Snapshot, now_ns: int) -> list[Effect]:
        """A snapshot is durable, and if it was another's the state machine is that of it now."""
        self._learner.saved(snapshot, now_ns)
        return self._taken()

    # Messages

    def received(self, sender: int, message: Message, now_ns: int) -> list[Effect]:
        """A message has arrived from another member, or one that was."""
        match message:
            case Accept():
                self._accept(sender, message, now_ns)
            case Accepted():
                self._accepted(sender, message, now_ns)
            case Heartbeat():
                self._heartbeat(sender, message, now_ns)
            case HeartbeatSeen():
                self._answered(sender, message.ballot, message.sent_ns, message.chosen, now_ns)
            case PreVote():
                self._pre_vote(sender, message, now_ns)
            case PreVoted():
                self._pre_voted(sender, message, now_ns)
            case Prepare():
                self._prepare(sender, message, now_ns)
            case Promise():
                self._promise(sender, message, now_ns)
            case Refused():
                self._refused(message, now_ns)
            case TooFarBehind():
                self._too_far_behind(sender, message, now_ns)
            case Fetch():
                self._learner.fetch(sender, message)
            case Learn():
                self._learner.learn(sender, message, now_ns)
            case Install():
                if self._leadership is None and self._learner.install(message):
                    self._campaign = None
            case Resigned():
                self._leader_resigned(message, now_ns)
        return self._taken()

    def _taken(self) -> list[Effect]:
        out, self._core.out = self._core.out, []
        return out

    # Elections

    def _is_bound(self, sender: int, now_ns: int) -> bool:
        """Whether it must not help ``sender`` now."""
        core = self._core
        if not core.voter or (core.members and sender not in core.members):
            return True
        if self._leadership is not None and now_ns < self._leadership.lease.until_ns(core.members, now_ns):
            return True
        return sender != self.leader and not self._patience.allegiance.is_free(now_ns)

    def _pre_vote(self, sender: int, message: PreVote, now_ns: int) -> None:
        core = self._core
        bound = self._is_bound(sender, now_ns) or message.ballot < core.acceptor.promised
        granted = not bound and message.chosen >= core.acceptor.log.base
        core.send(sender, PreVoted(message.ballot, granted, core.acceptor.promised))
        if not bound and not granted:
            core.send(sender, TooFarBehind(message.ballot, core.acceptor.log.base))

    def _pre_voted(self, sender: int, message: PreVoted, now_ns: int) -> None:
        self._core.saw(message.promised)
        campaign = self._campaign
        if campaign is not None and campaign.ballot == message.ballot and message.granted:
            campaign.granted(sender)
            self._see_whether_won(now_ns)

    def _prepare(self, sender: int, message: Prepare, now_ns: int) -> None:
        core, log = self._core, self._core.acceptor.log
        core.saw(message.ballot)
        if self._is_bound(sender, now_ns):
            return
        if message.first <= log.base:
            core.send(sender, TooFarBehind(message.ballot, log.base))
        elif not core.acceptor.promise(message.ballot):
            core.send(sender, Refused(message.ballot, core.acceptor.promised))
        else:
            self._submit_to(message.ballot, now_ns)
            core.send_durable(sender, Promise(message.ballot, log.accepted_from(message.first)))

    def _submit_to(self, ballot: Ballot, now_ns: int) -> None:
        """Somebody's higher ballot: whoever leads or stands under a lower one does so no longer."""
        if self._leadership is not None and self._leadership.ballot < ballot:
            self._step_down(now_ns)
        if self._campaign is not None and self._campaign.ballot < ballot:
            self._campaign = None
        if ballot.proposer != self._core.me:
            self._patience.bear(now_ns)

    def _promise(self, sender: int, message: Promise, now_ns: int) -> None:
        if self._leadership is not None and self._leadership.ballot == message.ballot:
            self._leadership.promise_from(sender, message.entries, now_ns)
            self._choose(now_ns)
        elif self._campaign is not None and self._campaign.ballot == message.ballot:
            self._campaign.promise_from(sender, message.entries)
            self._see_whether_won(now_ns)

    def _see_whether_won(self, now_ns: int) -> None:
        campaign, core = self._campaign, self._core
        if campaign is None:
            return
        campaign.own_durable()
        if not campaign.is_won or core.acceptor.promised != campaign.ballot:
            return
        self._campaign = None
        self.leader = core.me
        self._leadership = Leadership(core, campaign, now_ns)
        self._leadership.go_on(now_ns)

    def _refused(self, message: Refused, now_ns: int) -> None:
        self._core.saw(message.promised)
        if self._leadership is not None and self._leadership.ballot == message.ballot:
            self._step_down(now_ns)
        elif self._campaign is not None and self._campaign.ballot == message.ballot:
            self._campaign = None

    def _too_far_behind(self, sender: int, message: TooFarBehind, now_ns: int) -> None:
        if self._campaign is not None and self._campaign.ballot == message.ballot:
            self._campaign = None
        self._learner.catch_up(sender, message.base, now_ns)

    def _leader_resigned(self, message: Resigned, now_ns: int) -> None:
        if message.ballot == self._core.acceptor.promised and self._leadership is None:
            self._patience.freed(now_ns)
            self.leader = None
            if self._campaign is not None and not self._campaign.preparing:
                self._stand(now_ns)

    # Following

    def _follow(self, leader: int, ballot: Ballot, now_ns: int) -> bool:
        """A message of a leader: whether it is to be obeyed."""
        core = self._core
        core.saw(ballot)
        if ballot < core.acceptor.promised:
            core.send(leader, Refused(ballot, core.acceptor.promised))
            return False
        self._submit_to(ballot, now_ns)
        self._campaign = None
        self.leader = leader
        self._patience.heard(now_ns)
        return True

    def _accept(self, sender: int, message: Accept, now_ns: int) -> None:
        if not self._follow(sender, message.ballot, now_ns):
            return
        core, log = self._core, self._core.acceptor.log
        if core.voter and not self._learner.installing:
            accepted = core.acceptor.accept(message.ballot, message.first, message.values)
            assert accepted, "refused what was to be obeyed"
            self._learner.advance(log.known_under(message.ballot, message.chosen))
            core.send_durable(sender, Accepted(message.ballot, message.first, message.last, log.chosen, message.sent_ns))
        self._learner.catch_up(sender, message.chosen, now_ns)

    def _heartbeat(self, sender: int, message: Heartbeat, now_ns: int) -> None:
        if not self._follow(sender, message.ballot, now_ns):
            return
        core, log = self._core, self._core.acceptor.log
        if not self._learner.installing:
            self._learner.advance(log.known_under(message.ballot, message.chosen))
        if core.voter:
            core.send(sender, HeartbeatSeen(message.ballot, log.chosen, message.sent_ns))
        self._learner.catch_up(sender, message.chosen, now_ns)

    # Leading

    def _accepted(self, sender: int, message: Accepted, now_ns: int) -> None:
        leadership = self._leadership
        if leadership is not None and leadership.ballot == message.ballot:
            leadership.accepted(sender, message.first, message.last)
        self._answered(sender, message.ballot, message.sent_ns, message.chosen, now_ns)

    def _answered(self, sender: int, ballot: Ballot, sent_ns: int, chosen: int, now_ns: int) -> None:
        leadership = self._leadership
        if leadership is None or leadership.ballot != ballot:
            return
        leadership.lease.answered(sender, sent_ns)
        leadership.matched[sender] = max(chosen, leadership.matched.get(sender, 0))
        self._choose(now_ns)
        if self._leadership is leadership:
            leadership.release_reads(now_ns)

    def _choose(self, now_ns: int) -> None:
        """Apply what a quorum has accepted, and go on."""
        leadership, core = self._leadership, self._core
        assert leadership is not None
        any_chosen = False
        while self._leadership is leadership and (chosen := leadership.take_chosen()):
            any_chosen = True
            for slot, ticket in chosen:
                if slot > core.acceptor.log.chosen:
                    core.acceptor.log.mark_chosen(slot)
                    self._learner.apply(slot, ticket)
                leadership.was_chosen(slot)
            if core.me not in core.members:
                # It has removed itself: the others know, or will when one of them leads.
                leadership.beat(now_ns)
                self._step_down(now_ns)
                return
            leadership.go_on(now_ns)
        if any_chosen:
            leadership.release_reads(now_ns)
            leadership.tell_chosen(now_ns)

    # What takes no event

    def is_quiet(self, listeners: Collection[int]) -> bool:
        """Whether nothing is under way here but heartbeats, of which only ``listeners`` hear."""
        if self._leadership is not None:
            return self._leadership.is_idle(listeners)
        return self._campaign is None and not self._learner.installing and self.leader is not None

    def assume_round(self, at_ns: int, listeners: Iterable[int]) -> None:
        """At the leader: a heartbeat sent at ``at_ns`` was answered by ``listeners``, without an event."""
        leadership = self._leadership
        assert leadership is not None, "only a leader's heart beats"
        for member in listeners:
            leadership.lease.answered(member, at_ns)
        leadership.next_beat_ns = at_ns + self._core.config.heartbeat

    def assume_heard(self, at_ns: int) -> None:
        """At a follower: a heartbeat of its leader arrived at ``at_ns``, without an event."""
        self._patience.heard(at_ns)


__all__ = ["DEPOSED", "NOT_LEADING", "Replica"]
