"""A daemon: a process that a machine runs, dies with, and boots again.

Each start is a new incarnation with a new :class:`~feitian_sim.kernel.Owner` and nothing in memory; its ``boot``
function recovers what the machine's disks kept. A kill ends the process alone: the machine's operating system
stays, keeps what was handed to it, and answers for the dead. A process that stops by itself because it cannot go on is
started again by the system: soon, and after each life that was short again twice as late, as supervisors do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from feitian_sim.hardware.facts import ProcessEnded, ProcessStarted
from feitian_sim.kernel import MILLISECOND, MINUTE, Owner, Simulation

if TYPE_CHECKING:
    from feitian_sim.hardware.machine import Machine


#: Until a process that stopped is started again. Source: RestartSec of systemd.service(5), 100 ms.
_RESTART_NS = 100 * MILLISECOND
#: Doubling ends here, and a life that was longer begins it anew. Source: own assumption, after the back-off of
#: Kubernetes for containers (doubles up to a bound, forgotten after a life of twice the bound).
_LONGEST_RESTART_NS = MINUTE


class Daemon:
    """One process of a machine, through all its incarnations.

    ``role`` is what fault targets select by (``pangu.chunkserver``); ``boot(owner)`` starts an incarnation. With
    ``autostart`` it starts whenever its machine does. Making one hosts it; :meth:`start` gives it its first life.
    """

    __slots__ = (
        "_boot", "_owner", "_restart_ns", "_since_ns", "_slow_factor", "autostart", "incarnation", "machine", "name",
        "role",
    )  # fmt: skip

    def __init__(
        self, machine: Machine, name: str, role: str, boot: Callable[[Owner], object], *, autostart: bool = True
    ) -> None:
        self.machine = machine
        self.name = name
        self.role = role
        self.autostart = autostart
        #: Starts so far.
        self.incarnation = 0
        self._boot = boot
        self._owner: Owner | None = None
        self._restart_ns = 0
        self._since_ns = 0
        self._slow_factor = 1.0
        machine.host(self)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._owner is not None and self._owner.alive

    @property
    def owner(self) -> Owner:
        """The owner of its latest incarnation, alive or dead."""
        assert self._owner is not None, f"{self.name} has not been started"
        return self._owner

    def start(self) -> None:
        """Begin a new incarnation, unless it runs already or the machine is down."""
        if self.alive or not self.machine.up:
            return
        self.incarnation += 1
        sim = self.machine.sim
        self._since_ns = sim.now
        self._owner = sim.owner(f"{self.name}#{self.incarnation}")
        if sim.facts.wants(ProcessStarted):
            self._tell_life(sim)
        if self._slow_factor != 1.0:
            self.machine.cpu.slow_down(self._owner, self._slow_factor)
        self._boot(self._owner)

    def is_life(self, owner: Owner) -> bool:
        """Whether ``owner`` is its latest incarnation."""
        return owner is self._owner

    def start_again(self) -> None:
        """It has stopped by itself: start it later, unless somebody else does before."""
        sim = self.machine.sim
        lived_ns = sim.now - self._since_ns
        again = self._restart_ns and lived_ns <= 2 * _LONGEST_RESTART_NS
        self._restart_ns = min(2 * self._restart_ns, _LONGEST_RESTART_NS) if again else _RESTART_NS
        sim.call_later(self._restart_ns, self._start_after, self.incarnation)

    def _start_after(self, incarnation: int) -> None:
        if self.incarnation == incarnation:
            self.start()

    def _tell_life(self, sim: Simulation) -> None:
        place, role, incarnation = self.machine.name, self.role, self.incarnation
        sim.emit(ProcessStarted(place, role, incarnation))
        self.owner.on_death(lambda: sim.emit(ProcessEnded(place, role, incarnation)))

    @property
    def paused(self) -> bool:
        """Whether it is stopped for a while, with all that it has in its hands."""
        return self._owner is not None and self._owner.paused

    def pause(self) -> None:
        """Stop it for a while (SIGSTOP, a long collection of garbage, a migration of its machine)."""
        if self._owner is not None:
            self._owner.pause()
            self.machine.announce()

    def resume(self) -> None:
        """Let it go on."""
        if self._owner is not None:
            self._owner.resume()
            self.machine.announce()

    @property
    def slow_factor(self) -> float:
        """How many times longer its computing takes than that of its machine's other processes, in every life."""
        return self._slow_factor

    @slow_factor.setter
    def slow_factor(self, factor: float) -> None:
        self._slow_factor = factor
        if self.alive:
            self.machine.cpu.slow_down(self.owner, factor)

    def kill(self) -> None:
        """End it at once, with everything that it had under way. Killing twice is harmless."""
        if self._owner is not None:
            self._owner.kill()
