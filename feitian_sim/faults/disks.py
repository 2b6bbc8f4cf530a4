"""Faults of disks: for good, slow, a sector that cannot be read, bits that rot."""

from __future__ import annotations

from feitian_sim.faults.disk_config import DiskBitrot, DiskFail, DiskSectorError, DiskSlow
from feitian_sim.faults.machines import product
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World


class FailDisk:
    """``disk-fail``: everything on it is gone; the end of the fault is the new, empty disk."""

    def absorbs(self, world: World, fault: DiskFail, target: str) -> str:
        """A disk fails once until it is replaced."""
        return "the disk had failed already" if world.datacenter.disk(target).failed else ""

    def begin(self, world: World, fault: DiskFail, target: str, streams: Streams) -> Undo:
        """Fail for good; replace at the end."""
        disk = world.datacenter.disk(target)
        disk.fail(fault.kind)

        def end() -> None:
            disk.replace()
            # A slow slot (cable, controller) is still slow with a new disk in it.
            disk.slow_factor = product(world.slow_disks.of(target))

        return end


class SlowDisk:
    """``disk-slow``: factors of overlapping faults multiply."""

    def absorbs(self, world: World, fault: DiskSlow, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: DiskSlow, target: str, streams: Streams) -> Undo:
        """Slow it down; as before at the end."""
        disk = world.datacenter.disk(target)
        remove = world.slow_disks.add(target, fault.factor)
        disk.slow_factor = product(world.slow_disks.of(target))

        def end() -> None:
            remove()
            disk.slow_factor = product(world.slow_disks.of(target))

        return end


class DamageDisk:
    """``disk-sector-error`` and ``disk-bitrot``: strike what lies at a drawn quantile of what is stored."""

    def absorbs(self, world: World, fault: DiskSectorError | DiskBitrot, target: str) -> str:
        """An empty or failed disk has nothing to damage."""
        disk = world.datacenter.disk(target)
        if disk.failed:
            return "the disk had failed already"
        return "nothing is stored on the disk" if disk.contents is None or not disk.used_bytes else ""

    def begin(self, world: World, fault: DiskSectorError | DiskBitrot, target: str, streams: Streams) -> None:
        """Damage it; nothing ends, since only a repair mends it."""
        disk = world.datacenter.disk(target)
        uniform = streams(target, "what is damaged").uniform()
        if isinstance(fault, DiskBitrot):
            disk.rot(uniform)
        else:
            disk.sector_error(uniform)
