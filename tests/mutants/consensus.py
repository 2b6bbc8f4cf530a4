"""Bugs in consensus, each in one place and each of a kind that real systems have had."""

from __future__ import annotations

from typing import Any

from feitian_sim.paxos import NOOP, Snapshot, TakeSnapshot
from feitian_sim.paxos.acceptor import Acceptor
from feitian_sim.paxos.campaign import Campaign
from feitian_sim.paxos.core import Core
from feitian_sim.paxos.effects import Cut, Send
from feitian_sim.paxos.leadership import Leadership
from feitian_sim.paxos.learner import Learner
from feitian_sim.paxos.log import Log
from feitian_sim.paxos.messages import Accepted, Prepare, Promise
from feitian_sim.paxos.replica import Replica
from feitian_sim.paxos.role import Role
from feitian_sim.paxos.rounds import Round, Rounds
from tests.mutants.mutant import Hit, Mutant, Patch

_send_durable = Core.send_durable
_apply = Learner._apply
_end = Leadership.end
_init = Replica.__init__
_must_propose = Campaign.must_propose
_learn = Learner.learn


def _early(kind: type) -> Any:
    def plant(patch: Patch, hit: Hit) -> None:
        def send(self: Core, to: int, message: Any) -> None:
            if isinstance(message, kind):
                hit()
                self.out.append(Send(to, message, 0))
            else:
                _send_durable(self, to, message)

        patch.setattr(Core, "send_durable", send)

    return plant


def _small_quorum(patch: Patch, hit: Hit) -> None:
    def take_chosen(self: Rounds) -> Round | None:
        hit()
        if self._open and self._open[0].accepted.bit_count() >= len(self._core.members) // 2:
            return self._open.popleft()
        return None

    patch.setattr(Rounds, "take_chosen", take_chosen)


def _votes_as_a_count(patch: Patch, hit: Hit) -> None:
    def accepted(self: Rounds, member: int, first: int, last: int) -> None:
        hit()
        for one in self._open:
            if first <= one.first and one.last <= last:
                # The next member that has not voted votes.
                one.accepted |= one.accepted + 1

    patch.setattr(Rounds, "accepted", accepted)


def _first_value(patch: Patch, hit: Hit) -> None:
    def take(self: Campaign, entries: Any) -> None:
        for slot, entry in entries:
            if slot in self._accepted:
                hit()
            self._accepted.setdefault(slot, entry)

    patch.setattr(Campaign, "_take", take)


def _noops_over_values(patch: Patch, hit: Hit) -> None:
    def must_propose(self: Campaign, after: int) -> list[tuple[Any, int]]:
        hit()
        return [(NOOP, 0)] * (max(self._accepted, default=after) - after)

    patch.setattr(Campaign, "must_propose", must_propose)


def _log_dropped(patch: Patch, hit: Hit) -> None:
    def must_propose(self: Campaign, after: int) -> list[tuple[Any, int]]:
        if _must_propose(self, after):
            hit()
        return []

    patch.setattr(Campaign, "must_propose", must_propose)


def _holes_left(patch: Patch, hit: Hit) -> None:
    def must_propose(self: Campaign, after: int) -> list[tuple[Any, int]]:
        if len(self._accepted) < max(self._accepted, default=after) - after:
            hit()
        # Values close up where nothing was accepted.
        return [(entry.value, entry.size_bytes) for slot, entry in sorted(self._accepted.items()) if slot > after]

    patch.setattr(Campaign, "must_propose", must_propose)


def _cut_before_saved(patch: Patch, hit: Hit) -> None:
    def apply(self: Learner, slot: int, ticket: Any) -> None:
        _apply(self, slot, ticket)
        last = self._core.out[-1]
        if isinstance(last, TakeSnapshot):
            hit()
            self._core.acceptor.rebase(Snapshot(last.index, last.members, None, 0))
            self._core.out.append(Cut(self._core.written))

    patch.setattr(Learner, "_apply", apply)


def _blank_votes(patch: Patch, hit: Hit) -> None:
    def init(self: Replica, *args: Any, **named: Any) -> None:
        _init(self, *args, **named)
        if not self._core.acceptor.voter:
            hit()
        self._core.acceptor.voter = True

    patch.setattr(Replica, "__init__", init)


