"""What happens to a replicated log. Members are told by their number in the group."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("replog.leader_elected")
class LeaderElected(Fact):
    """A member leads, and has applied everything chosen before; ``ballot`` grows with every leader."""

    group: str
    member: int
    ballot: int


@fact("replog.leader_deposed")
class LeaderDeposed(Fact):
    """A member leads no longer."""

    group: str
    member: int
    ballot: int


@fact("replog.member_recovered")
class MemberRecovered(Fact):
    """A member has read its log again: ``commands`` of it after a snapshot of ``index``, in so long."""

    group: str
    member: int
    index: int
    commands: int
    recovery_ns: int


@fact("replog.member_blank")
class MemberBlank(Fact):
    """A member's disk was lost: it may have promised what it does not know, and votes no more."""

    group: str
    member: int


@fact("replog.members_changed")
class MembersChanged(Fact):
    """A member applied a change of members at ``slot``."""

    group: str
    member: int
    slot: int
    members: str


@fact("replog.snapshot_saved")
class SnapshotSaved(Fact):
    """A member has a durable snapshot of ``index``; ``installed`` when it came from another member."""

    group: str
    member: int
    index: int
    size_bytes: int
    installed: bool


@fact("replog.applied", canonical=False, detail=True)
class Applied(Fact):
    """A member applied a slot; ``value`` is the command's text."""

    group: str
    member: int
    slot: int
    value: str


@fact("replog.promised", canonical=False, detail=True)
class PromiseDurable(Fact):
    """A promise is on a member's disk for good: nothing below the ballot (``number``, ``proposer``) will be accepted."""

    group: str
    member: int
    number: int
    proposer: int


@fact("replog.accepted", canonical=False, detail=True)
class AcceptanceDurable(Fact):
    """A slot's value is on a member's disk for good, as accepted under the ballot (``number``, ``proposer``)."""

    group: str
    member: int
    slot: int
    number: int
    proposer: int
    value: str


@fact("replog.learned", canonical=False, detail=True)
class LearnedDurable(Fact):
    """A slot's chosen value, which another member told, is on a member's disk for good."""

    group: str
    member: int
    slot: int
    value: str


@fact("replog.batch_durable", canonical=False, detail=True)
class BatchDurable(Fact):
    """One sync of a member's log ended, with so many records in it, ``waited_ns`` after the first was written."""

    group: str
    member: int
    records: int
    waited_ns: int


@fact("replog.read_allowed", canonical=False, detail=True)
class ReadAllowed(Fact):
    """A member's state was found to be the newest, for a read that was asked of it at ``asked_ns``."""

    group: str
    member: int
    asked_ns: int


@fact("replog.members", canonical=False, detail=True)
class GroupFounded(Fact):
    """A group of so many members begins, or a member begins again."""

    group: str
    count: int


@fact("replog.read_again", canonical=False, detail=True)
class ReadAgain(Fact):
    """A restart has found a slot's value on the member's disk, whether or not the process before knew of it."""

    group: str
    member: int
    slot: int
    number: int
    proposer: int
    value: str
