"""Leases: how long a leader may answer from its own state, and why nobody else can lead meanwhile.

A member that hears from its leader helps no other candidate for the time of a lease, by its own clock, counted from
when it *heard*. The leader counts from when it *sent*, which is earlier, and ends its lease earlier still by the bound
on the error of clocks. So while it holds a lease, a quorum of members is bound to it (Gray and Cheriton, SOSP 1989;
master leases of Chandra et al., "Paxos Made Live", PODC 2007, sec. 5.2). A member that restarts has forgotten whom it
was bound to, and waits for a whole lease before it helps anybody.
"""

from __future__ import annotations

from feitian_sim.paxos.values import quorum_of

_NEVER = -(1 << 62)


class LeaderLease:
    """The leader's side: when each member last answered, by the leader's clock at sending."""

    __slots__ = ("_length_ns", "_me", "_sent_ns")

    def __init__(self, me: int, lease_ns: int, clock_error_ns: int) -> None:
        self._me = me
        self._length_ns = lease_ns - clock_error_ns
        self._sent_ns: dict[int, int] = {}

    def answered(self, member: int, sent_ns: int) -> None:
        """A member has answered what was sent at ``sent_ns``."""
        if sent_ns > self._sent_ns.get(member, _NEVER):
            self._sent_ns[member] = sent_ns

    def quorum_sent_ns(self, members: tuple[int, ...], now_ns: int) -> int:
        """The latest instant such that a quorum has answered something sent then or later."""
        heard = sorted((now_ns if one == self._me else self._sent_ns.get(one, _NEVER) for one in members), reverse=True)
        return heard[quorum_of(members) - 1]

    def until_ns(self, members: tuple[int, ...], now_ns: int) -> int:
        """The end of the lease; in the past when there is none."""
        return self.quorum_sent_ns(members, now_ns) + self._length_ns

    def give_up(self) -> None:
        """Forget every answer: the lease ends now."""
        self._sent_ns.clear()


class Allegiance:
    """A member's side: whom it helps, and until when it helps nobody else."""

    __slots__ = ("_forgotten_until_ns", "_lease_ns", "bound_until_ns")

    def __init__(self, lease_ns: int, now_ns: int) -> None:
        self._lease_ns = lease_ns
        # Whom it was bound to before it began, it does not know: nobody frees it from that.
        self._forgotten_until_ns = now_ns + lease_ns
        #: It helps no candidate before this.
        self.bound_until_ns = self._forgotten_until_ns

    def heard(self, at_ns: int) -> None:
        """The leader was heard."""
        self.bound_until_ns = max(self.bound_until_ns, at_ns + self._lease_ns)

    def released(self, now_ns: int) -> None:
        """The leader has resigned."""
        self.bound_until_ns = max(now_ns, self._forgotten_until_ns)

    def is_free(self, now_ns: int) -> bool:
        """Whether it may help a candidate."""
        return now_ns >= self.bound_until_ns
