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
        "acceptor",
        "config",
        "durable",
        "highest",
        "me",
        "members",
        "out",
        "snapshot",
        "voter",
        "written",
    )

    def __init__(self, me: int, config: PaxosConfig, members: tuple[int, ...], *, voter: bool) -> None:
        self.me = me
        self.config = config
        #: The members as of the chosen prefix, ascending; empty while a newcomer does not know them.
        self.members = members
        self.voter = voter
        self.out: list[Effect] = []
        #: Records that this incarnation has written, and those of them that are durable.
        self.written = 0
        self.durable = 0
        #: The highest ballot that anybody was seen to use.
        self.highest = NO_BALLOT
        self.snapshot: Snapshot | None = None
        self.acceptor = Acceptor(self.write)

    @property
    def others(self) -> tuple[int, ...]:
        """The other members."""
        return tuple(member for member in self.members if member != self.me)

    @property
    def quorum(self) -> int:
        """How many members decide."""
        return quorum_of(self.members)

    def has_quorum(self, who: int) -> bool:
        """Whether the set of members in the bits of ``who`` holds a quorum of the present members."""
        return sum(1 for member in self.members if who >> member & 1) >= self.quorum

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
