"""A daemon: a process that a machine runs, dies with, and boots again.

Each start is a new incarnation with a new :class:`~feitian_sim.kernel.Owner` and nothing in memory; its ``boot``
function recovers what the machine's disks kept. A kill ends the process alone: the machine's operating system
stays, keeps what was handed to it, and answers for the dead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from feitian_sim.hardware.facts import ProcessEnded, ProcessStarted
from feitian_sim.kernel import Owner, Simulation

if TYPE_CHECKING:
    from feitian_sim.hardware.machine import Machine


class Daemon:
    """One process of a machine, through all its incarnations.

    ``role`` is what fault targets select by (``pangu.chunkserver``); ``boot(owner)`` starts an incarnation. With
    ``autostart`` it starts whenever its machine does. Making one hosts it; :meth:`start` gives it its first life.
    """

    __slots__ = ("_boot", "_owner", "autostart", "incarnation", "machine", "name", "role")

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
        self._owner = sim.owner(f"{self.name}#{self.incarnation}")
        if sim.facts.wants(ProcessStarted):
            self._tell_life(sim)
        self._boot(self._owner)

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

    def kill(self) -> None:
        """End it at once, with everything that it had under way. Killing twice is harmless."""
        if self._owner is not None:
            self._owner.kill()
