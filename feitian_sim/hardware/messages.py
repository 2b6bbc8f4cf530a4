"""Messages: small, one event each, with propagation, transmission, queueing, jitter and loss.

A message leaves through its machine's network card, which sends one after the other at line rate, travels, and
enters through the receiver's card, which takes one after the other in the order in which they get there. The sender's
queue is the time until which its card is busy. The receiver's is reckoned when the first of those that got there
would be through: on an idle card that is the one event of the message, and only one that has to wait costs a second.

A message under way is independent of its sender: the sender's death no longer stops it, the receiver's does.
Messages and bulk flows do not slow each other, as on a network with a class of service for small messages.

Over a clogged link nothing moves: what would pass it is held and gets there when the clog ends. What else is done to
single messages a meddler says (:mod:`.fate`); a run without one never asks.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from feitian_sim.hardware.facts import FrameDropped, MessageLeft
from feitian_sim.hardware.fate import Fate, Meddler
from feitian_sim.hardware.message_witness import MessageWitness
from feitian_sim.kernel import SECOND, Owner, Stream

if TYPE_CHECKING:
    from feitian_sim.hardware.network import Network
    from feitian_sim.hardware.topology import Station

_UNSERVED = -1
_UNHARMED = Fate()


class _Message:
    """One message between two machines. ``through_ns``: when the receiver has taken it in, once that is known."""

    __slots__ = ("args", "card_ns", "deliver", "due_ns", "on_loss", "pair", "tail_ns", "take_ns", "through_ns")

    def __init__(
        self,
        pair: _Pair,
        card_ns: int,
        take_ns: int,
        tail_ns: int,
        due_ns: int,
        deliver: Callable[..., object],
        args: tuple[Any, ...],
        on_loss: Callable[..., object] | None,
    ) -> None:
        self.pair = pair
        self.card_ns = card_ns
        self.take_ns = take_ns
        self.tail_ns = tail_ns
        # When it is through if nothing is before it.
        self.due_ns = due_ns
        self.deliver = deliver
        self.args = args
        self.on_loss = on_loss
        self.through_ns = _UNSERVED

    def event_carried(self) -> tuple[str, Callable[..., object], tuple[Any, ...]]:
        """Where an event of this message happens, and what it is about to call."""
        return self.pair.target.name, self.deliver, self.args


class _Outlet:
    """The queue before a sender's card: until when the card is busy."""

    __slots__ = ("free_ns",)

    def __init__(self) -> None:
        self.free_ns = 0


class _Inlet:
    """The queues before a receiver's card and before who takes messages in there: first come, first served, twice."""

    __slots__ = ("_free_ns", "_taken_ns", "coming")

    def __init__(self) -> None:
        #: A heap by when each gets there; of those that get there at once the one sent first goes first.
        self.coming: list[tuple[int, int, _Message]] = []
        self._free_ns = 0
        self._taken_ns = 0

    def serve(self, now_ns: int) -> None:
        """Reckon when each message that has got here is through: none that is sent from now on comes before it."""
        coming, free_ns, taken_ns = self.coming, self._free_ns, self._taken_ns
        while coming and coming[0][0] <= now_ns:
            there_ns, _, message = heappop(coming)
            through_ns = free_ns = (there_ns if there_ns > free_ns else free_ns) + message.card_ns
            if message.take_ns:
                through_ns = taken_ns = (free_ns if free_ns > taken_ns else taken_ns) + message.take_ns
            message.through_ns = through_ns + message.tail_ns
        self._free_ns, self._taken_ns = free_ns, taken_ns


class _Pair:
    """What does not change about messages from one machine to another, as long as nothing is degraded."""

    __slots__ = (
        "in_bytes_per_s", "inlet", "is_well", "jitter", "looked_at", "out_bytes_per_s", "outlet", "path", "source",
        "target", "way_ns",
    )  # fmt: skip

    def __init__(
        self,
        source: Station,
        target: Station,
        path: tuple[int, ...],
        way_ns: int,
        jitter: Stream,
        outlet: _Outlet,
        inlet: _Inlet,
        out_bytes_per_s: float,
        in_bytes_per_s: float,
    ) -> None:
        self.source = source
        self.target = target
        self.path = path
        self.way_ns = way_ns
        self.jitter = jitter
        self.outlet = outlet
        self.inlet = inlet
        self.out_bytes_per_s = out_bytes_per_s
        self.in_bytes_per_s = in_bytes_per_s
        # Whether nothing was wrong between the two after the change of the network of that number.
        self.is_well = False
        self.looked_at = -1


