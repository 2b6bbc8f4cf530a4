"""Bugs to be planted in consensus, each in one place and each the kind that real systems have had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stories

from feitian_sim.paxos import NOOP, Snapshot, TakeSnapshot
from feitian_sim.paxos.campaign import Campaign
from feitian_sim.paxos.core import Core
from feitian_sim.paxos.effects import Cut, Ready, Send
from feitian_sim.paxos.leadership import Leadership
from feitian_sim.paxos.learner import Learner
from feitian_sim.paxos.lease import Allegiance, LeaderLease
from feitian_sim.paxos.messages import Accepted, Prepare, Promise
from feitian_sim.paxos.reads import Reads
from feitian_sim.paxos.replica import Replica
from feitian_sim.paxos.role import Role
from feitian_sim.paxos.rounds import Round, Rounds

Patch = pytest.MonkeyPatch
_send_durable = Core.send_durable
_apply = Learner._apply
_end = Leadership.end
_init = Replica.__init__


def _early(kind: type) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        def send(self: Core, to: int, message: Any) -> None:
            if isinstance(message, kind):
                self.out.append(Send(to, message, 0))
            else:
                _send_durable(self, to, message)

        patch.setattr(Core, "send_durable", send)

    return plant


def _small_quorum(patch: Patch) -> None:
    def take_chosen(self: Rounds) -> Round | None:
        if self._open and self._open[0].accepted.bit_count() >= len(self._core.members) // 2:
            return self._open.popleft()
        return None

    patch.setattr(Rounds, "take_chosen", take_chosen)


def _votes_as_a_count(patch: Patch) -> None:
    def accepted(self: Rounds, member: int, first: int, last: int) -> None:
        for one in self._open:
            if first <= one.first and one.last <= last:
                # The next member that has not voted votes.
                one.accepted |= one.accepted + 1

    patch.setattr(Rounds, "accepted", accepted)


def _first_value(patch: Patch) -> None:
    def take(self: Campaign, entries: Any) -> None:
        for slot, entry in entries:
            self._accepted.setdefault(slot, entry)

    patch.setattr(Campaign, "_take", take)


def _noops_over_values(patch: Patch) -> None:
    def must_propose(self: Campaign, after: int) -> list[tuple[Any, int]]:
        return [(NOOP, 0)] * (max(self._accepted, default=after) - after)

    patch.setattr(Campaign, "must_propose", must_propose)


def _cut_before_saved(patch: Patch) -> None:
    def apply(self: Learner, slot: int, ticket: Any) -> None:
        _apply(self, slot, ticket)
        last = self._core.out[-1]
        if isinstance(last, TakeSnapshot):
            self._core.acceptor.rebase(Snapshot(last.index, last.members, None, 0))
            self._core.out.append(Cut(self._core.written))

    patch.setattr(Learner, "_apply", apply)


def _reads_from_memory(patch: Patch) -> None:
    def add(self: Reads, ticket: Any, now_ns: int, *, established: bool) -> bool:
        self._core.out.append(Ready(ticket))
        return False

    patch.setattr(Reads, "add", add)


def _lease_too_long(patch: Patch) -> None:
    def until_ns(self: LeaderLease, members: tuple[int, ...], now_ns: int) -> int:
        return self.quorum_sent_ns(members, now_ns) + 2 * self._length_ns

    patch.setattr(LeaderLease, "until_ns", until_ns)


def _forgets_its_leader(patch: Patch) -> None:
    def init(self: Allegiance, lease_ns: int, now_ns: int) -> None:
        self._lease_ns = lease_ns
        self.bound_until_ns = self._forgotten_until_ns = now_ns

    patch.setattr(Allegiance, "__init__", init)


def _blank_votes(patch: Patch) -> None:
    def init(self: Replica, *args: Any, **named: Any) -> None:
        _init(self, *args, **named)
        self._core.acceptor.voter = True

    patch.setattr(Replica, "__init__", init)


def _keeps_what_waits(patch: Patch) -> None:
    patch.setattr(Leadership, "end", lambda self: None)


def _no_barrier(patch: Patch) -> None:
    def go_on(self: Leadership, now_ns: int) -> None:
        while len(self._rounds) < self._core.config.window:
            batch = self._next_batch()
            if not batch:
                return
            self._send_round(batch, now_ns)

    patch.setattr(Leadership, "go_on", go_on)


def _freed_by_anybody(patch: Patch) -> None:
    def leader_resigned(self: Role, sender: int, ballot: Any, now_ns: int) -> None:
        self.patience.freed(now_ns)

    patch.setattr(Role, "leader_resigned", leader_resigned)


def _no_pre_vote(patch: Patch) -> None:
    def begin(self: Campaign) -> None:
        self._prepare()

    patch.setattr(Campaign, "begin", begin)
    patch.setattr(Role, "is_bound", lambda self, sender, chosen, now_ns: False)


#: Name, how to plant it, and within how many runs the adversary must have found it.
HUNTED: dict[str, tuple[Callable[[Patch], None], int]] = {
    "a promise before it is durable": (_early(Promise), 120),
    "an acceptance before it is durable": (_early(Accepted), 10),
    "a quorum of half": (_small_quorum, 10),
    "votes as a count": (_votes_as_a_count, 10),
    "the first value promised": (_first_value, 140),
    "no-ops over accepted values": (_noops_over_values, 10),
    "the log cut before the snapshot is durable": (_cut_before_saved, 10),
    "reads from memory": (_reads_from_memory, 10),
    "a lease longer than the others' patience": (_lease_too_long, 10),
    "a member without its disk votes": (_blank_votes, 100),
    "what waits is never answered": (_keeps_what_waits, 10),
}

#: Name, how to plant it, and the story that it spoils: too rare for the adversary, so that they are played by hand.
PLAYED: dict[str, tuple[Callable[[Patch], None], Callable[[], object]]] = {
    "a campaign before the own promise is durable": (_early(Prepare), stories.a_ballot_is_used_once),
    "a restart forgets whom it was bound to": (_forgets_its_leader, stories.a_restart_waits_for_a_lease),
    "new members at once": (_no_barrier, stories.a_member_is_added),
    "freed by anybody who resigns": (_freed_by_anybody, stories.a_late_word_of_an_old_leader),
    "no pre-vote": (_no_pre_vote, stories.a_deaf_server_deposes_nobody),
}
