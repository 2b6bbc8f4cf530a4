"""The follower: how a member answers those who want to lead, and obeys the one who does."""

from __future__ import annotations

from feitian_sim.paxos.core import Core
from feitian_sim.paxos.learner import Learner
from feitian_sim.paxos.messages import (
    Accept,
    Accepted,
    Heartbeat,
    HeartbeatSeen,
    Prepare,
    PreVote,
    PreVoted,
    Promise,
    Refused,
    Resigned,
    TooFarBehind,
)
from feitian_sim.paxos.role import Role


class Follower:
    """One member's answers."""

    __slots__ = ("_core", "_learner", "_role")

    def __init__(self, core: Core, learner: Learner, role: Role) -> None:
        self._core = core
        self._learner = learner
        self._role = role

    # Those who want to lead

    def pre_vote(self, sender: int, message: PreVote, now_ns: int) -> None:
        """Somebody asks whether it would be promised a ballot. Nothing changes here."""
        core, log = self._core, self._core.acceptor.log
        bound = self._role.is_bound(sender, message.chosen, now_ns) or message.ballot < core.acceptor.promised
        granted = not bound and message.chosen >= log.base
        core.send(sender, PreVoted(message.ballot, granted, core.acceptor.promised))
        if not bound and not granted:
            core.send(sender, TooFarBehind(message.ballot, log.base))
        elif self._role.is_removed(sender, message.chosen):
            # It was not told, or it would not stand.
            self._learner.give(sender, message.chosen + 1)

    def prepare(self, sender: int, message: Prepare, now_ns: int) -> None:
        """Somebody asks for the promise."""
        core, log = self._core, self._core.acceptor.log
        core.saw(message.ballot)
        if self._role.is_bound(sender, message.first - 1, now_ns):
            return
        if message.first <= log.base:
            core.send(sender, TooFarBehind(message.ballot, log.base))
        elif not core.acceptor.promise(message.ballot):
            core.send(sender, Refused(message.ballot, core.acceptor.promised))
        else:
            self._role.submit_to(message.ballot, now_ns)
            core.send_durable(sender, Promise(message.ballot, log.accepted_from(message.first)))

    def resigned(self, sender: int, message: Resigned, now_ns: int) -> None:
        """A leader leads no longer."""
        self._role.leader_resigned(sender, message.ballot, now_ns)

    # The one who leads

    def accept(self, sender: int, message: Accept, now_ns: int) -> None:
        """The leader asks to accept values."""
        core, log, learner = self._core, self._core.acceptor.log, self._learner
        if not self._role.follow(sender, message.ballot, now_ns):
            core.send(sender, Refused(message.ballot, core.acceptor.promised))
            return
        if core.acceptor.voter and not learner.installing:
            accepted = core.acceptor.accept(message.ballot, message.first, message.values)
            assert accepted, "refused what was to be obeyed"
            learner.advance(log.known_under(message.ballot, message.chosen))
            core.send_durable(sender, Accepted(message.ballot, message.first, message.last, log.chosen, message.sent_ns))
        learner.catch_up(sender, message.chosen, now_ns)

    def heartbeat(self, sender: int, message: Heartbeat, now_ns: int) -> None:
        """The leader lives."""
        core, log, learner = self._core, self._core.acceptor.log, self._learner
        if not self._role.follow(sender, message.ballot, now_ns):
            core.send(sender, Refused(message.ballot, core.acceptor.promised))
            return
        if not learner.installing:
            learner.advance(log.known_under(message.ballot, message.chosen))
        core.send(sender, HeartbeatSeen(message.ballot, log.chosen, message.sent_ns, core.acceptor.voter))
        learner.catch_up(sender, message.chosen, now_ns)
