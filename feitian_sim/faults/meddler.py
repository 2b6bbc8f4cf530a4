"""Who strikes single messages: by chance, or by name.

Messages are numbered from one machine to another. Whether chance strikes the n-th, and how, is the n-th draw of a
stream keyed by fault, machines and link: it depends on no other message. So each deviation can be told in words (this
message, that effect), and a run in which just these are named is the run in which they were drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from feitian_sim.faults.facts import Deviation, FaultEnded, FaultStarted
from feitian_sim.faults.message_config import NetworkCorrupt, NetworkDuplicate, NetworkMessage, NetworkReorder
from feitian_sim.faults.network_config import NetworkDelay, NetworkLoss
from feitian_sim.faults.overlap import Holds
from feitian_sim.faults.timing import Streams
from feitian_sim.hardware.fate import Fate
from feitian_sim.hardware.topology import Station
from feitian_sim.kernel import DurationDistribution, Simulation, Stream

MessageFault = NetworkLoss | NetworkDelay | NetworkDuplicate | NetworkReorder | NetworkCorrupt


class Effect(NamedTuple):
    """What one fault does to one message."""

    fault: str
    effect: str
    delay_ns: int = 0


class Strike:
    """One fault in force on one link."""

    def __init__(self, fault_id: str, fault: MessageFault, link: str, streams: Streams) -> None:
        self.fault_id = fault_id
        self.fault = fault
        self.link = link
        self._streams = streams
        self._found: dict[tuple[str, str], Stream] = {}
        # Of each pair of machines: whether a burst of losses is on.
        self._bursts: dict[str, bool] = {}

    def effect(self, pair: str, number: int) -> Effect | None:
        """What becomes of the ``number``-th message of a pair; each message that passes is asked about once."""
        match self.fault:
            case NetworkLoss(burst=1.0):
                return Effect(self.fault_id, "lose") if self._is_struck(pair, number, self.fault.loss) else None
            case NetworkLoss():
                return Effect(self.fault_id, "lose") if self._in_burst(pair, number, self.fault) else None
            case NetworkDelay():
                return self._delay(pair, number, self.fault)
            case NetworkDuplicate():
                return self._later(pair, number, self.fault.share, "duplicate", self.fault.after)
            case NetworkReorder():
                return self._later(pair, number, self.fault.share, "delay", self.fault.gap)
            case NetworkCorrupt():
                return Effect(self.fault_id, "corrupt") if self._is_struck(pair, number, self.fault.share) else None

    def _draw(self, pair: str, number: int, purpose: str) -> float:
        stream = self._found.get((pair, purpose))
        if stream is None:
            stream = self._found[pair, purpose] = self._streams(pair, f"{purpose} {self.link}")
        return stream.at(number)

    def _is_struck(self, pair: str, number: int, share: float) -> bool:
        return share >= 1.0 or self._draw(pair, number, "share") < share

    def _in_burst(self, pair: str, number: int, fault: NetworkLoss) -> bool:
        uniform = self._draw(pair, number, "share")
        going_on = self._bursts.get(pair)
        if going_on is None:
            is_lost = uniform < fault.loss
        elif going_on:
            is_lost = uniform < 1.0 - 1.0 / fault.burst
        else:
            is_lost = uniform < fault.loss / (1.0 - fault.loss) / fault.burst
        self._bursts[pair] = is_lost
        return is_lost

    def _delay(self, pair: str, number: int, fault: NetworkDelay) -> Effect | None:
        if not self._is_struck(pair, number, fault.share):
            return None
        jitter = fault.delay_jitter
        added_ns = 0 if jitter is None else int(jitter.quantile(self._draw(pair, number, "delay")))
        return Effect(self.fault_id, "delay", fault.delay + added_ns)

    def _later(self, pair: str, number: int, share: float, effect: str, delay: DurationDistribution) -> Effect | None:
        if not self._is_struck(pair, number, share):
            return None
        return Effect(self.fault_id, effect, int(delay.quantile(self._draw(pair, number, "delay"))))


_NO_STRIKES: Mapping[tuple[str, str], Strike] = {}


class MessageMeddler:
    """The strikes in force, the messages that are named, and how many have left (:mod:`feitian_sim.hardware.fate`)."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._numbers: dict[tuple[str, str], int] = {}
        self._strikes: dict[int, dict[tuple[str, str], Strike]] = {}
        self._holds = Holds()
        self._named: dict[tuple[str, str, int], list[Effect]] = {}

    def name(self, fault_id: str, fault: NetworkMessage) -> None:
        """Strike one message when it leaves."""
        key = (fault.source, fault.target, fault.number)
        self._named.setdefault(key, []).append(Effect(fault_id, fault.effect, fault.delay or 0))

    def begin(self, strike: Strike, links: Sequence[int]) -> Callable[[], None]:
        """Strike messages over these links from now on; call the result to end it.

        Strikes of one fault that overlap on a link draw the same, so they count as one.
        """
        key = (strike.fault_id, strike.link)
        for link in links:
            self._strikes.setdefault(link, {}).setdefault(key, strike)
            self._holds.take(strike.fault_id, str(link))

        def end() -> None:
            for link in links:
                if self._holds.release(strike.fault_id, str(link)):
                    del self._strikes[link][key]
                    if not self._strikes[link]:
                        del self._strikes[link]

        return end

    def fate(self, source: Station, target: Station, path: tuple[int, ...]) -> Fate | None:
        """See :class:`feitian_sim.hardware.fate.Meddler`."""
        one, other = source.name, target.name
        key = one, other
        number = self._numbers.get(key, 0)
        self._numbers[key] = number + 1
        effects: list[Effect] = []
        if self._strikes and not self._strikes.keys().isdisjoint(path):
            effects = self._drawn(f"{one}>{other}", number, path)
        elif not self._named:
            return None
        named = self._named.pop((one, other, number), None)
        if named is not None:
            self._tell_named(named, f"{one}>{other}#{number}")
            effects += named
        if not effects:
            return None
        kinds = [effect.effect for effect in effects]
        lost = "lose" in kinds
        corrupt = not lost and "corrupt" in kinds
        copies = [e.delay_ns for e in effects if e.effect == "duplicate"] if not lost and not corrupt else []
        if self._sim.facts.wants(Deviation):
            self._tell(one, other, number, effects, "lose" if lost else "corrupt" if corrupt else "duplicate")
        delay_ns = sum(effect.delay_ns for effect in effects if effect.effect == "delay")
        return Fate(lost, corrupt, delay_ns, tuple(copies))

    def _drawn(self, pair: str, number: int, path: tuple[int, ...]) -> list[Effect]:
        effects: list[Effect] = []
        for link in path:
            for strike in self._strikes.get(link, _NO_STRIKES).values():
                effect = strike.effect(pair, number)
                if effect is not None:
                    effects.append(effect)
        return effects

    def _tell(self, source: str, target: str, number: int, effects: list[Effect], strongest: str) -> None:
        """Publish what was done: delays, and of the rest only what had an effect."""
        for effect in effects:
            if effect.effect == strongest or (effect.effect == "delay" and effect.delay_ns):
                self._sim.emit(Deviation(effect.fault, source, target, number, effect.effect, effect.delay_ns))

    def _tell_named(self, effects: list[Effect], message: str) -> None:
        for effect in effects:
            self._sim.emit(FaultStarted(effect.fault, "network-message", message))
            self._sim.emit(FaultEnded(effect.fault, "network-message", message))
