"""The table of what each kind of fault does."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from feitian_sim.faults.clocks import DriftClock, FreezeClock, SkewClock, StepClock, StrobeClock
from feitian_sim.faults.clogs import ClogLink, FlapLink, SwizzleLinks
from feitian_sim.faults.connections import ForgetConnections, ResetConnections
from feitian_sim.faults.crash_points import CrashAtSync
from feitian_sim.faults.damage import (
    FailIo,
    FailSync,
    FillDisk,
    HangDisk,
    LockDisk,
    LoseWrite,
    MisdirectWrite,
    StaleRead,
    TearDisk,
    WipeDisk,
)
from feitian_sim.faults.disks import DamageDisk, FailDisk, SlowDisk
from feitian_sim.faults.fault import Fault
from feitian_sim.faults.machines import CrashMachine, FailLaunches, KillProcess, LoseMachine, LoseRackPower, SlowMachine
from feitian_sim.faults.messages import ImpairMessages, NameMessage, StrikeMessages
from feitian_sim.faults.networks import ImpairLink, LoseSwitch, Partition
from feitian_sim.faults.operators import RollingRestart
from feitian_sim.faults.power import Brownout, LosePdu
from feitian_sim.faults.processes import PauseProcess, SlowProcess, StormRestarts
from feitian_sim.faults.world import Action

ACTIONS: Mapping[str, Action[Any]] = MappingProxyType(
    {
        "machine-crash": CrashMachine(),
        "machine-loss": LoseMachine(),
        "machine-slow": SlowMachine(),
        "process-launch-fail": FailLaunches(),
        "process-kill": KillProcess(),
        "process-pause": PauseProcess(),
        "process-crash-at": CrashAtSync(),
        "process-slow": SlowProcess(),
        "process-restart-storm": StormRestarts(),
        "rack-power-loss": LoseRackPower(),
        "rack-pdu": LosePdu(),
        "cluster-brownout": Brownout(),
        "operator-rolling-restart": RollingRestart(),
        "switch-loss": LoseSwitch(),
        "link-loss": ImpairLink(),
        "network-loss": ImpairMessages(),
        "network-delay": ImpairMessages(),
        "network-bandwidth": ImpairLink(),
        "network-partition": Partition(),
        "network-duplicate": StrikeMessages(),
        "network-reorder": StrikeMessages(),
        "network-corrupt": StrikeMessages(),
        "network-message": NameMessage(),
        "network-clog": ClogLink(),
        "network-swizzle": SwizzleLinks(),
        "network-flap": FlapLink(),
        "network-reset": ResetConnections(),
        "network-half-open": ForgetConnections(),
        "disk-fail": FailDisk(),
        "disk-slow": SlowDisk(),
        "disk-sector-error": DamageDisk(),
        "disk-bitrot": DamageDisk(),
        "disk-torn": TearDisk(),
        "disk-lost-write": LoseWrite(),
        "disk-fsync-fail": FailSync(),
        "disk-full": FillDisk(),
        "disk-hang": HangDisk(),
        "disk-io-error": FailIo(),
        "disk-readonly": LockDisk(),
        "disk-wiped": WipeDisk(),
        "disk-misdirect": MisdirectWrite(),
        "disk-stale-read": StaleRead(),
        "clock-skew": SkewClock(),
        "clock-step": StepClock(),
        "clock-drift": DriftClock(),
        "clock-strobe": StrobeClock(),
        "clock-freeze": FreezeClock(),
    }
)


def action_of(fault: Fault, kind: str) -> Action[Any]:
    """The action of a fault: from the table, or its own when the user brought a class with one."""
    known = ACTIONS.get(kind)
    if known is not None:
        return known
    own: Any = fault
    return OwnAction(own)


class OwnAction:
    """A fault of the user's own: ``absorbs(world, target)`` and ``begin(world, target, streams)``."""

    def __init__(self, fault: Any) -> None:
        self._fault = fault

    def absorbs(self, world: Any, fault: Any, target: str) -> str:
        """What the user's class says; a class without ``absorbs`` always has an effect."""
        absorbs = getattr(self._fault, "absorbs", None)
        return "" if absorbs is None else str(absorbs(world, target))

    def begin(self, world: Any, fault: Any, target: str, streams: Any) -> Any:
        """What the user's class does."""
        return self._fault.begin(world, target, streams)
