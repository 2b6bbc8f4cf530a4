"""A member's time: when it is woken, and the beats that nobody need send (:mod:`.quiet`).

The replica says when it wants to be woken, by the monotonic reading of its machine's clock. While its group is quiet that
is hardly ever; as soon as anything changes, everybody is told when the last beat that was left out would have come.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.paxos import Effect, Replica
from feitian_sim.replog.config import ReplogConfig
from feitian_sim.replog.group import Group
from feitian_sim.replog.quiet import Quiet


class TimedMember(ABC):
    """One incarnation of one member, as far as its time goes; what it does when woken is :meth:`_do`."""

    __slots__ = (
        "_clock",
        "_elections",
        "_group",
        "_missing",
        "_owner",
        "_quiet",
        "_timer",
        "_timer_due_ns",
        "config",
        "machine",
        "me",
        "ready",
        "replica",
    )

    replica: Replica

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        owner: Owner,
        machine: Machine,
        group: Group,
        me: int,
        config: ReplogConfig,
    ) -> None:
        self._owner = owner
        self.machine = machine
        self._clock = machine.clock
        self._group = group
        self.me = me
        self.config = config
        self._timer: Timer | None = None
        self._timer_due_ns = 0
        # Wakes a leader that leaves its beats out when an answer to what it has sent is missed.
        self._missing: Timer | None = None
        self._elections = sim.stream("replog", f"{group.name}/{me}", "election")
        self._quiet = Quiet(group, datacenter.network, config.heartbeat)
        #: Whether it takes part; before, it reads its log.
        self.ready = False

    @abstractmethod
    def _do(self, effects: list[Effect]) -> None:
        """Make the replica's effects happen."""

    @property
    def is_paused(self) -> bool:
        """Whether its process is stopped for a while."""
        return self._owner.paused

    # Time

    def _woken(self) -> None:
        self._timer = None
        if self._quiet.holds:
            return
        now_ns = self._clock.monotonic_ns
        uniform = self._elections.uniform() if self.replica.election_is_due(now_ns) else 0.5
        self._do(self.replica.woken(now_ns, uniform))

    def _arm(self) -> None:
        """See to it that the replica is woken when it wants to be."""
        if self._group.hushing and self._quiet.holds:
            self._arm_announcement()
            self._arm_for_missing()
            return
        if self.config.elide and self.replica.is_leader and self._quiet.begin(self):
            for one in self._group.running.values():
                if one is self or one.follows(self):
                    one.hush()
            return
        due_ns = self.replica.next_wake_ns
        if due_ns is None or (self._group.hushing and self._is_hushed()):
            return
        if self._timer is not None and self._timer.active:
            # One that comes too early looks again.
            if self._timer_due_ns <= due_ns:
                return
            self._timer.cancel()
        self._timer_due_ns = due_ns
        self._timer = self._clock.timer(self._owner, due_ns, self._woken)

    def _arm_announcement(self) -> None:
        """While beats are left out, what was chosen must be told all the same."""
        due_ns = self.replica.announce_due_ns
        if due_ns is not None and (self._timer is None or not self._timer.active):
            self._timer_due_ns = due_ns
            self._timer = self._clock.timer(self._owner, due_ns, self._announce)

    def _announce(self) -> None:
        self._timer = None
        if self.replica.announce_due_ns is not None:
            self._do(self.replica.announce(self._clock.monotonic_ns))
        else:
            self._arm()

    def _arm_for_missing(self) -> None:
        """While beats are left out, nothing else sends again what a connection lost that its other end had forgotten."""
        if self._missing is not None and self._missing.active:
            return
        due_ns = self.replica.missed_ns
        if due_ns is not None and not self.replica.is_quiet(self._quiet.numbers):
            self._missing = self._clock.timer(self._owner, due_ns, self._see_what_is_missing)

    def _see_what_is_missing(self) -> None:
        self._missing = None
        if not self._quiet.holds or self.replica.is_quiet(self._quiet.numbers):
            return
        due_ns = self.replica.missed_ns
        if due_ns is not None and due_ns <= self._clock.monotonic_ns:
            self._wake_up()
        else:
            self._arm_for_missing()

    def _clock_changed(self) -> None:
        """What is due at a reading of the clock is due at another time now."""
        for timer in (self._timer, self._missing):
            if timer is not None:
                timer.cancel()
        self._timer = self._missing = None
        if self.ready:
            self._arm()

    # Quiet

    def follows(self, leader: TimedMember) -> bool:
        """Whether this member has nothing under way and follows ``leader``."""
        replica = self.replica
        return (
            self._owner.alive
            and replica.leader == leader.me
            and replica.ballot == leader.replica.ballot
            and replica.is_quiet(())
        )

    def _is_hushed(self) -> bool:
        """Whether the leader whom it follows leaves its beats out, so that no silence means anything."""
        leader = self._leader()
        return leader is not None and leader is not self and leader.listens(self)

    def _leader(self) -> TimedMember | None:
        """Whom it follows, if that runs; itself, if it leads."""
        number = self.replica.leader
        return self._group.running.get(number) if number is not None else None

    def listens(self, one: TimedMember) -> bool:
        """Whether beats are left out and ``one`` is among those who would hear them."""
        return self._quiet.holds and self._quiet.has(one)

    def _stir(self, sender: int = -1) -> None:
        """Something comes from ``sender``: unless it hears the beats as well, those that were left out must count first.

        A candidate that the leader does not reach may reach this member, which is bound by beats that nobody sent.
        """
        leader = self._leader() if self._group.hushing else None
        if leader is not None and leader.listens(self) and not leader._quiet.has(self._group.running.get(sender)):
            leader._wake_up()

    def hush(self) -> None:
        """Beats are left out: silence means nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _renew_quietly(self) -> None:
        """Count the beats that were left out so far."""
        if self._quiet.holds:
            sent_ns = self._quiet.last_beat_ns(self._clock.monotonic_ns)
            if sent_ns >= 0:
                self.replica.assume_round(sent_ns, self._quiet.numbers)

    def _review(self) -> None:
        """Something has changed in the data centre."""
        if self._quiet.holds and not self._quiet.still(self):
            self._wake_up()

    def _review_group(self) -> None:
        for one in list(self._group.running.values()):
            one._review()

    def _wake_up(self) -> None:
        """Beats are explicit from now on: everybody learns when the last that was left out came."""
        if not self._quiet.holds:
            return
        if self.replica.is_leader:
            self._renew_quietly()
        sent_ns = self._quiet.last_beat_ns(self._clock.monotonic_ns)
        for one in self._quiet.end():
            if sent_ns >= 0 and one is not self and one._owner.alive and one.replica.leader == self.me:
                one.replica.assume_heard(sent_ns)
            if one._owner.alive:
                one._arm()
