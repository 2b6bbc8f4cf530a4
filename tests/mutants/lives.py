"""Bugs in how processes live and die."""

from __future__ import annotations

from feitian_sim.hardware.daemon import Daemon
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant


def _started_without_power(patch: Patch, hit: Hit) -> None:
    start = Daemon.start

    def started(self: Daemon) -> None:
        machine = self.machine
        if self.alive or machine.up:
            start(self)
            return
        hit()
        machine.up = True
        try:
            start(self)
        finally:
            machine.up = False

    patch.setattr(Daemon, "start", started)


MUTANTS: tuple[Mutant, ...] = (
    _m(
        "OWN-92",
        "a process that was killed is started again though its machine is down by now",
        "generic",
        ("G4",),
        _started_without_power,
        profile="crash-heavy",
    ),
)
