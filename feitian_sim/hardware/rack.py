"""A rack: machines on one switch and one power strip."""

from __future__ import annotations

from feitian_sim.hardware.facts import RackPowerLost, RackPowerRestored
from feitian_sim.hardware.machine import Machine
from feitian_sim.kernel import Simulation


class Rack:
    """One rack: ``r3``, or ``clients``."""

    def __init__(self, sim: Simulation, name: str, index: int, power_domain: int) -> None:
        self._sim = sim
        self.name = name
        self.index = index
        self.power_domain = power_domain
        self.machines: tuple[Machine, ...] = ()
        self.powered = True

    def lose_power(self, cause: str = "rack-power-loss") -> None:
        """All its machines go down at one instant. Losing power twice is harmless.

        The rack's switch loses its power too, but it joins machines of this rack alone, which are all down.
        """
        if not self.powered:
            return
        self.powered = False
        self._sim.emit(RackPowerLost(self.name))
        for machine in self.machines:
            machine.lose_power(cause)

    def restore_power(self) -> None:
        """Its machines boot, except those that had crashed by themselves."""
        if self.powered:
            return
        self.powered = True
        self._sim.emit(RackPowerRestored(self.name))
        for machine in self.machines:
            machine.restore_power()
