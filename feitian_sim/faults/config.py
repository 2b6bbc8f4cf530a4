"""What the scenario says of faults: one model per kind, tagged by ``kind``; the ids are fixed by the design."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from feitian_sim.faults.clock_config import ClockDrift, ClockFreeze, ClockSkew, ClockStep, ClockStrobe
from feitian_sim.faults.disk_config import (
    DiskBitrot,
    DiskFail,
    DiskFsyncFail,
    DiskFull,
    DiskHang,
    DiskIoError,
    DiskReadonly,
    DiskSectorError,
    DiskSlow,
)
from feitian_sim.faults.machine_config import (
    MachineCrash,
    MachineLoss,
    MachineSlow,
    ProcessKill,
    ProcessLaunchFail,
    RackPowerLoss,
)
from feitian_sim.faults.message_config import (
    NetworkClog,
    NetworkCorrupt,
    NetworkDuplicate,
    NetworkFlap,
    NetworkHalfOpen,
    NetworkMessage,
    NetworkReorder,
    NetworkReset,
    NetworkSwizzle,
)
from feitian_sim.faults.network_config import (
    LinkLoss,
    NetworkBandwidth,
    NetworkDelay,
    NetworkLoss,
    NetworkPartition,
    SwitchLoss,
)
from feitian_sim.faults.operator_config import ClusterBrownout, OperatorRollingRestart, RackPdu
from feitian_sim.faults.process_config import ProcessCrashAt, ProcessPause, ProcessRestartStorm, ProcessSlow
from feitian_sim.faults.stored_config import DiskLostWrite, DiskMisdirect, DiskStaleRead, DiskTorn, DiskWiped

#: Any fault of a scenario.
FaultConfig = Annotated[
    MachineCrash
    | MachineLoss
    | MachineSlow
    | ProcessLaunchFail
    | ProcessKill
    | ProcessPause
    | ProcessCrashAt
    | ProcessSlow
    | ProcessRestartStorm
    | RackPowerLoss
    | RackPdu
    | ClusterBrownout
    | OperatorRollingRestart
    | SwitchLoss
    | LinkLoss
    | NetworkLoss
    | NetworkDelay
    | NetworkBandwidth
    | NetworkPartition
    | NetworkDuplicate
    | NetworkReorder
    | NetworkCorrupt
    | NetworkMessage
    | NetworkClog
    | NetworkSwizzle
    | NetworkFlap
    | NetworkReset
    | NetworkHalfOpen
    | DiskFail
    | DiskSlow
    | DiskSectorError
    | DiskBitrot
    | DiskTorn
    | DiskLostWrite
    | DiskFsyncFail
    | DiskFull
    | DiskHang
    | DiskIoError
    | DiskReadonly
    | DiskWiped
    | DiskMisdirect
    | DiskStaleRead
    | ClockSkew
    | ClockStep
    | ClockDrift
    | ClockStrobe
    | ClockFreeze,
    Field(discriminator="kind"),
]
