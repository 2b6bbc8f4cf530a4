"""Bugs of a group's members: what they refuse and keep, what they leave out, what they give up, what they are known by."""

from __future__ import annotations

from typing import Any

from feitian_sim.paxos import NOOP
from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.follower import Follower
from feitian_sim.paxos.learner import Learner
from feitian_sim.paxos.replica import Replica
from feitian_sim.replog.quiet import Quiet
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_THREE = "scenarios/check/three.yaml"
_TERM_NS = 150_000_000


def _noops_left_out(patch: Patch, hit: Hit) -> None:
    apply = Learner._apply

    def applied(self: Learner, slot: int, ticket: Any) -> None:
        entry = self._core.acceptor.log.entry(slot)
        if entry is not None and entry.value == NOOP:
            hit()
        else:
            apply(self, slot, ticket)

    patch.setattr(Learner, "_apply", applied)


def _short_terms(patch: Patch, hit: Hit) -> None:
    woken = Replica.woken

    def ended(self: Replica, now_ns: int, uniform: float) -> Any:
        if self.is_leader and now_ns // _TERM_NS > (now_ns - self._core.config.heartbeat) // _TERM_NS:
            hit()
            return self.resign(now_ns)
        return woken(self, now_ns, uniform)

    patch.setattr(Replica, "woken", ended)
    # While heartbeats are left out nobody is woken.
    patch.setattr(Quiet, "begin", lambda self, leader: False)


def _refused_and_kept(patch: Patch, hit: Hit) -> None:
    accept = Follower.accept

    def kept(self: Follower, sender: int, message: Any, now_ns: int) -> None:
        acceptor = self._core.acceptor
        promised = acceptor.promised
        is_low = acceptor.voter and message.ballot < promised
        # Where it has something of a later ballot its own log would refuse.
        if is_low and message.first > acceptor.log.last and not self._learner.installing:
            hit()
            acceptor.promised = message.ballot
            acceptor.accept(message.ballot, message.first, message.values)
            acceptor.promised = promised
        accept(self, sender, message, now_ns)

    patch.setattr(Follower, "accept", kept)


def _epoch_without_its_proposer(patch: Patch, hit: Hit) -> None:
    def number(self: Ballot) -> int:
        hit()
        return self.round

    patch.setattr(Ballot, "number", property(number))


MUTANTS: tuple[Mutant, ...] = (
    _m("OWN-29", "a member leaves no-ops out when it applies", "generic", ("NW4",), _noops_left_out, _THREE, "duels"),
    _m("OWN-35", "leaders lay their office down after 150 ms", "generic", ("NW15a",), _short_terms, _THREE),
    _m("OWN-37", "an acceptor keeps what it has refused", "generic Paxos error", ("NW2a",), _refused_and_kept, _THREE,
       "duels"),
    _m("OWN-38", "a leader's epoch is its round, which another's may be as well", "generic Paxos error", ("NW3",),
       _epoch_without_its_proposer, _THREE, "duels"),
)  # fmt: skip