def _keeps_what_waits(patch: Patch, hit: Hit) -> None:
    patch.setattr(Leadership, "end", lambda self: hit())


def _freed_by_anybody(patch: Patch, hit: Hit) -> None:
    def leader_resigned(self: Role, sender: int, ballot: Any, now_ns: int) -> None:
        hit()
        self.patience.freed(now_ns)

    patch.setattr(Role, "leader_resigned", leader_resigned)


def _no_pre_vote(patch: Patch, hit: Hit) -> None:
    def begin(self: Campaign) -> None:
        hit()
        self._prepare()

    patch.setattr(Campaign, "begin", begin)
    patch.setattr(Role, "is_bound", lambda self, sender, chosen, now_ns: False)


def _lower_ballots(patch: Patch, hit: Hit) -> None:
    follow = Role.follow

    def obeys(self: Role, sender: int, ballot: Any, now_ns: int) -> bool:
        if ballot < self._core.acceptor.promised:
            hit()
            return True
        return follow(self, sender, ballot, now_ns)

    def accept(self: Acceptor, ballot: Any, first: int, values: Any) -> bool:
        before, self.promised = self.promised, min(self.promised, ballot)
        taken = _accept(self, ballot, first, values)
        self.promised = max(before, self.promised)
        return taken

    patch.setattr(Role, "follow", obeys)
    patch.setattr(Acceptor, "accept", accept)


_accept = Acceptor.accept


def _own_value_on_commit(patch: Patch, hit: Hit) -> None:
    def known_under(self: Log, ballot: Any, chosen: int) -> int:
        hit()
        last = self.chosen
        while last < chosen and self.entry(last + 1) is not None:
            last += 1
        return last

    patch.setattr(Log, "known_under", known_under)


def _promise_forgotten(patch: Patch, hit: Hit) -> None:
    replay = Acceptor.replay

    def replayed(self: Acceptor, records: Any, snapshot: Any) -> Any:
        members = replay(self, records, snapshot)
        accepted = [entry.ballot for _, entry in self.log.accepted_from(self.log.base + 1)]
        known = max(accepted, default=type(self.promised)(0, -1))
        if known < self.promised:
            hit()
        self.promised = known
        return members

    patch.setattr(Acceptor, "replay", replayed)


def _older_ballots_by_count(patch: Patch, hit: Hit) -> None:
    promise_from = Campaign.promise_from

    def must_propose(self: Campaign, after: int) -> list[tuple[Any, int]]:
        found = _must_propose(self, after)
        for slot, entries in _seen.get(id(self), {}).items():
            if after < slot <= after + len(found) and 2 * (len(entries) + 1) > len(self._core.members):
                hit()
                found[slot - after - 1] = (entries[0].value, entries[0].size_bytes)
        return found

    _seen: dict[int, dict[int, list[Any]]] = {}
    init = Campaign.__init__

    def begun(self: Campaign, core: Core) -> None:
        # Identities come again.
        _seen.pop(id(self), None)
        init(self, core)

    def only_count(self: Campaign, member: int, entries: Any) -> None:
        promise_from(self, member, entries)
        for slot, entry in entries:
            _seen.setdefault(id(self), {}).setdefault(slot, []).append(entry)

    patch.setattr(Campaign, "__init__", begun)
    patch.setattr(Campaign, "promise_from", only_count)
    patch.setattr(Campaign, "must_propose", must_propose)


def _learned_with_a_hole(patch: Patch, hit: Hit) -> None:
    def learn(self: Learner, sender: int, message: Any, now_ns: int) -> None:
        log = self._core.acceptor.log
        if message.first == log.chosen + 1 and len(message.entries) > 2:
            hit()
            # The first of what it lacks is passed over.
            message = type(message)(message.first, message.entries[1:], message.chosen - 1)
        _learn(self, sender, message, now_ns)

    patch.setattr(Learner, "learn", learn)


def _vote_of_the_silent(patch: Patch, hit: Hit) -> None:
    heartbeat_seen = Replica._heartbeat_seen

    def seen(self: Replica, sender: int, message: Any, now_ns: int) -> None:
        heartbeat_seen(self, sender, message, now_ns)
        leadership = self._role.leadership
        if leadership is not None and leadership.ballot == message.ballot:
            hit()
            # Whoever is alive has surely taken what it was sent.
            for one in list(leadership._rounds):
                leadership.accepted(sender, one.first, one.last)
            self._choose(now_ns)

    patch.setattr(Replica, "_heartbeat_seen", seen)


