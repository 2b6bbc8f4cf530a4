"""Heartbeats: explicit while anything could miss one, and none at all while nobody would.

Every chunk server has its own beat: ``phase + n * every`` on the simulation's clock, the phase keyed by its name. An
explicit beat is a call to the master. While the server and the master run and the path between them is clean, every
beat would arrive, and the only thing that it would change is the instant at which the master last heard the
server. So such beats are *elided*: no event happens. When anything changes (a process dies, the master restarts, a
machine or link goes down or becomes lossy or slow), the last beat that would have arrived before is told to the
master with its time, and beats are explicit again until one is answered over a clean path.

What that keeps: the master declares a server dead at the same instant either way, because its scan compares times
of arrival, and phases keep a margin from the scan's ticks that is far larger than a message's way. What it gives
up: the beats' own load (20 us of processor time and 256 bytes each), and that a beat's news (disk use) reaches the
master when it next decides something rather than at the beat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from feitian_sim.kernel import MILLISECOND, Simulation, Timer

#: Distance of every beat from the scan's ticks: above a message's way through a healthy network.
_MARGIN_NS = 20 * MILLISECOND
#: What a message takes through an idle network: a beat sent later than this before a change is still on its way.
_WAY_NS = MILLISECOND // 10


class BeatTimes:
    """When each server's heart beats."""

    def __init__(self, sim: Simulation, every_ns: int, scan_ns: int, stream: str = "pangu.heartbeat") -> None:
        self._sim = sim
        self._stream = stream
        self._every_ns = every_ns
        self._scan_ns = scan_ns
        self._phases: dict[str, int] = {}

    def phase_ns(self, server: str) -> int:
        """The first beat of ``server``, in [0, every), away from the ticks of the scan."""
        phase = self._phases.get(server)
        if phase is None:
            phase = int(self._sim.stream(self._stream, server).uniform() * self._every_ns)
            margin_ns = min(_MARGIN_NS, self._scan_ns // 4)
            into_tick = phase % self._scan_ns
            clear = min(max(into_tick, margin_ns), self._scan_ns - 1 - margin_ns)
            phase = self._phases[server] = phase - into_tick + clear
        return phase

    def after(self, server: str, now_ns: int) -> int:
        """The first beat after ``now_ns``."""
        phase = self.phase_ns(server)
        if now_ns < phase:
            return phase
        return phase + ((now_ns - phase) // self._every_ns + 1) * self._every_ns

    def last_arrival_ns(self, server: str, now_ns: int) -> int:
        """When the last beat that has arrived by ``now_ns`` arrived; negative when none has."""
        sent_ns = self.after(server, now_ns - _WAY_NS) - self._every_ns
        return sent_ns + _WAY_NS


class BeatingServer(Protocol):
    """A chunk-server process, as its heartbeats see it."""

    @property
    def name(self) -> str:
        """Name of its machine."""
        ...

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        ...

    def later(self, delay_ns: int, callback: Callable[..., object], *args: object) -> Timer:
        """A timer that dies with the process."""
        ...

    def beat(self) -> None:
        """Send one explicit heartbeat; its answer calls :meth:`Heartbeats.answered`."""
        ...

    def heard_by_master(self) -> bool:
        """Whether the running master knows this process and a beat would certainly reach it."""
        ...


class Listener(Protocol):
    """The master, as far as it is there, hearing without events."""

    def elide(self, server: str, elided: bool) -> None:
        """From now on the server is heard without events, or again only with them."""
        ...

    def heard(self, server: str, at_ns: int) -> None:
        """The last of the beats that took no event arrived at ``at_ns``."""
        ...


class Heartbeats:
    """The hearts of one cell's chunk servers."""

    def __init__(self, sim: Simulation, times: BeatTimes, listener: Listener, *, elide: bool) -> None:
        self._sim = sim
        self._times = times
        self._listener = listener
        self._elide = elide
        self._elided: dict[str, tuple[BeatingServer, int]] = {}
        self._timers: dict[str, Timer] = {}

    def start(self, server: BeatingServer) -> None:
        """A chunk-server process has booted: beat from now on."""
        self._elided.pop(server.name, None)
        self._arm(server)

    def stop(self, server: BeatingServer) -> None:
        """A chunk-server process has died: note its last beat."""
        timer = self._timers.pop(server.name, None)
        if timer is not None:
            timer.cancel()
        self._materialise(server.name)

    def answered(self, server: BeatingServer) -> None:
        """The master has answered and knows the server: elide the beats to come if they cannot be missed."""
        if self._elide and server.alive and server.heard_by_master():
            timer = self._timers.pop(server.name, None)
            if timer is not None:
                timer.cancel()
            self._elided[server.name] = (server, self._sim.now)
            self._listener.elide(server.name, True)

    @property
    def elided(self) -> tuple[str, ...]:
        """Servers that the master hears without events."""
        return tuple(self._elided)

    def review(self) -> None:
        """Something has changed: make the beats explicit that may now be missed."""
        for name, (server, _) in list(self._elided.items()):
            if not server.alive or not server.heard_by_master():
                self._materialise(name)
                if server.alive:
                    self._arm(server)

    def doubt(self, server: BeatingServer) -> None:
        """The master no longer knows this one: its beats are explicit from now on."""
        if server.name in self._elided:
            self._materialise(server.name)
            self._arm(server)

    def _materialise(self, name: str) -> None:
        entry = self._elided.pop(name, None)
        if entry is not None:
            arrival_ns = self._times.last_arrival_ns(name, self._sim.now)
            # Before the first elided beat the master has heard the explicit one.
            if arrival_ns > entry[1]:
                self._listener.heard(name, arrival_ns)
            self._listener.elide(name, False)

    def _arm(self, server: BeatingServer) -> None:
        present = self._timers.get(server.name)
        if present is not None:
            present.cancel()
        delay_ns = self._times.after(server.name, self._sim.now) - self._sim.now
        self._timers[server.name] = server.later(delay_ns, self._beat, server)

    def _beat(self, server: BeatingServer) -> None:
        self._arm(server)
        server.beat()
