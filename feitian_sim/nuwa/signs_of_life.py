"""Signs of life that take no events (DESIGN rule 5).

A client in good order pings its server three times in a session's time, and the server tells the leader. While
client, server and leader live, and the ways between them are clean, no ping can be missed, and all that each would
change is when the leader last heard of the client. So none is sent, and the leader takes the session for sure. As
soon as anything changes, the last ping that would have been sent is counted at its time, and pings are explicit again
until one is answered. What that gives up: the pings' own load, and their way of a fraction of a millisecond, by which
times of expiry may differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feitian_sim.hardware import Machine, Network
from feitian_sim.kernel import Simulation

if TYPE_CHECKING:
    from feitian_sim.nuwa.client_session import ClientSession
    from feitian_sim.nuwa.server import NuwaServer


class SignsOfLife:
    """Of all clients of one cell."""

    def __init__(self, sim: Simulation, network: Network, servers: list[NuwaServer], *, elide: bool) -> None:
        self._sim = sim
        self._network = network
        self._servers = servers
        self._elide = elide
        # Client, the leader that takes it for sure, and when the first ping that is left out was due.
        self._sure: dict[ClientSession, tuple[NuwaServer, int]] = {}

    def answered(self, client: ClientSession) -> None:
        """A ping was answered: leave those to come out if nobody can miss them."""
        leader = self._leader()
        if not self._elide or leader is None or client in self._sure or not self._is_sure(client, leader):
            return
        assert leader.expiry is not None
        self._sure[client] = (leader, self._sim.now + client.ping_ns)
        leader.expiry.heard(client.session, self._sim.now)
        leader.expiry.take_for_sure(client.session, True)
        leader.arm_expiry()
        client.hush()

    def last_ns(self, client: ClientSession) -> int | None:
        """When the last ping that was left out was due; None when pings are explicit, or none was due yet."""
        entry = self._sure.get(client)
        if entry is None or self._sim.now < entry[1]:
            return None
        return self._sim.now - (self._sim.now - entry[1]) % client.ping_ns

    def is_sure(self, client: ClientSession) -> bool:
        """Whether its pings take no events."""
        return client in self._sure

    def review(self) -> None:
        """Something has changed: those whose pings may be missed now send them."""
        leader = self._leader()
        for client, (before, _) in list(self._sure.items()):
            if leader is not before or not self._is_sure(client, leader):
                self.end(client)

    def doubt(self) -> None:
        """Connections were lost, and with them perhaps notices, of which only the answer to a ping would tell."""
        for client in list(self._sure):
            attached = self._servers[client.server].attached.get(client.session)
            if attached is None or attached.events != client.notices_heard:
                self.end(client)

    def end(self, client: ClientSession) -> None:
        """Pings of this client are explicit from now on."""
        entry = self._sure.get(client)
        if entry is None:
            return
        last_ns = self.last_ns(client)
        del self._sure[client]
        leader = entry[0]
        if leader.expiry is not None:
            if last_ns is not None:
                leader.expiry.heard(client.session, last_ns)
            leader.expiry.take_for_sure(client.session, False)
            leader.arm_expiry()
        client.wake(last_ns, entry[1])

    def _leader(self) -> NuwaServer | None:
        return next((server for server in self._servers if server.leads and server.expiry is not None), None)

    def _is_sure(self, client: ClientSession, leader: NuwaServer) -> bool:
        server = self._servers[client.server]
        return (
            client.is_connected
            and server.alive
            and leader.leads
            and not (client.is_paused or server.is_paused or leader.is_paused)
            and client.machine.clock.is_true
            and leader.machine.clock.is_true
            and client.session in server.attached
            and self._clean(client.machine, server.machine)
            and self._clean(server.machine, leader.machine)
            and self._is_followed(leader)
        )

    def _is_followed(self, leader: NuwaServer) -> bool:
        """Whether a majority hears the leader: one that is cut off confirms nobody, not even who sits beside it."""
        near = sum(
            1
            for one in self._servers
            if one is leader or (one.alive and not one.is_paused and self._clean(one.machine, leader.machine))
        )
        return 2 * near > len(self._servers)

    def _clean(self, here: Machine, there: Machine) -> bool:
        network = self._network
        return network.reachable(here, there) and network.reachable(there, here) and not network.impaired(here, there)
