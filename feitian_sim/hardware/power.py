"""A power domain: racks on one feed, which lose their power together."""

from __future__ import annotations

from feitian_sim.hardware.machine import Machine
from feitian_sim.hardware.rack import Rack


class PowerDomain:
    """One power domain: ``p0``."""

    def __init__(self, index: int, racks: tuple[Rack, ...]) -> None:
        self.index = index
        self.name = f"p{index}"
        self.racks = racks

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Its machines, rack by rack."""
        return tuple(machine for rack in self.racks for machine in rack.machines)

    def lose_power(self, cause: str = "power-domain-loss") -> None:
        """Every rack of it that has power loses it."""
        for rack in self.racks:
            rack.lose_power(cause)

    def restore_power(self) -> None:
        """Every rack of it that lacks power has it again."""
        for rack in self.racks:
            rack.restore_power()
