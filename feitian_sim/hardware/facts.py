"""Facts of machines, disks and power: the truth about the hardware, whoever may have noticed it."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("hardware.machine_crashed")
class MachineCrashed(Fact):
    """A machine went down with all processes on it."""

    machine: str
    cause: str


@fact("hardware.machine_restarted")
class MachineRestarted(Fact):
    """A machine came up again; its processes boot."""

    machine: str


@fact("hardware.machine_switched_off")
class MachineSwitchedOff(Fact):
    """An operator took a machine out of service: it was not added yet, or is to go."""

    machine: str
    why: str


@fact("hardware.machine_switched_on")
class MachineSwitchedOn(Fact):
    """An operator put a machine into service; its processes boot."""

    machine: str


@fact("hardware.clock_changed")
class ClockChanged(Fact):
    """A machine's monotonic clock jumped forwards, and goes at another rate from now on."""

    machine: str
    #: Parts per billion of simulated time.
    rate_ppb: int
    jump_ns: int


@fact("hardware.rack_power_lost")
class RackPowerLost(Fact):
    """A rack lost its power."""

    rack: str


@fact("hardware.rack_power_restored")
class RackPowerRestored(Fact):
    """A rack has power again."""

    rack: str


@fact("hardware.switch_lost")
class SwitchLost(Fact):
    """A switch went down with all its links."""

    switch: str


@fact("hardware.switch_restored")
class SwitchRestored(Fact):
    """A switch passes traffic again."""

    switch: str


@fact("hardware.frame_dropped", canonical=False, detail=True)
class FrameDropped(Fact):
    """A machine's system dropped a frame: its ``checksum`` was wrong, or its ``sequence`` number had come before."""

    source: str
    target: str
    why: str


@fact("hardware.disk_failed")
class DiskFailed(Fact):
    """A disk failed for good, with everything on it."""

    disk: str
    machine: str
    rack: str
    cause: str


@fact("hardware.disk_replaced")
class DiskReplaced(Fact):
    """A new, empty disk stands where one had failed."""

    disk: str


@fact("hardware.disk_damaged")
class DiskDamaged(Fact):
    """Something stored on a disk was damaged, noticed by nobody yet.

    ``damage`` is ``rot``, ``sector-error``, ``lost-write``, ``misdirect``, ``stale-read`` or ``wiped``.
    """

    disk: str
    damage: str
    what: str


@fact("hardware.io_failed")
class IoFailed(Fact):
    """A read, write or sync of a disk failed with an error; the process that asked for it stopped."""

    disk: str
    what: str
    process: str


@fact("hardware.disk_use", canonical=False)
class DiskUse(Fact):
    """How full the working disks of a machine are: a sample."""

    machine: str
    used_bytes: int
    capacity_bytes: int


@fact("hardware.traffic", canonical=False)
class Traffic(Fact):
    """Bytes carried by all links of a class since the start: a sample."""

    link_class: str
    bytes: int


@fact("hardware.process_started", canonical=False, detail=True)
class ProcessStarted(Fact):
    """An incarnation of a machine's process began."""

    machine: str
    role: str
    incarnation: int


@fact("hardware.process_ended", canonical=False, detail=True)
class ProcessEnded(Fact):
    """An incarnation of a machine's process died: nothing of it may be heard from now on."""

    machine: str
    role: str
    incarnation: int


@fact("hardware.message_left", canonical=False, detail=True)
class MessageLeft(Fact):
    """A message is on its way; ``told``: whether who sent it is told should it be lost."""

    number: int
    source: str
    target: str
    told: bool


@fact("hardware.message_arrived", canonical=False, detail=True)
class MessageArrived(Fact):
    """It was handed over at its target."""

    number: int


@fact("hardware.message_lost", canonical=False, detail=True)
class MessageLost(Fact):
    """It was lost on its way."""

    number: int
