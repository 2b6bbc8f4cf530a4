"""What a member is at the moment: a follower, a candidate or the leader; and how it becomes another.

A member that leads or stands under a ballot does so only while it is bound to no higher one.
"""

from __future__ import annotations

from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.campaign import Campaign
from feitian_sim.paxos.core import Core
from feitian_sim.paxos.effects import Deposed
from feitian_sim.paxos.leadership import Leadership
from feitian_sim.paxos.learner import Learner
from feitian_sim.paxos.messages import Resigned
from feitian_sim.paxos.patience import Patience


class Role:
    """One member's part: whom it follows, its campaign or its leadership, and its patience with silence."""

    __slots__ = ("_called_above", "_core", "_learner", "campaign", "leader", "leadership", "patience")

    def __init__(self, core: Core, learner: Learner, patience: Patience) -> None:
        self._core = core
        self._learner = learner
        self.patience = patience
        self.campaign: Campaign | None = None
        self.leadership: Leadership | None = None
        #: Whom it believes to lead.
        self.leader: int | None = None
        # What it was bound to when it was last told to stand; None when it was not, or is done with it.
        self._called_above: Ballot | None = None

    # The candidate

    @property
    def may_stand(self) -> bool:
        """Whether silence makes it a candidate."""
        core = self._core
        wants = core.config.self_elect or self._called_above is not None
        return wants and core.acceptor.voter and core.is_member and not self._learner.installing

    @property
    def next_wake_ns(self) -> int | None:
        """When something is due here, if nothing comes in before."""
        if self.leadership is not None:
            return self.leadership.next_beat_ns
        return self.patience.due_ns if self.may_stand else None

    def call(self, now_ns: int) -> None:
        """Stand now, or as soon as nothing binds it, until it leads or follows a leader of a higher ballot."""
        if self.leadership is None:
            self._called_above = self._core.acceptor.promised
            if self.may_stand:
                self._stand(now_ns)

    def wait_is_over(self, now_ns: int, uniform: float) -> None:
        """Nothing was heard for as long as it bears."""
        self.patience.draw(uniform, now_ns)
        self._stand(now_ns)

    def _stand(self, now_ns: int) -> None:
        patience = self.patience
        patience.due_ns = now_ns + patience.length_ns
        assert self.may_stand, "one stands that may not"
        assert self.leadership is None, "a leader stands for election"
        if not patience.allegiance.is_free(now_ns):
            # It is bound to a leader itself.
            until_ns = patience.allegiance.bound_until_ns
            patience.due_ns = until_ns if self._called_above is not None else max(patience.due_ns, until_ns)
            return
        self.leader = None
        self.campaign = Campaign(self._core)
        self.campaign.begin()

    def see_whether_won(self, now_ns: int) -> None:
        """Lead, if a quorum has promised."""
        campaign, core = self.campaign, self._core
        if campaign is None or not campaign.is_won:
            return
        assert core.acceptor.promised == campaign.ballot, "a candidate that is bound to another ballot"
        assert not self._learner.installing, "a candidate that puts a snapshot in place"
        self.campaign = None
        self._called_above = None
        self.leader = core.me
        self.leadership = Leadership(core, campaign, now_ns)
        self.leadership.go_on(now_ns)

    # The leader

    def reign_from_start(self, ballot: Ballot, now_ns: int) -> None:
        """The group begins in the reign of ``ballot``'s proposer."""
        core = self._core
        assert core.acceptor.promised == ballot, "the journal does not begin in the reign of the first leader"
        self.leader = ballot.proposer
        self.patience.heard(now_ns)
        if ballot.proposer == core.me:
            self.leadership = Leadership.established_at_start(core, Campaign.won(core, ballot), now_ns)

    def resign(self, now_ns: int) -> None:
        """Lead no longer, and free those who are bound to this leader."""
        leadership, core = self.leadership, self._core
        self.campaign = None
        self._called_above = None
        if leadership is not None:
            leadership.lease.give_up()
            for member in core.others:
                core.send(member, Resigned(leadership.ballot))
            self.step_down(now_ns)

    def step_down(self, now_ns: int) -> None:
        """Lead no longer; what waits for an answer is lost."""
        leadership, self.leadership = self.leadership, None
        self.campaign = None
        self.leader = None
        self.patience.due_ns = now_ns + self.patience.length_ns
        if leadership is not None:
            leadership.end()
            if leadership.established:
                self._core.out.append(Deposed(leadership.ballot))

    # The follower

    def is_removed(self, sender: int, chosen: int) -> bool:
        """Whether ``sender``, who knows the log up to ``chosen`` and wants to lead, is no member any more.

        Who knows more of the log than this member may be one that it has not heard of.
        """
        core = self._core
        return bool(core.members) and sender not in core.members and chosen <= core.acceptor.log.chosen

    def is_bound(self, sender: int, chosen: int, now_ns: int) -> bool:
        """Whether it must not help ``sender`` to lead now."""
        core = self._core
        if not core.acceptor.voter or self.is_removed(sender, chosen):
            return True
        if self.leadership is not None and now_ns < self.leadership.lease.until_ns(core.members, now_ns):
            return True
        return sender != self.leader and not self.patience.allegiance.is_free(now_ns)

    def submit_to(self, ballot: Ballot, now_ns: int) -> None:
        """It is bound to somebody's ballot: under a lower one it leads and stands no longer."""
        if self.leadership is not None and self.leadership.ballot < ballot:
            self.step_down(now_ns)
        if self.campaign is not None and self.campaign.ballot < ballot:
            self.campaign = None
        if self.leader != ballot.proposer:
            self.leader = None
        self.patience.bear(now_ns)

    def follow(self, leader: int, ballot: Ballot, now_ns: int) -> bool:
        """A message of a leader: whether it is to be obeyed. To obey is to promise."""
        core = self._core
        core.saw(ballot)
        assert leader == ballot.proposer, f"{leader} leads under {ballot}, which is another's"
        if ballot < core.acceptor.promised:
            return False
        assert self.leadership is None or self.leadership.ballot < ballot, f"two leaders of {ballot}"
        if ballot > core.acceptor.promised:
            core.acceptor.promise(ballot)
            self.submit_to(ballot, now_ns)
        self.campaign = None
        if self._called_above is not None and ballot > self._called_above:
            self._called_above = None
        self.leader = leader
        self.patience.heard(now_ns)
        return True

    def leader_resigned(self, sender: int, ballot: Ballot, now_ns: int) -> None:
        """The leader of ``ballot`` has resigned; only whoever follows that very one is freed by it."""
        if sender != self.leader or ballot != self._core.acceptor.promised or self.leadership is not None:
            return
        self.leader = None
        self.patience.freed(now_ns)
        if self._called_above is not None:
            self.patience.due_ns = self.patience.allegiance.bound_until_ns
