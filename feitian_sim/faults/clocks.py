"""Faults of machines' clocks (:mod:`feitian_sim.hardware.clock`).

Offsets of the wall reading add up. A reading has one rate: it stands while any freeze lasts, else it goes as the drift
that began last says, else right.
"""

from __future__ import annotations

from functools import partial

from feitian_sim.faults.clock_config import ClockDrift, ClockFreeze, ClockSkew, ClockStep, ClockStrobe, Which
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World
from feitian_sim.hardware import TRUE_RATE_PPB, MachineClock
from feitian_sim.kernel import Timer

_PPB = 1000


class SkewClock:
    """``clock-skew``: right again at the end."""

    def absorbs(self, world: World, fault: ClockSkew, target: str) -> str:
        """Never: offsets add up."""
        return ""

    def begin(self, world: World, fault: ClockSkew, target: str, streams: Streams) -> Undo:
        """Set the wall reading wrong; take the same back at the end."""
        clock = _clock(world, target)
        offset_ns = fault.offset if fault.direction == "ahead" else -fault.offset
        clock.step_wall(offset_ns)
        return partial(clock.step_wall, -offset_ns)


class StepClock:
    """``clock-step``: once, for good."""

    def absorbs(self, world: World, fault: ClockStep, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: ClockStep, target: str, streams: Streams) -> None:
        """Set the wall reading."""
        _clock(world, target).step_wall(fault.by if fault.direction == "forwards" else -fault.by)


class DriftClock:
    """``clock-drift``: the right rate again at the end."""

    def absorbs(self, world: World, fault: ClockDrift, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: ClockDrift, target: str, streams: Streams) -> Undo:
        """Have it go at another rate."""
        removes: list[tuple[str, Undo]] = []
        for reading in _readings(fault.which):
            removes.append((reading, world.clock_drifts.add(_key(reading, target), fault.ppm)))
            _settle(world, reading, target)

        def end() -> None:
            for reading, remove in removes:
                remove()
                _settle(world, reading, target)

        return end


class StrobeClock:
    """``clock-strobe``: forwards, back, forwards, back."""

    def absorbs(self, world: World, fault: ClockStrobe, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: ClockStrobe, target: str, streams: Streams) -> Undo:
        """Jump; jump again after each interval; be right at the end."""
        return _Strobing(world, fault, _clock(world, target)).stop


class _Strobing:
    """One clock that jumps to and fro."""

    def __init__(self, world: World, fault: ClockStrobe, clock: MachineClock) -> None:
        self._sim = world.sim
        self._fault = fault
        self._clock = clock
        self._is_off = False
        self._next: Timer
        self._jump()

    def _jump(self) -> None:
        self._next = self._sim.timer(self._fault.interval, self._jump)
        self._clock.step_wall(-self._fault.by if self._is_off else self._fault.by)
        self._is_off = not self._is_off

    def stop(self) -> None:
        """The end of the fault."""
        self._next.cancel()
        if self._is_off:
            self._clock.step_wall(-self._fault.by)


class FreezeClock:
    """``clock-freeze``: it goes again when the last freeze of it ends, which says whether it jumps."""

    def absorbs(self, world: World, fault: ClockFreeze, target: str) -> str:
        """Never: a clock that stands still does so longer."""
        return ""

    def begin(self, world: World, fault: ClockFreeze, target: str, streams: Streams) -> Undo:
        """Stop the clock; let it go at the end."""
        for reading in _readings(fault.which):
            if world.holds.take("clock", _key(reading, target)):
                world.clocks_stood_ns[_key(reading, target)] = world.sim.now
                _settle(world, reading, target)

        def end() -> None:
            for reading in _readings(fault.which):
                if world.holds.release("clock", _key(reading, target)):
                    stood_ns = world.sim.now - world.clocks_stood_ns.pop(_key(reading, target))
                    _settle(world, reading, target, stood_ns if fault.then == "jumps" else 0)

        return end


def _clock(world: World, target: str) -> MachineClock:
    return world.datacenter.machine(target).clock


def _readings(which: Which) -> tuple[str, ...]:
    return ("wall", "monotonic") if which == "both" else (which,)


def _key(reading: str, target: str) -> str:
    return f"{target} {reading}"


def _settle(world: World, reading: str, target: str, jump_ns: int = 0) -> None:
    """Have a reading go as the faults on it say."""
    key, clock = _key(reading, target), _clock(world, target)
    drifts = world.clock_drifts.of(key)
    rate_ppb = TRUE_RATE_PPB + _PPB * (drifts[-1] if drifts else 0)
    if key in world.clocks_stood_ns:
        rate_ppb = 0
    if reading == "monotonic":
        clock.set_rate(rate_ppb, jump_ns=jump_ns)
        return
    if jump_ns:
        clock.step_wall(jump_ns)
    clock.set_wall_rate(rate_ppb)
