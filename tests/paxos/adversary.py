"""A random adversary against a group of replicas.

It delays, loses, doubles and reorders messages; cuts the network in two, in one direction, or around the leader; lets
clocks differ and drift within their bound; pauses members, kills their processes, crashes their machines between any
two effects and destroys their disks; and changes the members meanwhile. What is checked all the time stands in
``checks``. When it stops, a new command must be applied by everybody.
"""

from __future__ import annotations

from typing import Any

from battlefield import Battlefield
from checks import Violation
from members import CLOCK_DRIFT, Member

from feitian_sim.kernel import MILLISECOND
from feitian_sim.paxos import PaxosConfig

CONFIG = PaxosConfig(snapshot_every=12, batch_commands=3, window=3, catch_up_bytes="1KiB")
#: Of the same order as messages and syncs, so that leaders change all the time.
NERVOUS = CONFIG.model_copy(
    update={
        "heartbeat": 10 * MILLISECOND,
        "election_timeout": 30 * MILLISECOND,
        "election_spread": 30 * MILLISECOND,
        "lease": 30 * MILLISECOND,
        "clock_error": 2 * MILLISECOND,
        "retry": 15 * MILLISECOND,
    }
)
#: The smallest group that the adversary leaves.
_FEWEST = 3


class Group(Battlefield):
    """``size`` members under an adversary whose strength lies in the numbers given: chances, for each occasion.

    In ``haste`` it strikes more often, each time for less long, and leaders change all the time.
    """

    def __init__(
        self,
        seed: int,
        size: int = 3,
        *,
        loss: float = 0.1,
        crash: float = 0.004,
        cuts: float = 0.3,
        pauses: float = 0.2,
        changes: float = 0.2,
        disks: float = 0.1,
        calls: float = 0.0,
        haste: int = 1,
        drift: float = CLOCK_DRIFT,
        config: PaxosConfig | None = None,
    ) -> None:
        chosen = config or (CONFIG if haste == 1 else NERVOUS)
        super().__init__(seed, size, chosen, loss=loss, crash=crash, haste=haste, drift=drift)
        self.cut_chance, self.pause_chance, self.change_chance, self.disk_chance = cuts, pauses, changes, disks
        self.call_chance = calls
        self._next_value = 0
        self.later(self.stream.integer(100 * MILLISECOND), self._strike)

    @property
    def reached(self) -> dict[str, int]:
        """How often the adversary got where it hurts."""
        return self.checks.reached

    # What else goes wrong

    def _strike(self) -> None:
        self.later(self.stream.integer(300 * MILLISECOND // self._haste), self._strike)
        numbers = list(self.members)
        victim = self.members[numbers[self.stream.integer(len(numbers))]]
        if self.chance(self.cut_chance):
            self._cut_network(numbers, victim.number)
        if self.chance(self.pause_chance) and victim.replica is not None:
            self.checks.reach("pause")
            victim.paused_until = self.now + self.stream.integer(400 * MILLISECOND // self._haste)
        if self.chance(self.change_chance):
            self._change_members()
        if self.chance(self.disk_chance) and self.checks.may_lose_disk(victim):
            self.crash(victim, "disk")
        if self.chance(self.call_chance) and victim.replica is not None and self.now >= victim.paused_until:
            leader = self.leader
            if leader is not None and leader.replica is not None and self.chance(0.5):
                self._do(leader, leader.replica.resign(leader.clock(self.now)))
            else:
                self._do(victim, victim.replica.campaign(victim.clock(self.now)))

    def _cut_network(self, numbers: list[int], victim: int) -> None:
        leader = self.leader
        how = self.stream.integer(4)
        if how == 0 or leader is None:
            side = [number for number in numbers if self.chance(0.5)]
            pairs = [(a, b) for a in numbers for b in numbers if (a in side) != (b in side)]
        elif how == 1:
            pairs = [(leader.number, other) for other in numbers] + [(other, leader.number) for other in numbers]
        elif how == 2:
            pairs = [(victim, other) for other in numbers]
        else:
            pairs = [(other, victim) for other in numbers]
        self.checks.reach("partition")
        self.cut_off.update(dict.fromkeys(pairs))
        self.later(self.stream.integer(900 * MILLISECOND // self._haste), self._heal, pairs)

    def _heal(self, pairs: list[tuple[int, int]]) -> None:
        for pair in pairs:
            self.cut_off.pop(pair, None)

    def _change_members(self) -> None:
        leader = self.leader
        if leader is None or leader.replica is None:
            return
        now = leader.replica.members
        blank = next((number for number in now if number in self.checks.blanks), None)
        outside = [number for number in self.members if number not in now and number not in self.checks.blanks]
        if blank is not None and len(now) > _FEWEST:
            wanted = tuple(number for number in now if number != blank)
        elif len(now) > _FEWEST and self.chance(0.6):
            gone = now[self.stream.integer(len(now))]
            wanted = tuple(number for number in now if number != gone)
        elif outside and self.chance(0.5):
            wanted = (*now, outside[self.stream.integer(len(outside))])
        elif len(self.members) < 8:
            number = len(self.members)
            self._boot(self._make(number, ()))
            wanted = (*now, number)
        else:
            return
        ticket = ("change", self.now, leader.number)
        self.checks.asked(wanted)
        leader.pending[ticket] = None
        self._do(leader, leader.replica.change_members(ticket, tuple(sorted(wanted)), leader.clock(self.now)))

    # Load

    @property
    def leader(self) -> Member | None:
        """One who leads and runs."""
        leaders = (m for m in self.members.values() if m.replica is not None and m.replica.is_leader)
        return next((m for m in leaders if self.now >= m.paused_until), None)

    def propose(self, member: Member) -> Any:
        """Propose a new value at a member."""
        self._next_value += 1
        value = f"v{self._next_value}"
        if member.replica is not None and self.now >= member.paused_until:
            self.checks.proposed[value] = None
            member.pending[value] = None
            self._do(member, member.replica.propose(value, value, 100, member.clock(self.now)))
        return value

    def read(self, member: Member) -> None:
        """Read at a member."""
        self._next_value += 1
        ticket = ("read", self._next_value)
        if member.replica is not None and self.now >= member.paused_until:
            member.pending[ticket] = self.checks.newest_acknowledged
            self._do(member, member.replica.read(ticket, member.clock(self.now)))

    def load(self, until_ns: int) -> None:
        """Ask at random members until a time."""
        if self.now < until_ns:
            numbers = list(self.members)
            member = self.members[numbers[self.stream.integer(len(numbers))]]
            if self.chance(0.3):
                self.read(member)
            else:
                self.propose(member)
            self.later(self.stream.integer(6 * MILLISECOND), self.load, until_ns)

    def finish(self, within_ns: int) -> None:
        """The adversary stops: a command proposed now must be applied by every member within the time."""
        self.loss = self.crash_chance = 0.0
        self.cut_chance = self.pause_chance = self.change_chance = self.disk_chance = self.call_chance = 0.0
        self.cut_off.clear()
        end_ns = self.now + within_ns
        while self.now < end_ns:
            self.run(self.now + 100 * MILLISECOND)
            leader = self.leader
            if leader is None or leader.replica is None:
                continue
            value = self.propose(leader)
            self.run(self.now + 300 * MILLISECOND)
            if self.checks.all_have(value, leader):
                return
        raise Violation("no progress")


def trial(seed: int, size: int = 3, seconds: int = 3, **strength: Any) -> Group:
    """One run under the adversary, checked to its end. Raises :class:`Violation`, or the assertion that broke."""
    group = Group(seed, size, **strength)
    group.load(seconds * 1000 * MILLISECOND)
    group.run(seconds * 1000 * MILLISECOND)
    group.finish(20_000 * MILLISECOND)
    return group
