"""Faults of single messages: lost, late, doubled, overtaken, damaged. Which, the meddler says (:mod:`.meddler`)."""

from __future__ import annotations

from feitian_sim.faults.meddler import MessageFault, Strike
from feitian_sim.faults.message_config import NetworkMessage
from feitian_sim.faults.network_config import NetworkDelay, NetworkLoss
from feitian_sim.faults.networks import ImpairLink
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World


class StrikeMessages:
    """``network-duplicate``, ``network-reorder``, ``network-corrupt``."""

    def absorbs(self, world: World, fault: MessageFault, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: MessageFault, target: str, streams: Streams) -> Undo:
        """Strike messages over the link; leave them alone at the end."""
        assert world.meddler is not None, f"{fault.kind} strikes messages in a run in which none is numbered"
        strike = Strike(world.striking, fault, target, streams)
        return world.meddler.begin(strike, world.datacenter.network.links_of(target))


class NameMessage:
    """``network-message``: one message, known before it is sent."""

    def absorbs(self, world: World, fault: NetworkMessage, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: NetworkMessage, target: str, streams: Streams) -> None:
        """Wait for the message; nothing is undone."""
        assert world.meddler is not None, "a message is named in a run in which none is numbered"
        world.meddler.name(world.striking, fault)


class ImpairMessages:
    """``network-loss`` and ``network-delay``: by the link's state, or in a run of numbered messages one by one."""

    _link = ImpairLink()
    _messages = StrikeMessages()

    def absorbs(self, world: World, fault: NetworkLoss | NetworkDelay, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: NetworkLoss | NetworkDelay, target: str, streams: Streams) -> Undo:
        """Strike messages over the link, until the end."""
        if world.meddler is None:
            return self._link.begin(world, fault, target, streams)
        return self._messages.begin(world, fault, target, streams)
