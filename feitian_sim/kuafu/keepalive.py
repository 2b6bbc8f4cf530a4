"""Keepalive: how a long call notices that its peer is gone without waiting for its deadline.

Operating systems probe silent connections. A peer that cannot be reached for the keepalive time, or that comes
back without knowing the connection (its machine has restarted), ends the call with ``reset``. Probes that are
answered change nothing, so none is sent in the model: the timers run only while a peer is out of reach.
"""

from __future__ import annotations

from collections.abc import Iterable

from feitian_sim.hardware import Network
from feitian_sim.kuafu.calls import CallError, PendingCall


class Keepalive:
    """Watches the pending calls of all endpoints when something in the data centre changes."""

    def __init__(self, network: Network, keepalive_ns: int) -> None:
        self._network = network
        self._keepalive_ns = keepalive_ns
        #: Whether anything was ever out of reach: before that, new calls need no look at their peer.
        self.troubled = False

    def review(self, calls: Iterable[PendingCall]) -> None:
        """Something has changed: suspect the peers out of reach, clear the others."""
        self.troubled = True
        for call in calls:
            self.consider(call)

    def consider(self, call: PendingCall) -> None:
        """Look at one call's peer."""
        if not call.peer.up:
            call.broken = True
        network, here = self._network, call.caller.machine
        if network.is_sound and call.suspicion is None and not call.broken and here.up:
            return
        # Nothing is acknowledged over a way that is cut or clogged in either direction.
        in_reach = network.reachable(here, call.peer) and network.connected(call.peer, here)
        if not in_reach or network.clogged(here, call.peer):
            if call.suspicion is None:
                call.suspicion = call.caller.owner.timer(self._keepalive_ns, self._give_up, call)
        elif call.broken:
            call.caller.owner.call_later(0, self._give_up, call)
        elif call.suspicion is not None:
            call.suspicion.cancel()
            call.suspicion = None

    @staticmethod
    def _give_up(call: PendingCall) -> None:
        call.caller.ended(call.number, CallError("reset", call.address, "out of reach"))
