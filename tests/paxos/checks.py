"""What must hold whatever the adversary does, looked at from above: all members, all disks, all that was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from members import Member

from feitian_sim.paxos import Members, Noop, quorum_of
from feitian_sim.paxos.messages import Accepted, Promise
from feitian_sim.paxos.records import AcceptedSlots

if TYPE_CHECKING:
    from battlefield import Battlefield


class Violation(AssertionError):
    """A promise of consensus was broken."""


class Checks:
    """Agreement, validity, durability, leases, reads, and answers given once."""

    def __init__(self, group: Battlefield) -> None:
        self._group = group
        self.chosen: dict[int, Any] = {}
        self.proposed: dict[Any, None] = {}
        self.reached: dict[str, int] = {}
        self.acknowledged: dict[Any, int] = {}
        self.newest_acknowledged = 0
        #: Members whose disk was lost: they vote no more.
        self.blanks: dict[int, None] = {}
        self._leaders: dict[Any, int] = {}
        # Members proposed since they last changed.
        self._asked: list[tuple[int, ...]] = []
        self._accepted: dict[tuple[int, Any], Any] = {}

    def reach(self, what: str) -> None:
        """The adversary got somewhere."""
        self.reached[what] = self.reached.get(what, 0) + 1

    # Promises are kept

    def booted(self, member: Member) -> None:
        """What a member has told is what it still knows."""
        assert member.replica is not None
        if member.number in self.blanks:
            if member.replica.is_voter:
                raise Violation(f"member {member.number} has lost its disk and votes")
        elif member.replica.ballot < member.told:
            raise Violation(f"member {member.number} has forgotten its promise of {member.told}")

    def said(self, member: Member, message: Any) -> None:
        """A member tells."""
        if isinstance(message, Promise | Accepted):
            if member.number in self.blanks:
                raise Violation(f"member {member.number} has lost its disk and promises")
            member.told = max(member.told, message.ballot)

    def wrote(self, member: Member, record: Any) -> None:
        """A member accepts."""
        if isinstance(record, AcceptedSlots):
            for slot, entry in enumerate(record.entries, record.first):
                if self._accepted.setdefault((slot, entry.ballot), entry.value) != entry.value:
                    raise Violation(f"two values in slot {slot} under {entry.ballot}")

    def lost_disk(self, member: Member) -> None:
        """A disk is gone."""
        self.blanks[member.number] = None

    def may_lose_disk(self, victim: Member) -> bool:
        """Whether the group can bear the loss: a member, while no other one that lost its disk is or may become one."""
        # Configurations have at least three members, and each of them at most one that cannot vote.
        newest = self._members_at(1 << 62)
        known = [member.replica.members for member in self._group.members.values() if member.replica is not None]
        members = {number for some in (newest, *known, *self._asked) for number in some}
        return victim.number in newest and not any(number in self.blanks for number in members)

    def asked(self, members: tuple[int, ...]) -> None:
        """These are proposed as the members."""
        self._asked.append(members)

    def _members_at(self, slot: int) -> tuple[int, ...]:
        """The members who choose a slot."""
        changes = [at for at, value in self.chosen.items() if isinstance(value, Members) and at < slot]
        return self.chosen[max(changes)].members if changes else self._group.founders

    # Agreement and validity

    def applied(self, member: Member, effect: Any) -> None:
        """A member applies a slot."""
        if effect.slot != member.applied + 1:
            raise Violation(f"slot {effect.slot} applied after {member.applied}")
        member.applied = effect.slot
        value = effect.value
        if isinstance(value, Members) and effect.slot not in self.chosen:
            self._asked.clear()
        if self.chosen.setdefault(effect.slot, value) != value:
            raise Violation(f"slot {effect.slot}: {self.chosen[effect.slot]} and {value}")
        if isinstance(value, Members):
            self.reach("change")
        elif not isinstance(value, Noop):
            if value not in self.proposed:
                raise Violation(f"{value} was never proposed")
            member.state = (*member.state, value)
        if effect.ticket is not None:
            self._acknowledge(member, effect)

    def _acknowledge(self, member: Member, effect: Any) -> None:
        if effect.ticket not in member.pending:
            raise Violation("an answer to nobody, or a second one")
        del member.pending[effect.ticket]
        slot, value = effect.slot, effect.value
        if not isinstance(value, Members):
            if effect.ticket != value:
                raise Violation("an answer to another proposal")
            self.acknowledged[value] = slot
        self.newest_acknowledged = max(self.newest_acknowledged, slot)
        members = self._members_at(slot)
        keep = [one for one in members if self._group.members[one].disk.holds(slot, value)]
        gone = [one for one in members if one in self.blanks and one not in keep]
        if len(keep) + len(gone) < quorum_of(members):
            raise Violation(f"slot {slot} is acknowledged and durable at {keep} of {members} only")

    def lost(self, member: Member, ticket: Any) -> None:
        """What was asked has no known outcome."""
        if ticket not in member.pending:
            raise Violation("what was asked is reported twice")
        del member.pending[ticket]
        self.reach("lost")

    def read_ready(self, member: Member, ticket: Any) -> None:
        """A read may be answered: it must see whatever was acknowledged before it was asked."""
        if ticket not in member.pending:
            raise Violation("a read is answered twice")
        if member.applied < member.pending.pop(ticket):
            raise Violation("a read that does not see what was acknowledged before it")
        self.reach("read")

    # Leaders

    def elected(self, member: Member, ballot: Any) -> None:
        """A member leads."""
        self.reach("elected")
        if self._leaders.setdefault(ballot, member.number) != member.number or ballot.proposer != member.number:
            raise Violation(f"two leaders of {ballot}")
        if member.elected is not None:
            raise Violation("elected twice")
        member.elected = ballot

    def deposed(self, member: Member, ballot: Any) -> None:
        """A member leads no longer."""
        self.reach("deposed")
        if member.elected != ballot:
            raise Violation("deposed, and never elected")
        member.elected = None

    def leases(self) -> None:
        """One holder at most, and it has applied whatever was acknowledged."""
        now_ns = self._group.now
        holders = [member for member in self._group.members.values() if member.holds_lease(now_ns)]
        if len(holders) > 1:
            raise Violation(f"members {[member.number for member in holders]} hold a lease at once")
        if holders:
            self.reach("lease")
            if holders[0].applied < self.newest_acknowledged:
                raise Violation("a member with a lease lacks what was acknowledged")

    # The end

    def all_have(self, value: Any, leader: Member) -> bool:
        """Whether every member has applied a value. Then their states are equal, and nothing waits for an answer."""
        assert leader.replica is not None
        members = [self._group.members[number] for number in leader.replica.members]
        if not all(value in member.state for member in members):
            return False
        if any(member.state != leader.state for member in members):
            raise Violation("states differ")
        gone = [one for one in self.acknowledged if one not in leader.state]
        if gone:
            raise Violation(f"acknowledged and gone: {gone}")
        for member in self._group.members.values():
            if member.pending:
                raise Violation(f"never answered: {list(member.pending)}")
        return True