class Messenger:
    """Carries the messages of one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sim = network.sim
        self._latency = network.latency
        self._jitter_ns = network.latency.jitter
        self._outlets: dict[int, _Outlet] = {}
        self._inlets: dict[int, _Inlet] = {}
        self._pairs: dict[tuple[int, int], _Pair] = {}
        self._losses: dict[tuple[int, int], Stream] = {}
        self._next_number = 0
        # What is held before clogged links: when each would have got there, and how.
        self._held: list[tuple[int, _Message, tuple[int, ...]]] = []
        #: Who strikes single messages, in a run whose scenario has such faults.
        self.meddler: Meddler | None = None
        self._witness = MessageWitness(self._sim) if self._sim.facts.wants(MessageLeft) else None

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
        if owner is None or owner.alive:
            self.carry(source, target, size_bytes, 0, 0, 0, deliver, args)

    def carry(
        self,
        source: Station,
        target: Station,
        size_bytes: int,
        lead_ns: int,
        take_ns: int,
        tail_ns: int,
        deliver: Callable[..., object],
        args: tuple[Any, ...],
        on_loss: Callable[..., object] | None = None,
        on_copy: Callable[..., object] | None = None,
    ) -> None:
        """Send ``lead_ns`` from now; ``deliver(*args)`` ``tail_ns`` after the target's card and its ``take_ns``.

        Taking in is serial: one message after the other, as one thread does it; the tail is not. ``on_loss(*args)`` is
        called for a message that is lost on the way, which only a model that sends it again may know; ``on_copy(*args)``
        for each copy that a fault makes of it, which is dropped behind the target's card where there is none.
        """
        if not source.up:
            return
        if self._witness is not None:
            deliver, on_loss = self._witness.follow(source, target, deliver, on_loss)
        pair = self._pairs.get((source.index, target.index)) or self._meet(source, target)
        if source is target:
            message = _Message(pair, 0, take_ns, tail_ns, 0, deliver, args, on_loss)
            self._sim.call_later(lead_ns + self._latency.local + take_ns + tail_ns, self._hand_over, message)
            return
        fate = None if self.meddler is None else self.meddler.fate(source, target, self._path(pair))
        if fate is not None or not (pair.is_well if pair.looked_at == self._network.changes else self._look(pair)):
            parcel = size_bytes, lead_ns, take_ns, tail_ns
            self._carry_unsound(pair, fate or _UNHARMED, *parcel, deliver, args, on_loss, on_copy)
            return
        now_ns = self._sim.now
        outlet = pair.outlet
        free_ns, leaves_ns = outlet.free_ns, now_ns + lead_ns
        out_card_ns = int(size_bytes / pair.out_bytes_per_s * SECOND)
        outlet.free_ns = out_ns = (free_ns if free_ns > leaves_ns else leaves_ns) + out_card_ns
        there_ns = out_ns + pair.way_ns + int(pair.jitter.uniform() * self._jitter_ns)
        if not target.up:
            if on_loss is not None:
                self._sim.call_later(there_ns - now_ns, on_loss, *args)
            return
        in_card_ns = int(size_bytes / pair.in_bytes_per_s * SECOND)
        due_ns = there_ns + in_card_ns + take_ns + tail_ns
        message = _Message(pair, in_card_ns, take_ns, tail_ns, due_ns, deliver, args, on_loss)
        self._next_number += 1
        heappush(pair.inlet.coming, (there_ns, self._next_number, message))
        self._sim.call_later(due_ns - now_ns, self._enter, message)

    def _carry_unsound(
        self,
        pair: _Pair,
        fate: Fate,
        size_bytes: int,
        lead_ns: int,
        take_ns: int,
        tail_ns: int,
        deliver: Callable[..., object],
        args: tuple[Any, ...],
        on_loss: Callable[..., object] | None,
        on_copy: Callable[..., object] | None,
    ) -> None:
        """As :meth:`carry`, where something is wrong."""
        source, target = pair.source, pair.target
        path = self._path(pair)
        lost = not self._network.reachable(source, target) or self._lost(source, target, path) or fate.lost
        outlet = pair.outlet
        out_ns = max(outlet.free_ns, self._sim.now + lead_ns) + self._card_ns(path[0], size_bytes)
        outlet.free_ns = out_ns
        way_ns = pair.way_ns + self._added_ns(path, size_bytes) + fate.delay_ns
        there_ns = out_ns + way_ns + int(pair.jitter.uniform() * self._jitter_ns)
        if lost:
            if on_loss is not None:
                self._sim.call_later(there_ns - self._sim.now, on_loss, *args)
            return
        card_ns = self._card_ns(path[-1], size_bytes)
        if fate.corrupt:
            drop = (pair, "checksum", on_loss, args)
            self._post(there_ns, path, _Message(pair, card_ns, 0, 0, 0, self._drop, drop, self._lose_damaged))
            return
        self._post(there_ns, path, _Message(pair, card_ns, take_ns, tail_ns, 0, deliver, args, on_loss))
        for after_ns in fate.copies_ns:
            if on_copy is not None:
                copy = _Message(pair, card_ns, take_ns, tail_ns, 0, on_copy, args, None)
            else:
                copy = _Message(pair, card_ns, 0, 0, 0, self._drop, (pair, "sequence", None, ()), None)
            self._post(there_ns + after_ns, path, copy)

    def _post(self, there_ns: int, path: tuple[int, ...], message: _Message) -> None:
        """Have a message get there, or hold it before a clogged link."""
        if self._network.links.is_clogged(path):
            self._held.append((there_ns, message, path))
            return
        message.due_ns = there_ns + message.card_ns + message.take_ns + message.tail_ns
        self._next_number += 1
        heappush(message.pair.inlet.coming, (there_ns, self._next_number, message))
        self._sim.call_later(message.due_ns - self._sim.now, self._enter, message)

    def release(self) -> None:
        """A clog has ended: what it held and no other holds gets there at once, in the order in which it was sent."""
        held, self._held = self._held, []
        for there_ns, message, path in held:
            self._post(max(there_ns, self._sim.now), path, message)

    def _drop(self, pair: _Pair, why: str, on_loss: Callable[..., object] | None, args: tuple[Any, ...]) -> None:
        """The receiver's system drops a frame; for who sent it, it is lost on the way."""
        if self._sim.facts.wants(FrameDropped):
            self._sim.emit(FrameDropped(pair.source.name, pair.target.name, why))
        if on_loss is not None:
            on_loss(*args)

    @staticmethod
    def _lose_damaged(_: _Pair, __: str, on_loss: Callable[..., object] | None, args: tuple[Any, ...]) -> None:
        """A damaged frame does not even get there."""
        if on_loss is not None:
            on_loss(*args)

    def _path(self, pair: _Pair) -> tuple[int, ...]:
        """The way of a message that leaves now."""
        if self._network.has_one_way:
            return pair.path
        return self._network.topology.route(pair.source.index, pair.target.index)

    def _look(self, pair: _Pair) -> bool:
        """Find out whether anything is wrong between the two, but for what befalls single messages."""
        network = self._network
        pair.looked_at = network.changes
        pair.is_well = network.is_sound or (
            network.has_one_way and network.links.all_well(pair.path) and network.connected(pair.source, pair.target)
        )
        return pair.is_well

    def latency_ns(self, source: Station, target: Station, size_bytes: int) -> int:
        """What a message takes on idle cards, without jitter."""
        if source is target:
            return self._latency.local
        pair = self._pairs.get((source.index, target.index)) or self._meet(source, target)
        path = self._network.topology.route(source.index, target.index)
        cards_ns = self._card_ns(path[0], size_bytes) + self._card_ns(path[-1], size_bytes)
        return pair.way_ns + self._added_ns(path, size_bytes) + cards_ns

    def _enter(self, message: _Message) -> None:
        due_ns = message.due_ns
        through_ns = message.through_ns
        if through_ns == _UNSERVED:
            message.pair.inlet.serve(due_ns)
            through_ns = message.through_ns
        if through_ns > due_ns:
            self._sim.call_later(through_ns - due_ns, self._hand_over, message)
        else:
            self._hand_over(message)

    def _hand_over(self, message: _Message) -> None:
        pair = message.pair
        is_well = pair.is_well if pair.looked_at == self._network.changes else self._look(pair)
        if pair.target.up and (is_well or self._network.connected(pair.source, pair.target)):
            message.deliver(*message.args)
        elif message.on_loss is not None:
            message.on_loss(*message.args)

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

    def _meet(self, source: Station, target: Station) -> _Pair:
        path = self._network.topology.route(source.index, target.index)
        nominal = self._network.links.nominal_bytes_per_s
        pair = self._pairs[source.index, target.index] = _Pair(
            source,
            target,
            path,
            way_ns=2 * self._latency.nic + max(0, len(path) - 2) * self._latency.rack,
            jitter=self._sim.stream("network", f"{source.name}>{target.name}", "jitter"),
            outlet=self._outlets.setdefault(source.index, _Outlet()),
            inlet=self._inlets.setdefault(target.index, _Inlet()),
            out_bytes_per_s=nominal(path[0]) if path else 0.0,
            in_bytes_per_s=nominal(path[-1]) if path else 0.0,
        )
        return pair
