"""What must hold of every replicated log: agreement, promises that are kept, prefixes, durability, membership.

Told by facts of what members apply and of what their disks hold for good; the rules are written here anew, after Lamport
("Paxos made simple", 2001), and share nothing with the protocol's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant

Slot = tuple[str, int]
Member = tuple[str, int]


class Agreement(Invariant):
    """NW1."""

    id = "NW1"
    needs = ("nuwa",)
    claim = "one value is chosen for each slot, over all members and all time"

    def __init__(self) -> None:
        super().__init__()
        self._chosen: dict[Slot, tuple[str, int]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What members apply."""
        return {"replog.applied": self._applied}

    def _applied(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        value, member = self._chosen.setdefault((fact.group, fact.slot), (fact.value, fact.member))
        if value != fact.value:
            self.broken(
                now_ns, f"slot {fact.slot} of {fact.group} is {value} at member {member}, {fact.value} at {fact.member}"
            )


class PromisesAreKept(Invariant):
    """NW2: over restarts too, as far as the disk was not lost."""

    id = "NW2"
    needs = ("nuwa",)
    claim = "a member's durable ballot never goes back; a slot has one value under one ballot"

    def __init__(self) -> None:
        super().__init__()
        self._ballots: dict[Member, tuple[int, int]] = {}
        self._values: dict[tuple[str, int, int, int], str] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What becomes durable, and what is lost."""
        return {
            "replog.promised": self._promised,
            "replog.accepted": self._accepted,
            "replog.member_blank": self._blank,
        }

    def _promised(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        ballot, before = (fact.number, fact.proposer), self._ballots.get((fact.group, fact.member), (-1, -1))
        if ballot < before:
            self.broken(now_ns, f"member {fact.member} of {fact.group} promised {ballot} after {before}")
        self._ballots[fact.group, fact.member] = ballot

    def _accepted(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        key = (fact.group, fact.slot, fact.number, fact.proposer)
        value = self._values.setdefault(key, fact.value)
        if value != fact.value:
            self.broken(now_ns, f"slot {fact.slot} of {fact.group} is {value} and {fact.value} under one ballot")

    def _blank(self, now_ns: int, fact: Any) -> None:
        self._ballots.pop((fact.group, fact.member), None)


class NothingBelowAPromise(Invariant):
    """NW2a: the acceptor's one rule."""

    id = "NW2a"
    needs = ("nuwa",)
    claim = "a member accepts nothing below the ballot that it has promised for good"

    def __init__(self) -> None:
        super().__init__()
        self._ballots: dict[Member, tuple[int, int]] = {}
        self._held: dict[tuple[str, int, int], tuple[int, int]] = {}
        self._learned: dict[tuple[str, int, int], str] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What becomes durable, and what is lost."""
        return {
            "replog.promised": self._promised,
            "replog.accepted": self._accepted,
            "replog.member_blank": self._blank,
            "replog.read_again": self._found,
            "replog.learned": self._learns,
        }

    def _learns(self, now_ns: int, fact: Any) -> None:
        self._learned[fact.group, fact.member, fact.slot] = fact.value

    def _found(self, now_ns: int, fact: Any) -> None:
        self._held[fact.group, fact.member, fact.slot] = (fact.number, fact.proposer)

    def _promised(self, now_ns: int, fact: Any) -> None:
        self._ballots[fact.group, fact.member] = (fact.number, fact.proposer)

    def _accepted(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        member, slot = (fact.group, fact.member), (fact.group, fact.member, fact.slot)
        ballot = (fact.number, fact.proposer)
        # A new beginning of the journal says again what was accepted before, or learned as chosen.
        again = self._held.get(slot) == ballot or self._learned.get(slot) == fact.value
        if ballot < self._ballots.get(member, (-1, -1)) and not again:
            text = (
                f"member {fact.member} accepted slot {fact.slot} under {ballot}, having promised {self._ballots[member]}"
            )
            self.broken(now_ns, text)
        self._held[slot] = ballot
        self._ballots[member] = max(ballot, self._ballots.get(member, ballot))

    def _blank(self, now_ns: int, fact: Any) -> None:
        self._ballots.pop((fact.group, fact.member), None)


class OneLeaderPerBallot(Invariant):
    """NW3."""

    id = "NW3"
    needs = ("nuwa",)
    claim = "at most one member leads under a ballot, and ballots of leaders grow"

    def __init__(self) -> None:
        super().__init__()
        self._leaders: dict[tuple[str, int], int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Elections."""
        return {"replog.leader_elected": self._elected}

    def _elected(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        leader = self._leaders.setdefault((fact.group, fact.ballot), fact.member)
        if leader != fact.member:
            self.broken(now_ns, f"members {leader} and {fact.member} of {fact.group} lead under ballot {fact.ballot}")


class AppliedPrefix(Invariant):
    """NW4."""

    id = "NW4"
    needs = ("nuwa",)
    claim = "a member applies slot after slot, none left out and none twice in one life"

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[Member, int] = {}
        self._groups: dict[str, None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What members apply, and from where they begin."""
        return {
            "replog.applied": self._applied,
            "replog.member_recovered": self._recovered,
            "replog.member_blank": self._blank,
            "replog.snapshot_saved": self._snapshot,
        }

    def _applied(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        member = (fact.group, fact.member)
        last = self._last.get(member)
        if last is not None and fact.slot != last + 1:
            self.broken(now_ns, f"member {fact.member} of {fact.group} applied slot {fact.slot} after {last}")
        self._last[member] = fact.slot

    def _recovered(self, now_ns: int, fact: Any) -> None:
        self._last[fact.group, fact.member] = fact.index

    def _blank(self, now_ns: int, fact: Any) -> None:
        self._last[fact.group, fact.member] = 0

    def _snapshot(self, now_ns: int, fact: Any) -> None:
        member = (fact.group, fact.member)
        if fact.installed and fact.index > self._last.get(member, 0):
            self._last[member] = fact.index


class AcknowledgedIsDurable(Invariant):
    """NW5: judged by what disks hold at the instant of the answer, not by what anybody believes."""

    id = "NW5"
    needs = ("nuwa",)
    claim = "what a client is told is written is on the disks of a majority at that instant, and stays chosen"

    def __init__(self) -> None:
        super().__init__()
        self._holders: dict[Slot, dict[int, None]] = {}
        self._members: dict[str, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What disks hold, and what clients are told."""
        return {
            "replog.accepted": self._held,
            "replog.learned": self._held,
            "replog.read_again": self._held,
            "replog.snapshot_saved": self._snapshot,
            "replog.members": self._size,
            "nuwa.operation": self._answered,
            "replog.member_blank": self._blank,
        }

    def _blank(self, now_ns: int, fact: Any) -> None:
        for (group, _), holders in self._holders.items():
            if group == fact.group:
                holders.pop(fact.member, None)

    def _size(self, now_ns: int, fact: Any) -> None:
        self._members[fact.group] = fact.count

    def _held(self, now_ns: int, fact: Any) -> None:
        self._holders.setdefault((fact.group, fact.slot), {})[fact.member] = None

    def _snapshot(self, now_ns: int, fact: Any) -> None:
        # What the snapshot says is held as well as the slots that it stands for.
        for (group, slot), holders in self._holders.items():
            if group == fact.group and slot <= fact.index:
                holders[fact.member] = None

    def _answered(self, now_ns: int, fact: Any) -> None:
        if fact.error or fact.op not in ("create", "put", "delete", "multi"):
            return
        self.evaluated += 1
        holders, members = self._holders.get(("nuwa", fact.zxid), {}), self._members.get("nuwa", 0)
        if 2 * len(holders) <= members:
            text = (
                f"{fact.op} {fact.path} of {fact.owner} is slot {fact.zxid}, held for good by {len(holders)} of {members}"
            )
            self.broken(now_ns, text)


class MembersChangeByOne(Invariant):
    """NW14."""

    id = "NW14"
    needs = ("members",)
    claim = "memberships that follow each other differ by one member, so that their majorities meet"

    def __init__(self) -> None:
        super().__init__()
        self._sets: dict[str, dict[int, tuple[str, ...]]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Changes of members."""
        return {"replog.members_changed": self._changed}

    def _changed(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        sets = self._sets.setdefault(fact.group, {})
        members = tuple(fact.members.split(","))
        known = sets.setdefault(fact.slot, members)
        if known != members:
            self.broken(now_ns, f"the members at slot {fact.slot} of {fact.group} are {known} and {members}")
        before = max((slot for slot in sets if slot < fact.slot), default=None)
        if before is not None and len({*sets[before]} ^ {*members}) != 1:
            self.broken(now_ns, f"{fact.group}: {sets[before]} became {members} at slot {fact.slot}")
