"""A machine's clock: what its software may know of time, which is not the time of the simulation.

It has two readings, as a real system has. The *wall* reading is set by operators and time servers, so it may jump; the
*monotonic* one counts from the start and never goes back, so durations and leases are measured with it. A rate that is
wrong (a bad oscillator) shows in both. Each is a piecewise-linear function of simulated time in whole nanoseconds, and
so is its inverse: no floats, the same everywhere. A clock that nothing has ever happened to is that of the simulation
and costs nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from feitian_sim.hardware.facts import ClockChanged
from feitian_sim.kernel import Owner, Simulation, Timer

#: The rate of a true clock, in parts per billion.
TRUE_RATE_PPB = 1_000_000_000


class Reading:
    """One reading as a function of simulated time: pieces of a time, what it shows then, and its rate from there on."""

    __slots__ = ("_pieces", "_since_ns")

    def __init__(self) -> None:
        self._since_ns = [0]
        self._pieces = [(0, TRUE_RATE_PPB)]

    @property
    def rate_ppb(self) -> int:
        """How fast it goes, in parts per billion of simulated time."""
        return self._pieces[-1][1]

    def at(self, time_ns: int) -> int:
        """What it shows at a simulated time; in whole nanoseconds, rounded down."""
        piece = bisect_right(self._since_ns, time_ns) - 1
        shown_ns, rate_ppb = self._pieces[piece]
        return shown_ns + (time_ns - self._since_ns[piece]) * rate_ppb // TRUE_RATE_PPB

    def when(self, reading_ns: int) -> int | None:
        """The first time at which it shows at least ``reading_ns``, if it never goes back; None when it never will.

        Before the start it is the simulation's.
        """
        piece = bisect_left(self._pieces, (reading_ns,)) - 1
        if piece < 0:
            return min(reading_ns, 0)
        following_ns = self._since_ns[piece + 1] if piece + 1 < len(self._since_ns) else None
        shown_ns, rate_ppb = self._pieces[piece]
        if not rate_ppb:
            return following_ns
        # Rounded up: the nanosecond before, it shows less.
        time_ns = self._since_ns[piece] - (shown_ns - reading_ns) * TRUE_RATE_PPB // rate_ppb
        return time_ns if following_ns is None else min(time_ns, following_ns)

    def go_on(self, time_ns: int, reading_ns: int, rate_ppb: int) -> None:
        """From ``time_ns`` on, not before the last such time, show ``reading_ns`` and go at ``rate_ppb``."""
        assert time_ns >= self._since_ns[-1], "a clock cannot be changed in the past"
        assert rate_ppb >= 0, "a clock does not run backwards"
        if time_ns == self._since_ns[-1]:
            self._pieces[-1] = (reading_ns, rate_ppb)
        else:
            self._since_ns.append(time_ns)
            self._pieces.append((reading_ns, rate_ppb))


class MachineClock:
    """The clock of one machine; ``announce()`` tells whoever leaves events out that they count again."""

    __slots__ = ("_announce", "_listeners", "_machine", "_monotonic", "_sim", "_wall", "is_true", "wall_is_true")

    def __init__(self, sim: Simulation, machine: str, announce: Callable[[], object]) -> None:
        self._sim = sim
        self._machine = machine
        self._announce = announce
        self._listeners: dict[Callable[[], object], None] = {}
        self._monotonic = Reading()
        self._wall = Reading()
        #: Whether the monotonic reading has always been simulated time.
        self.is_true = True
        #: Whether the wall reading has.
        self.wall_is_true = True

    @property
    def monotonic_ns(self) -> int:
        """Nanoseconds since the start, by this clock."""
        return self._sim.now if self.is_true else self._monotonic.at(self._sim.now)

    @property
    def wall_ns(self) -> int:
        """The time of day, in nanoseconds since the start of the simulation, by this clock."""
        return self._sim.now if self.wall_is_true else self._wall.at(self._sim.now)

    @property
    def rates_ppb(self) -> tuple[int, int]:
        """How fast the monotonic and the wall reading go, in parts per billion."""
        return self._monotonic.rate_ppb, self._wall.rate_ppb

    def until(self, reading_ns: int) -> int | None:
        """The simulated time at which the monotonic reading gets, or got, to ``reading_ns``; None for never."""
        return reading_ns if self.is_true else self._monotonic.when(reading_ns)

    def timer(self, owner: Owner, reading_ns: int, callback: Callable[..., object], *args: Any) -> Timer:
        """A timer for when the monotonic reading gets to ``reading_ns``; one that never comes if the clock stands.

        It is right as long as the clock goes as it does: whoever holds one sets it again :meth:`on_change`.
        """
        time_ns = self.until(reading_ns)
        if time_ns is None:
            return Timer(None, (), owner)
        return owner.timer(max(0, time_ns - self._sim.now), callback, *args)

    def on_change(self, owner: Owner, callback: Callable[[], object]) -> None:
        """Call ``callback()`` after each change of how the monotonic reading goes, while ``owner`` lives."""
        if owner.alive:
            self._listeners[callback] = None
            owner.on_death(lambda: self._listeners.pop(callback, None))

    # What happens to it

    def step_wall(self, by_ns: int) -> None:
        """The wall reading jumps, forwards or, below 0, back."""
        self.wall_is_true = False
        now_ns = self._sim.now
        self._wall.go_on(now_ns, self._wall.at(now_ns) + by_ns, self._wall.rate_ppb)

    def set_wall_rate(self, rate_ppb: int) -> None:
        """The wall reading goes at another rate from now on; at 0 it stands still. In parts per billion."""
        self.wall_is_true = False
        now_ns = self._sim.now
        self._wall.go_on(now_ns, self._wall.at(now_ns), rate_ppb)

    def set_rate(self, rate_ppb: int, *, jump_ns: int = 0) -> None:
        """The monotonic reading goes at another rate from now on, in parts per billion; it may jump forwards first."""
        assert jump_ns >= 0, "a monotonic clock never goes back"
        if self.is_true:
            # Whoever counts on it must settle what was left out while it still shows what it always did.
            self.is_true = False
            self._announce()
        now_ns = self._sim.now
        self._monotonic.go_on(now_ns, self._monotonic.at(now_ns) + jump_ns, rate_ppb)
        self._sim.emit(ClockChanged(self._machine, rate_ppb, jump_ns))
        for listener in list(self._listeners):
            listener()
