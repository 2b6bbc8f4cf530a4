"""Quiet: an idle group in good order costs no events (DESIGN rule 5).

Heartbeats that nobody can miss change two things only: the leader's lease goes on, and the others' patience begins
anew. While every running member is in reach over clean paths, follows the leader and knows all that it knows, none is
sent. As soon as anything changes (a member dies or boots, a path goes down or bad), each member is told when the last
heartbeat that it would have had came, and beats are explicit again. Members that are down, or wholly out of reach, hear
nothing either way and keep no group awake, until somebody hears of them. What that gives up: the beats' own load, and
their way of some ten microseconds, by which times of detection may differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feitian_sim.hardware import Network

if TYPE_CHECKING:
    from feitian_sim.replog.group import Group
    from feitian_sim.replog.member_time import TimedMember


class Quiet:
    """The leader's knowledge that its group is quiet. One object for each member; only a leader's is ever set."""

    __slots__ = ("_group", "_heartbeat_ns", "_listeners", "_network", "_since_ns")

    def __init__(self, group: Group, network: Network, heartbeat_ns: int) -> None:
        self._group = group
        self._network = network
        self._heartbeat_ns = heartbeat_ns
        self._listeners: tuple[TimedMember, ...] = ()
        # When the first beat that is left out would have been sent.
        self._since_ns = 0

    @property
    def holds(self) -> bool:
        """Whether beats are left out."""
        return bool(self._listeners)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Who would hear the beats that are left out."""
        return tuple(one.me for one in self._listeners)

    def has(self, one: TimedMember | None) -> bool:
        """Whether ``one`` would hear them."""
        return one in self._listeners

    def begin(self, leader: TimedMember) -> bool:
        """Leave beats out from now on, if nobody can miss one; whether it does."""
        if self._network.strikes_messages and len(leader.replica.members) > 1:
            return False
        if not leader.replica.is_quiet(()):
            # Whoever would hear it, there is something under way here.
            return False
        listeners = self._listeners_of(leader)
        if listeners is None:
            return False
        numbers = tuple(one.me for one in listeners)
        if not leader.replica.is_quiet(numbers) or len(numbers) <= len(leader.replica.members) // 2:
            return False
        if any(not one.follows(leader) for one in listeners if one is not leader):
            return False
        self._listeners = listeners
        self._group.hushing += 1
        due_ns = leader.replica.next_wake_ns
        assert due_ns is not None, "a leader whose heart does not beat"
        self._since_ns = due_ns
        return True

    def still(self, leader: TimedMember) -> bool:
        """Whether after a change all is as it was for this group."""
        return self._listeners_of(leader) == self._listeners and all(
            one is leader or one.follows(leader) for one in self._listeners
        )

    def _listeners_of(self, leader: TimedMember) -> tuple[TimedMember, ...] | None:
        """The running members that hear every beat; None when one hears some, or hears but is not heard."""
        found: list[TimedMember] = []
        if leader.is_paused:
            return None
        for number in leader.replica.members:
            one = self._group.running.get(number)
            if one is None or not one.machine.up:
                continue
            if not one.machine.clock.is_true:
                # Whose time is another's cannot be told when it would have heard a beat.
                return None
            if one is leader:
                found.append(one)
                continue
            here, there = leader.machine, one.machine
            reachable = self._network.reachable(here, there), self._network.reachable(there, here)
            if one.is_paused:
                return None
            if all(reachable) and not self._network.impaired(here, there):
                found.append(one)
            elif any(reachable):
                return None
        return tuple(found)

    def last_beat_ns(self, now_ns: int) -> int:
        """When the last beat that was left out would have been sent; negative when none was due yet."""
        if now_ns < self._since_ns:
            return -1
        return now_ns - (now_ns - self._since_ns) % self._heartbeat_ns

    def end(self) -> tuple[TimedMember, ...]:
        """Beats are explicit again; returns who was listening."""
        listeners, self._listeners = self._listeners, ()
        if listeners:
            self._group.hushing -= 1
        return listeners
