"""Messages: small, one event each, with propagation, transmission, queueing, jitter and loss.

A message leaves through its machine's network card, which sends one after the other at line rate, travels, and
enters through the receiver's card, which takes one after the other in the order in which they get there. The sender's
queue is the time until which its card is busy. The receiver's is reckoned when the first of those that got there
would be through: on an idle card that is the one event of the message, and only one that has to wait costs a second.

A message under way is independent of its sender: the sender's death no longer stops it, the receiver's does.
Messages and bulk flows do not slow each other, as on a network with a class of service for small messages.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from feitian_sim.kernel import SECOND, Owner, Stream

if TYPE_CHECKING:
    from feitian_sim.hardware.network import Network
    from feitian_sim.hardware.topology import Station

_UNSERVED = -1


class _Message:
    """One message between two machines. ``through_ns``: when the receiver's card has taken it, once that is known."""

    __slots__ = ("args", "card_ns", "deliver", "source", "target", "through_ns")

    def __init__(
        self, source: Station, target: Station, card_ns: int, deliver: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self.source = source
        self.target = target
        self.card_ns = card_ns
        self.deliver = deliver
        self.args = args
        self.through_ns = _UNSERVED


class _Inlet:
    """The queue before a receiver's card: first come, first served."""

    __slots__ = ("_coming", "_free_ns")

    def __init__(self) -> None:
        self._coming: list[tuple[int, int, _Message]] = []
        self._free_ns = 0

    def expect(self, there_ns: int, number: int, message: _Message) -> None:
        """The message will get there then; of those that get there at once the one sent first goes first."""
        heappush(self._coming, (there_ns, number, message))

    def serve(self, now_ns: int) -> None:
        """Reckon when each message that has got here is through: none that is sent from now on comes before it."""
        while self._coming and self._coming[0][0] <= now_ns:
            there_ns, _, message = heappop(self._coming)
            self._free_ns = message.through_ns = max(there_ns, self._free_ns) + message.card_ns


class Messenger:
    """Carries the messages of one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sim = network.sim
        self._latency = network.latency
        self._out_free_ns: dict[int, int] = {}
        self._inlets: dict[int, _Inlet] = {}
        self._pairs: dict[tuple[int, int], tuple[tuple[int, ...], int, Stream]] = {}
        self._losses: dict[tuple[int, int], Stream] = {}
        self._next_number = 0

    def send(
        self,
        source: Station,
        target: Station,
        size_bytes: int,
        owner: Owner | None,
        deliver: Callable[..., object],
        args: tuple[Any, ...],
    ) -> None:
        """Send; ``deliver(*args)`` at the target unless the message is lost."""
        if not source.up or (owner is not None and not owner.alive):
            return
        if source.index == target.index:
            message = _Message(source, target, 0, deliver, args)
            self._sim.call_later(self._latency.local, self._hand_over, message)
            return
        path, way_ns, stream = self._pair(source, target)
        now_ns = self._sim.now
        out_ns = max(now_ns, self._out_free_ns.get(source.index, 0)) + self._card_ns(path[0], size_bytes)
        self._out_free_ns[source.index] = out_ns
        there_ns = out_ns + way_ns + self._added_ns(path, size_bytes) + int(stream.uniform() * self._latency.jitter)
        if not self._network.reachable(source, target) or self._lost(source, target, path):
            return
        message = _Message(source, target, self._card_ns(path[-1], size_bytes), deliver, args)
        self._inlet(target).expect(there_ns, self._next_number, message)
        self._next_number += 1
        self._sim.call_later(there_ns + message.card_ns - now_ns, self._enter, message)

    def latency_ns(self, source: Station, target: Station, size_bytes: int) -> int:
        """What a message takes on idle cards, without jitter."""
        if source.index == target.index:
            return self._latency.local
        path, way_ns, _ = self._pair(source, target)
        cards_ns = self._card_ns(path[0], size_bytes) + self._card_ns(path[-1], size_bytes)
        return way_ns + self._added_ns(path, size_bytes) + cards_ns

    def _enter(self, message: _Message) -> None:
        now_ns = self._sim.now
        if message.through_ns == _UNSERVED:
            self._inlets[message.target.index].serve(now_ns)
        if message.through_ns > now_ns:
            self._sim.call_later(message.through_ns - now_ns, self._hand_over, message)
        else:
            self._hand_over(message)

    def _hand_over(self, message: _Message) -> None:
        if message.target.up and self._network.connected(message.source, message.target):
            message.deliver(*message.args)

    def _card_ns(self, link: int, size_bytes: int) -> int:
        capacity = float(self._network.links.capacity[link])
        return int(size_bytes / capacity * SECOND) if capacity > 0.0 else 0

    def _added_ns(self, path: tuple[int, ...], size_bytes: int) -> int:
        """What faults add: delays, and the transmission over switches' links that have lost capacity."""
        links = self._network.links
        if not links.any_degraded:
            return 0
        slow = sum(self._card_ns(link, size_bytes) for link in path[1:-1] if links.is_slow(link))
        return slow + sum(links.delay_ns.get(link, 0) for link in path)

    def _lost(self, source: Station, target: Station, path: tuple[int, ...]) -> bool:
        losses = self._network.links.loss
        if not losses:
            return False
        survival = 1.0
        for link in path:
            survival *= 1.0 - losses.get(link, 0.0)
        if survival == 1.0:
            return False
        key = (source.index, target.index)
        stream = self._losses.get(key)
        if stream is None:
            stream = self._losses[key] = self._sim.stream("network", f"{source.name}>{target.name}", "loss")
        return stream.uniform() >= survival

    def _inlet(self, target: Station) -> _Inlet:
        inlet = self._inlets.get(target.index)
        if inlet is None:
            inlet = self._inlets[target.index] = _Inlet()
        return inlet

    def _pair(self, source: Station, target: Station) -> tuple[tuple[int, ...], int, Stream]:
        key = (source.index, target.index)
        pair = self._pairs.get(key)
        if pair is None:
            path = self._network.topology.route(source.index, target.index)
            way_ns = 2 * self._latency.nic + max(0, len(path) - 2) * self._latency.rack
            stream = self._sim.stream("network", f"{source.name}>{target.name}", "jitter")
            pair = self._pairs[key] = (path, way_ns, stream)
        if self._network.topology.has_choice and self._network.links.any_degraded:
            return self._network.topology.route(source.index, target.index), pair[1], pair[2]
        return pair
