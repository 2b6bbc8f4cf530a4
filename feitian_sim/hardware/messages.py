"""Messages: small, one event each, with propagation, transmission, queueing, jitter and loss.

A message leaves through its machine's network card, which sends one after the other at line rate, travels, and
enters through the receiver's card, which takes one after the other. Both queues are kept as the time until which
the card is busy, reckoned when the message is sent: a message that overtakes another in the network (less than the
jitter, microseconds) is served at the receiver in the order of sending. Messages and bulk flows do not slow each
other, as on a network with a class of service for small messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from feitian_sim.kernel import SECOND, Owner, Stream

if TYPE_CHECKING:
    from feitian_sim.hardware.network import Network
    from feitian_sim.hardware.topology import Station


class Messenger:
    """Carries the messages of one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sim = network.sim
        self._latency = network.latency
        self._up_free_ns: dict[int, int] = {}
        self._down_free_ns: dict[int, int] = {}
        self._pairs: dict[tuple[int, int], tuple[tuple[int, ...], int, Stream]] = {}
        self._losses: dict[tuple[int, int], Stream] = {}

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
        if owner is not None and not owner.alive:
            return
        arrival_ns = self._arrival_ns(source, target, size_bytes)
        if not self._network.reachable(source, target) or self._lost(source, target):
            return
        self._sim.call_later(arrival_ns - self._sim.now, self._arrive, source, target, deliver, args)

    def latency_ns(self, source: Station, target: Station, size_bytes: int) -> int:
        """What a message takes on idle cards, without jitter."""
        if source.index == target.index:
            return self._latency.local
        path, way_ns, _ = self._pair(source, target)
        return way_ns + self._added_ns(path) + 2 * self._transmission_ns(path, size_bytes)

    def _arrive(self, source: Station, target: Station, deliver: Callable[..., object], args: tuple[Any, ...]) -> None:
        # Who went down or was cut off meanwhile does not get it; the death of the sender no longer matters.
        if target.up and self._network.connected(source, target):
            deliver(*args)

    def _arrival_ns(self, source: Station, target: Station, size_bytes: int) -> int:
        now_ns = self._sim.now
        if source.index == target.index:
            return now_ns + self._latency.local
        path, way_ns, stream = self._pair(source, target)
        jitter_ns = int(stream.uniform() * self._latency.jitter)
        out_ns = max(now_ns, self._up_free_ns.get(source.index, 0)) + self._card_ns(path[0], size_bytes)
        self._up_free_ns[source.index] = out_ns
        there_ns = out_ns + way_ns + self._added_ns(path) + jitter_ns
        in_ns = max(there_ns, self._down_free_ns.get(target.index, 0)) + self._card_ns(path[-1], size_bytes)
        self._down_free_ns[target.index] = in_ns
        return in_ns

    def _card_ns(self, link: int, size_bytes: int) -> int:
        capacity = float(self._network.links.capacity[link])
        return int(size_bytes / capacity * SECOND) if capacity > 0.0 else 0

    def _transmission_ns(self, path: tuple[int, ...], size_bytes: int) -> int:
        return (self._card_ns(path[0], size_bytes) + self._card_ns(path[-1], size_bytes)) // 2

    def _added_ns(self, path: tuple[int, ...]) -> int:
        delays = self._network.links.delay_ns
        return sum(delays.get(link, 0) for link in path) if delays else 0

    def _lost(self, source: Station, target: Station) -> bool:
        losses = self._network.links.loss
        if not losses or source.index == target.index:
            return False
        path, _, _ = self._pair(source, target)
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

    def _pair(self, source: Station, target: Station) -> tuple[tuple[int, ...], int, Stream]:
        key = (source.index, target.index)
        pair = self._pairs.get(key)
        if pair is None:
            path = self._network.topology.route(source.index, target.index)
            way_ns = 2 * self._latency.nic + max(0, len(path) - 2) * self._latency.rack
            stream = self._sim.stream("network", f"{source.name}>{target.name}", "jitter")
            pair = self._pairs[key] = (path, way_ns, stream)
        return pair