def _ballot_without_its_proposer(patch: Patch, hit: Hit) -> None:
    from feitian_sim.paxos.ballot import Ballot

    def next_for(self: Ballot, proposer: int) -> Ballot:
        hit()
        return Ballot(self.round + 1, 0)

    patch.setattr(Ballot, "next_for", next_for)


_m = Mutant
_THREE = "scenarios/check/three.yaml"
_TRIAL = "the trial of 14 mutants; generic"

MUTANTS: tuple[Mutant, ...] = (
    _m(
        "NW-01",
        "a promise is answered before it is durable",
        "Chubby, amnesia",
        ("NW2b",),
        _early(Promise),
        _THREE,
        "duels",
    ),
    _m("NW-02", "an acceptance is answered before it is durable", "etcd #14370", ("NW5", "NW1"), _early(Accepted)),
    _m("NW-03", "a new leader fills accepted slots with no-ops", _TRIAL, ("NW1", "NW8", "NW5"), _noops_over_values),
    _m(
        "NW-04",
        "a new leader takes the first value that it is promised",
        "generic Paxos error",
        ("NW1", "NW8"),
        _first_value,
        _THREE,
        "duels",
    ),
    _m("NW-05", "half of the members are a quorum", _TRIAL, ("NW5", "NW1"), _small_quorum),
    _m("NW-06", "votes are counted, not the members who cast them", _TRIAL, ("NW5", "NW1"), _votes_as_a_count),
    _m(
        "NW-08",
        "entries of older ballots are chosen by counting copies",
        "Raft, figure 8",
        ("NW1", "NW8"),
        _older_ballots_by_count,
        _THREE,
        "duels",
    ),
    _m(
        "NW-13",
        "the log is cut before the snapshot is durable",
        "ZOOKEEPER-2310",
        ("NW2a", "NW2", "G5", "NW13"),
        _cut_before_saved,
    ),
    _m(
        "NW-15",
        "a restart takes its ballot from the log, not from its promises",
        "ZOOKEEPER-582",
        ("NW2", "NW2a", "NW3", "NW1"),
        _promise_forgotten,
    ),
    _m(
        "NW-25",
        "no pre-vote: who is deaf goes on deposing leaders",
        "TigerBeetle's blog on liveness",
        ("NW15a", "NW15", "NW9L", "NW6", "NW6b"),
        _no_pre_vote,
    ),
    _m(
        "NW-26",
        "a deposed leader keeps what waits",
        "found unplanted in a trial",
        ("NW15", "NW10L", "NW9L"),
        _keeps_what_waits,
    ),
    _m(
        "NW-27", "a failover drops what the leader before had accepted", "Redis-Raft", ("NW1", "NW5", "NW8"), _log_dropped
    ),
    _m("OWN-01", "an acceptor accepts below its promise", _TRIAL, ("NW2a", "NW1", "NW8", "NW6b", "G5"), _lower_ballots),
    _m("OWN-02", "a follower applies its own value when a slot is chosen", _TRIAL, ("NW1", "NW8"), _own_value_on_commit),
    _m(
        "OWN-04",
        "a campaign asks before its own promise is durable",
        "Raft: votedFor not synced",
        ("NW2b",),
        _early(Prepare),
        _THREE,
        "duels",
    ),
    _m("OWN-06", "a new leader leaves no-op holes out", _TRIAL, ("NW1", "NW4"), _holes_left),
    _m(
        "OWN-07",
        "who catches up passes a slot over",
        "HDFS-13977 and its like",
        ("NW1", "NW4", "NW8"),
        _learned_with_a_hole,
    ),
    _m(
        "OWN-08",
        "an answer to a heartbeat counts as a vote",
        "ZAB: commit before ack",
        ("NW5", "NW1"),
        _vote_of_the_silent,
    ),
    _m(
        "OWN-09",
        "a ballot does not carry its proposer",
        _TRIAL,
        ("NW3", "NW2", "NW2b", "NW1", "G5"),
        _ballot_without_its_proposer,
    ),
)
