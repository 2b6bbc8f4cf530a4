"""A group: the members of one replicated log, where they listen, and which of them run at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feitian_sim.replog.witness import Texts

if TYPE_CHECKING:
    from feitian_sim.replog.member_time import TimedMember


class Group:
    """Members by number, each with its address ``tcp://machine:port``.

    ``first_leader``: the group has been running at time 0, led by this member. ``running`` serves what takes no event
    (:mod:`.quiet`): no member looks there.
    """

    def __init__(self, name: str, addresses: dict[int, str], first_leader: int | None = None) -> None:
        self.name = name
        self.addresses = dict(sorted(addresses.items()))
        self.first_leader = first_leader
        self.running: dict[int, TimedMember] = {}
        #: Leaders among them who leave their beats out.
        self.hushing = 0
        #: Texts of values, for facts that somebody wants.
        self.texts = Texts()
        self._numbers = {address: number for number, address in self.addresses.items()}

    @property
    def members(self) -> tuple[int, ...]:
        """The members at the beginning, ascending."""
        return tuple(self.addresses)

    def number_of(self, address: str) -> int | None:
        """Who listens at ``address``."""
        return self._numbers.get(address)

    def admit(self, number: int, address: str) -> None:
        """A newcomer, who may become a member: from now on it can be reached."""
        assert number not in self.addresses, f"member {number} of {self.name} is there already"
        self.addresses[number] = address
        self._numbers[address] = number
