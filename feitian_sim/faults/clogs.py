"""Faults that hold messages, or a link, for a while: a clog, a swizzle of clogs, a flapping link.

What is clogged by two faults moves on when the last of them ends.
"""

from __future__ import annotations

from functools import partial

from feitian_sim.faults.message_config import NetworkClog, NetworkFlap, NetworkSwizzle
from feitian_sim.faults.networks import hold_down
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World
from feitian_sim.kernel import Simulation, Timer


class ClogLink:
    """``network-clog``: nothing moves, nothing is lost."""

    def absorbs(self, world: World, fault: NetworkClog, target: str) -> str:
        """Never: a link that is clogged stays so longer."""
        return ""

    def begin(self, world: World, fault: NetworkClog, target: str, streams: Streams) -> Undo:
        """Clog; let everything go on at the end."""
        _clog(world, target)
        return partial(_release, world, target)


class SwizzleLinks:
    """``network-swizzle``: of n links one is clogged after each 2n-th part of the time, then one released after each."""

    def absorbs(self, world: World, fault: NetworkSwizzle, target: str) -> str:
        """Without targets there is nothing to clog."""
        return "" if target else "no link was drawn"

    def begin(self, world: World, fault: NetworkSwizzle, target: str, streams: Streams) -> Undo:
        """Clog them in one drawn order, release them in another, the last of them at the end."""
        links = target.split(",")
        count = len(links)
        clogged = streams("", "clog order").permutation(count).tolist()
        released = streams("", "release order").permutation(count).tolist()
        for step, position in enumerate(clogged):
            world.sim.call_later(fault.duration * step // (2 * count), _clog, world, links[position])
        for step, position in enumerate(released[:-1]):
            time_ns = fault.duration * (count + step + 1) // (2 * count)
            world.sim.call_later(time_ns, _release, world, links[position])
        return partial(_release, world, links[released[-1]])


class FlapLink:
    """``network-flap``: down, up, down, up."""

    def absorbs(self, world: World, fault: NetworkFlap, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: NetworkFlap, target: str, streams: Streams) -> Undo:
        """Take the link down at the beginning of each period; leave it up at the end."""
        return _Flapping(world, fault, target).stop


class _Flapping:
    """One link that flaps."""

    def __init__(self, world: World, fault: NetworkFlap, link: str) -> None:
        self._world = world
        self._sim: Simulation = world.sim
        self._link = link
        self._down_ns = max(1, int(fault.period * fault.down))
        self._up_ns = max(1, fault.period - self._down_ns)
        self._raise: Undo | None = None
        self._next: Timer
        self._fall()

    def _fall(self) -> None:
        self._next = self._sim.timer(self._down_ns, self._rise)
        self._raise = hold_down(self._world, self._link)

    def _rise(self) -> None:
        self._next = self._sim.timer(self._up_ns, self._fall)
        assert self._raise is not None, f"{self._link} is up already"
        self._raise()
        self._raise = None

    def stop(self) -> None:
        """The end of the fault."""
        self._next.cancel()
        if self._raise is not None:
            self._raise()


def _clog(world: World, link: str) -> None:
    if world.holds.take("clog", link):
        world.datacenter.network.set_clogged(link, True)


def _release(world: World, link: str) -> None:
    if world.holds.release("clog", link):
        world.datacenter.network.set_clogged(link, False)
