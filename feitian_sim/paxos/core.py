"""What the parts of one replica share: who it is, its acceptor, the members, and what is to be done."""

from __future__ import annotations

from feitian_sim.paxos.acceptor import Acceptor
from feitian_sim.paxos.ballot import NO_BALLOT, Ballot
from feitian_sim.paxos.config import PaxosConfig
from feitian_sim.paxos.effects import Effect, Send, Write
from feitian_sim.paxos.messages import Message, Snapshot
from feitian_sim.paxos.records import Record
from feitian_sim.paxos.values import quorum_of


class Core:
    """One incarnation's common ground. ``out``: the effects of the present input."""

    __slots__ = (
        "_members",
        "_quorum",
        "acceptor",
        "config",
        "durable",
        "highest",
        "me",
        "member_bits",
        "others",
        "out",
        "snapshot",
        "written",
    )

    def __init__(self, me: int, config: PaxosConfig, *, voter: bool) -> None:
        self.me = me
        self.config = config
        self.out: list[Effect] = []
        #: Records that this incarnation has written, and those of them that are durable.
        self.written = 0
        self.durable = 0
        #: The highest ballot that anybody was seen to use.
        self.highest = NO_BALLOT
        self.snapshot: Snapshot | None = None
        self.acceptor = Acceptor(self.write, voter=voter)
        self.members = ()

    @property
    def members(self) -> tuple[int, ...]:
        """The members as of the chosen prefix, ascending; empty while a newcomer does not know them."""
        return self._members

    @members.setter
    def members(self, members: tuple[int, ...]) -> None:
        assert list(members) == sorted(set(members)), f"members out of order: {members}"
        self._members = members
        #: The other members.
        self.others = tuple(member for member in members if member != self.me)
        #: The members as a set of bits.
        self.member_bits = sum(1 << member for member in members)
        self._quorum = quorum_of(members)

    @property
    def is_member(self) -> bool:
        """Whether it is a member itself, as far as it knows."""
        return bool(self.member_bits >> self.me & 1)

    def has_quorum(self, who: int) -> bool:
        """Whether the set of members in the bits of ``who`` holds a quorum of the present members."""
        return (who & self.member_bits).bit_count() >= self._quorum

    def write(self, record: Record) -> None:
        """Have a record written."""
        self.written += 1
        self.out.append(Write(record))

    def send(self, to: int, message: Message) -> None:
        """Send what rests on no record."""
        self.out.append(Send(to, message, 0))

    def send_durable(self, to: int, message: Message) -> None:
        """Send what is a promise: not before everything written so far is durable."""
        self.out.append(Send(to, message, 0 if self.durable >= self.written else self.written))

    def saw(self, ballot: Ballot) -> None:
        """Somebody uses ``ballot``."""
        if ballot > self.highest:
            self.highest = ballot
