"""Faults of disks that work: what they lose, tear, refuse, mix up or keep for themselves."""

from __future__ import annotations

from feitian_sim.faults.disk_config import DiskFsyncFail, DiskFull, DiskHang, DiskIoError, DiskReadonly
from feitian_sim.faults.stored_config import DiskLostWrite, DiskMisdirect, DiskStaleRead, DiskTorn, DiskWiped
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World
from feitian_sim.hardware import Disk

_FAILED = "the disk had failed already"


class _OnDisk:
    """What strikes a disk that has not failed; always with an effect then."""

    def absorbs(self, world: World, fault: object, target: str) -> str:
        """A failed disk has nothing to damage."""
        return _FAILED if world.datacenter.disk(target).failed else ""


class TearDisk(_OnDisk):
    """``disk-torn``: each journal has its own draws, which go on from crash to crash."""

    def begin(self, world: World, fault: DiskTorn, target: str, streams: Streams) -> Undo:
        """Let crashes tear; as before at the end."""
        trouble = world.datacenter.disk(target).trouble
        return trouble.tear_with(lambda journal: streams(target, f"what a crash leaves of {journal}"))


class LoseWrite:
    """``disk-lost-write``: of journals and chunk replicas, those that are on the disk are equally likely."""

    def absorbs(self, world: World, fault: DiskLostWrite, target: str) -> str:
        """Nothing can be lost that was not written."""
        disk = world.datacenter.disk(target)
        if disk.failed:
            return _FAILED
        return "" if _kinds(disk, fault) else "nothing of the kind is stored on the disk"

    def begin(self, world: World, fault: DiskLostWrite, target: str, streams: Streams) -> None:
        """Lose it; nothing ends, since only a repair mends it."""
        disk = world.datacenter.disk(target)
        draws = streams(target, "what is lost")
        kind = draws.choice(_kinds(disk, fault))
        uniform = draws.uniform()
        if kind == "journal":
            disk.lose_record(uniform)
        elif disk.contents is not None:
            disk.damaged("lost-write", disk.contents.lose_write(uniform))


def _kinds(disk: Disk, fault: DiskLostWrite) -> list[str]:
    found = ["journal"] if disk.durable_records() else []
    if disk.contents is not None and disk.used_bytes:
        found.append("chunk")
    return [kind for kind in found if fault.of in (None, kind)]


class MisdirectWrite(_OnDisk):
    """``disk-misdirect``: the write's own place keeps what was there, another replica gets it."""

    def absorbs(self, world: World, fault: object, target: str) -> str:
        """It takes something stored."""
        return _without_chunks(world.datacenter.disk(target))

    def begin(self, world: World, fault: DiskMisdirect, target: str, streams: Streams) -> None:
        """Mix two replicas up; nothing ends, since only a repair mends them."""
        disk = world.datacenter.disk(target)
        draws = streams(target, "what is misdirected")
        meant, hit = draws.uniform(), draws.uniform()
        if disk.contents is not None:
            disk.damaged("misdirect", disk.contents.misdirect(meant, hit))


class StaleRead(_OnDisk):
    """``disk-stale-read``: a replica's bytes are as they were; its version and checksum, kept apart, are not."""

    def absorbs(self, world: World, fault: object, target: str) -> str:
        """It takes something stored."""
        return _without_chunks(world.datacenter.disk(target))

    def begin(self, world: World, fault: DiskStaleRead, target: str, streams: Streams) -> Undo:
        """Serve the earlier bytes; at the end the right ones again, where no repair came before."""
        disk = world.datacenter.disk(target)
        draws = streams(target, "what is stale")
        if disk.contents is None:
            return _nothing
        what, undo = disk.contents.go_stale(draws.uniform(), draws.uniform())
        disk.damaged("stale-read", what)
        return undo


def _without_chunks(disk: Disk) -> str:
    if disk.failed:
        return _FAILED
    return "nothing is stored on the disk" if disk.contents is None or not disk.used_bytes else ""


class FailSync(_OnDisk):
    """``disk-fsync-fail``: one sync, whoever's it is."""

    def begin(self, world: World, fault: DiskFsyncFail, target: str, streams: Streams) -> None:
        """Arm it; it is over when a sync has failed."""
        world.datacenter.disk(target).trouble.failing_syncs += 1


class FillDisk:
    """``disk-full``: what two of them take adds up to the fuller."""

    def absorbs(self, world: World, fault: DiskFull, target: str) -> str:
        """A disk that has less left is full already."""
        disk = world.datacenter.disk(target)
        if disk.failed:
            return _FAILED
        return "the disk had less left already" if disk.free_bytes <= fault.free else ""

    def begin(self, world: World, fault: DiskFull, target: str, streams: Streams) -> Undo:
        """Take the space; give it back at the end."""
        disk = world.datacenter.disk(target)
        taken_bytes = disk.free_bytes - fault.free
        disk.trouble.occupied_bytes += taken_bytes

        def end() -> None:
            disk.trouble.occupied_bytes -= taken_bytes

        return end


class HangDisk(_OnDisk):
    """``disk-hang``: goes on when the last fault ends."""

    def begin(self, world: World, fault: DiskHang, target: str, streams: Streams) -> Undo:
        """Stop all IO; let it go on at the end."""
        trouble = world.datacenter.disk(target).trouble
        if world.holds.take("hung disk", target):
            trouble.hung = True

        def end() -> None:
            if world.holds.release("hung disk", target):
                trouble.hung = False

        return end


class FailIo(_OnDisk):
    """``disk-io-error``: each fault has its own draws, one for each IO."""

    def begin(self, world: World, fault: DiskIoError, target: str, streams: Streams) -> Undo:
        """Let IOs fail; as before at the end."""
        return world.datacenter.disk(target).trouble.fail_share(fault.share, streams(target, "which IO fails"))


class LockDisk(_OnDisk):
    """``disk-readonly``: takes writes again when the last fault ends."""

    def begin(self, world: World, fault: DiskReadonly, target: str, streams: Streams) -> Undo:
        """Take no writes; as before at the end."""
        trouble = world.datacenter.disk(target).trouble
        if world.holds.take("read-only disk", target):
            trouble.read_only = True

        def end() -> None:
            if world.holds.release("read-only disk", target):
                trouble.read_only = False

        return end


class WipeDisk(_OnDisk):
    """``disk-wiped``: at once if its machine is down, else at its next crash."""

    def begin(self, world: World, fault: DiskWiped, target: str, streams: Streams) -> None:
        """Empty it, or see to it that it will be."""
        world.datacenter.disk(target).wipe()


def _nothing() -> None:
    """Nothing was begun."""
