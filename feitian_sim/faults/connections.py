"""Faults of connections: reset from between, or forgotten at one end."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from feitian_sim.faults.message_config import NetworkHalfOpen, NetworkReset
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import World
from feitian_sim.hardware.topology import Station


class ResetConnections:
    """``network-reset``: both ends are told; what was under way is gone, what was asked may have been done."""

    def absorbs(self, world: World, fault: NetworkReset, target: str) -> str:
        """Where no connection is open there is none to reset."""
        over = _over_link(world, target)
        keepers = world.datacenter.network.keepers
        return "" if any(keeper.has_connections(over) for keeper in keepers) else "no connection is open over the link"

    def begin(self, world: World, fault: NetworkReset, target: str, streams: Streams) -> None:
        """Reset them; nothing ends, since whoever needs one opens another."""
        for keeper in world.datacenter.network.keepers:
            keeper.break_connections(_over_link(world, target))


class ForgetConnections:
    """``network-half-open``: who forgets knows it, the others find out when they next say something or probe."""

    def absorbs(self, world: World, fault: NetworkHalfOpen, target: str) -> str:
        """Who has no connection cannot forget one."""
        machine, is_peer = world.datacenter.machine(target), _peers(fault)

        def over(one: Station, other: Station) -> bool:
            return (one is machine and is_peer(other)) or (other is machine and is_peer(one))

        keepers = world.datacenter.network.keepers
        return "" if any(keeper.has_connections(over) for keeper in keepers) else "no connection is open to forget"

    def begin(self, world: World, fault: NetworkHalfOpen, target: str, streams: Streams) -> None:
        """Forget; nothing ends, since the peers find out by themselves."""
        for keeper in world.datacenter.network.keepers:
            keeper.forget_connections(world.datacenter.machine(target), _peers(fault))


def _over_link(world: World, link: str) -> Callable[[Station, Station], bool]:
    network = world.datacenter.network
    return lambda one, other: network.crosses(one, other, link)


def _peers(fault: NetworkHalfOpen) -> Callable[[Station], bool]:
    names = fault.peer or ("*",)
    return lambda peer: any(fnmatchcase(peer.name, name) for name in names)
