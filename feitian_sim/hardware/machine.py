"""A machine: cores, disks and a network card, up or down as a whole.

It is up when it is switched on, its rack has power and it has not crashed by itself; so a machine that crashed during
a power loss stays down when the power returns, until it is restarted. Going down, it first stops answering and
computing, then loses what its disks had not synced, then its processes die, all at one instant and without a trace on
the wire.
Coming up, it boots its daemons in the order in which they were hosted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from feitian_sim.hardware.clock import MachineClock
from feitian_sim.hardware.cpu import Cpu
from feitian_sim.hardware.disk import Disk
from feitian_sim.hardware.facts import MachineCrashed, MachineRestarted, MachineSwitchedOff, MachineSwitchedOn
from feitian_sim.kernel import Fact, Owner, Simulation

if TYPE_CHECKING:
    from feitian_sim.hardware.daemon import Daemon

#: The power domain of machines that lose their power with nobody.
NO_POWER_DOMAIN = -1


class Machine:
    """One machine: ``r3/m12``, or ``clients/m0``."""

    __slots__ = (
        "_changed",
        "_daemons",
        "_off",
        "_stopped",
        "_unfed",
        "clock",
        "cpu",
        "disks",
        "index",
        "launch_fails",
        "name",
        "power_domain",
        "powered",
        "rack",
        "rack_name",
        "sim",
        "up",
        "used_bytes",
    )

    def __init__(
        self,
        sim: Simulation,
        name: str,
        index: int,
        rack: int,
        rack_name: str,
        cores: int,
        power_domain: int,
        changed: Callable[[], None],
    ) -> None:
        self.sim = sim
        self.name = name
        #: Position among all machines, running through the racks; clients come last.
        self.index = index
        #: Index of its rack.
        self.rack = rack
        self.rack_name = rack_name
        #: Index of its power domain; :data:`NO_POWER_DOMAIN` for client machines.
        self.power_domain = power_domain
        #: Why no process of an application can be launched (what it is made of cannot be read); empty when it can.
        self.launch_fails = ""
        #: Bytes taken on its working disks; they keep the sum.
        self.used_bytes = 0
        self.up = True
        self.powered = True
        self.cpu = Cpu(sim, cores)
        self.disks: tuple[Disk, ...] = ()
        self._daemons: list[Daemon] = []
        self._stopped = False
        self._off = False
        # Why it has no power, each reason once.
        self._unfed: dict[str, None] = {}
        self._changed = changed
        self.clock = MachineClock(sim, name, self.announce)

    def __repr__(self) -> str:
        return f"<Machine {self.name} {'up' if self.up else 'down'}>"

    @property
    def daemons(self) -> tuple[Daemon, ...]:
        """What it hosts, in the order of hosting."""
        return tuple(self._daemons)

    @property
    def power_domain_name(self) -> str:
        """``p0``; empty for a client machine."""
        return "" if self.power_domain == NO_POWER_DOMAIN else f"p{self.power_domain}"

    @property
    def slow_factor(self) -> float:
        """By how much its cores take longer than healthy ones."""
        return self.cpu.slow_factor

    @slow_factor.setter
    def slow_factor(self, factor: float) -> None:
        self.cpu.slow_factor = factor

    def host(self, daemon: Daemon) -> None:
        """Let ``daemon`` die and boot with the machine. Hosting twice is harmless."""
        if daemon not in self._daemons:
            self._daemons.append(daemon)

    def announce(self) -> None:
        """Something about its processes has changed that what takes no event must know."""
        self._changed()

    def crash(self, cause: str) -> None:
        """Go down until :meth:`restart`."""
        self._stopped = True
        self._settle(cause)

    def restart(self) -> None:
        """Come up; without power, as soon as it returns."""
        self._stopped = False
        self._settle("")

    def lose_power(self, cause: str) -> None:
        """The rack has no power: go down until :meth:`restore_power`."""
        self._unfeed("rack", cause)

    def lose_feed(self, cause: str) -> None:
        """Its own strip of sockets has lost power, whatever its rack has; until :meth:`restore_feed`."""
        self._unfeed("feed", cause)

    def restore_feed(self) -> None:
        """Its strip of sockets has power again, if the rack has."""
        self._feed("feed")

    def _unfeed(self, where: str, cause: str) -> None:
        self._unfed[where] = None
        self.powered = False
        self._settle(cause)

    def restore_power(self) -> None:
        """Come up, unless it had crashed by itself or has no power of its own."""
        self._feed("rack")

    def _feed(self, where: str) -> None:
        self._unfed.pop(where, None)
        self.powered = not self._unfed
        self._settle("")

    def fail_stop(self, owner: Owner) -> None:
        """End a process that cannot go on; if it is one of the daemons, it is started again a little later."""
        owner.kill()
        for daemon in self._daemons:
            if daemon.is_life(owner):
                daemon.start_again()

    def switch_off(self, why: str) -> None:
        """An operator takes the machine out, until :meth:`switch_on`: on purpose, so this is no crash."""
        was_up, self._off = self.up, True
        if was_up:
            self._halt(MachineSwitchedOff(self.name, why))

    def switch_on(self) -> None:
        """An operator puts the machine in; it boots if it has power and has not crashed."""
        if self._off:
            self._off = False
            self.sim.emit(MachineSwitchedOn(self.name))
            self._settle("", planned=True)

    def _settle(self, cause: str, *, planned: bool = False) -> None:
        up = self.powered and not self._stopped and not self._off
        if up == self.up:
            return
        if up:
            self._come_up(planned=planned)
        else:
            self._go_down(cause)

    def _go_down(self, cause: str) -> None:
        self._halt(MachineCrashed(self.name, cause))

    def _halt(self, what: Fact) -> None:
        self.up = False
        self.cpu.halt()
        for disk in self.disks:
            disk.crash()
        self.sim.emit(what)
        for daemon in self._daemons:
            daemon.kill()
        for disk in self.disks:
            disk.settle_down()
        self._changed()

    def _come_up(self, *, planned: bool) -> None:
        self.up = True
        self.cpu.resume()
        if not planned:
            self.sim.emit(MachineRestarted(self.name))
        self._changed()
        for daemon in self._daemons:
            if daemon.autostart:
                daemon.start()
