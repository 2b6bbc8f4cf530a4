"""The proxy of a machine: the daemon through which its processes call, and which owns its ends of connections.

Without proxies (``kuafu.proxies: false``) each process has such an end point of connections for itself alone.

Its crash closes every connection: the operating system tells the peers, and whoever waits for an answer here or there
gets a reset. The processes of the machine survive it; their ports are served again when it is back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner
from feitian_sim.kuafu.connection import Connection, Side
from feitian_sim.kuafu.messages import RESET_BYTES

if TYPE_CHECKING:
    from feitian_sim.kuafu.rpc import Kuafu


class Proxy:
    """The proxy process of one machine, through all its incarnations."""

    __slots__ = (
        "_kuafu",
        "_opened",
        "alive",
        "free_ns",
        "index",
        "machine",
        "name",
        "owner",
        "send_ns",
        "sides",
        "take_ns",
    )

    def __init__(self, kuafu: Kuafu, machine: Machine, index: int, name: str) -> None:
        self._kuafu = kuafu
        self.machine = machine
        #: Its number among the proxies, and the machine's or process's name.
        self.index = index
        self.name = name
        self.alive = False
        #: Its latest incarnation.
        self.owner: Owner | None = None
        #: What a message takes its two threads.
        self.send_ns = kuafu.config.send_cpu
        self.take_ns = kuafu.config.cpu_per_message
        machine.cpu.on_pace(self._paced)
        #: Until when its sending thread is busy.
        self.free_ns = 0
        #: The near sides of its connections, by the index of the machine at the other end.
        self.sides: dict[int, Side] = {}
        # Connections opened so far, by peer: each has a challenge of its own.
        self._opened: dict[int, int] = {}

    def _paced(self) -> None:
        factor = self.machine.cpu.pace_of(self.owner)
        self.send_ns = int(self._kuafu.config.send_cpu * factor)
        self.take_ns = int(self._kuafu.config.cpu_per_message * factor)

    def boot(self, owner: Owner) -> None:
        """Begin an incarnation."""
        self.alive = True
        self.owner = owner
        self._paced()
        self.free_ns = 0
        owner.on_death(self._died)

    def side_to(self, peer: Proxy) -> Side:
        """The near side of the connection to ``peer``, opened if there is none or it was closed for being idle."""
        side = self.sides.get(peer.index)
        if side is not None and not side.connection.broken:
            if not side.is_idle:
                return side
            self._kuafu.close(side.connection, "idle")
        return self._open(peer)

    def _open(self, peer: Proxy) -> Side:
        number = self._opened[peer.index] = self._opened.get(peer.index, 0) + 1
        connection = Connection(self._kuafu, self, peer, self._kuafu.nonce(self, peer, number))
        side, far = connection.sides
        self.sides[peer.index] = side
        if peer is self:
            # Its own processes are behind it: there is nothing to open.
            side.other = side
            side.ready = True
            return side
        # Should the peer want to open one before it hears of this, it is the same: both then meet half-way.
        peer.sides[self.index] = far
        self._knock(side, 0)
        return side

    def _knock(self, side: Side, tries: int) -> None:
        """The first half of the handshake, again and again until it is heard."""
        if side.connection.broken:
            return
        kuafu = self._kuafu
        peer = side.far
        way_ns = kuafu.clean_way_ns(self.machine, side.peer)
        if way_ns and peer.alive:
            # Nothing can happen to either half of it: both in one event.
            kuafu.wire.call_later(2 * way_ns, self._meet, side, tries)
        else:
            kuafu.carry(self.machine, side.peer, RESET_BYTES, 0, 0, 0, peer.knocked, (side, tries), self._not_heard)

    def _meet(self, side: Side, tries: int) -> None:
        """A handshake over a clean way is over, unless something happened meanwhile."""
        if side.connection.broken or side.ready:
            return
        peer = side.far
        if not peer.alive or not self._kuafu.clean_way_ns(self.machine, side.peer):
            self._knock(side, tries)
            return
        self._kuafu.opened(side.connection)
        for one in (side.other, side):
            one.ready = True
            one.go_on()

    def _not_heard(self, side: Side, tries: int) -> None:
        pause_ns = self._kuafu.config.retransmit << tries
        if pause_ns > self._kuafu.config.keepalive:
            self._kuafu.give_up(side)
        else:
            self._kuafu.wire.call_later(pause_ns, self._knock, side, tries + 1)

    def knocked(self, side: Side, tries: int) -> None:
        """The other proxy opens a connection."""
        kuafu = self._kuafu
        if side.connection.broken:
            return
        if not self.alive:
            opener = side.near
            refused, again = opener.turned_away, opener._not_heard
            kuafu.carry(self.machine, side.machine, RESET_BYTES, 0, 0, 0, refused, (side, tries), again)
            return
        opener = side.near
        kuafu.carry(self.machine, side.machine, RESET_BYTES, 0, 0, 0, opener.welcome, (side, tries), opener._not_heard)
        if not side.other.ready:
            kuafu.opened(side.connection)
            side.other.ready = True
            side.other.go_on()

    def welcome(self, side: Side, _: int) -> None:
        """The second half of the handshake has arrived."""
        if not side.connection.broken and not side.ready:
            side.ready = True
            side.go_on()

    def turned_away(self, side: Side, _: int) -> None:
        """Nobody takes connections there."""
        if not side.connection.broken:
            self._kuafu.end(side.connection, "refused")

    def _died(self) -> None:
        self.alive = False
        for side in list(self.sides.values()):
            self._kuafu.cut(side)
        self.sides.clear()
