"""Faults of connections: reset from between, or forgotten at one end."""

from __future__ import annotations

from fnmatch import fnmatchcase

from feitian_sim.faults.message_config import NetworkHalfOpen, NetworkReset
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import World


class ResetConnections:
    """``network-reset``: both ends are told; what was under way is gone, what was asked may have been done."""

    def absorbs(self, world: World, fault: NetworkReset, target: str) -> str:
        """Where nobody keeps connections there are none to reset."""
        return "" if world.datacenter.network.keepers else "nobody keeps connections"

    def begin(self, world: World, fault: NetworkReset, target: str, streams: Streams) -> None:
        """Reset them; nothing ends, since whoever needs one opens another."""
        network = world.datacenter.network
        for keeper in network.keepers:
            keeper.break_connections(lambda one, other: network.crosses(one, other, target))


class ForgetConnections:
    """``network-half-open``: who forgets knows it, the others find out when they next say something or probe."""

    def absorbs(self, world: World, fault: NetworkHalfOpen, target: str) -> str:
        """Where nobody keeps connections there are none to forget, and who is down has none."""
        if not world.datacenter.machine(target).up:
            return "the machine is down"
        return "" if world.datacenter.network.keepers else "nobody keeps connections"

    def begin(self, world: World, fault: NetworkHalfOpen, target: str, streams: Streams) -> None:
        """Forget; nothing ends, since the peers find out by themselves."""
        peers = fault.peer or ("*",)
        for keeper in world.datacenter.network.keepers:
            keeper.forget_connections(
                world.datacenter.machine(target), lambda peer: any(fnmatchcase(peer.name, name) for name in peers)
            )
