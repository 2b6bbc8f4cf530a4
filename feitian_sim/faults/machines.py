"""Faults of machines, processes and racks."""

from __future__ import annotations

from feitian_sim.faults.machine_config import (
    MachineCrash,
    MachineLoss,
    MachineSlow,
    ProcessKill,
    ProcessLaunchFail,
    RackPowerLoss,
)
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World


class CrashMachine:
    """``machine-crash``: a machine that is down twice comes up when the last fault ends."""

    def absorbs(self, world: World, fault: MachineCrash, target: str) -> str:
        """A machine that is down already is held down longer: never without effect."""
        return ""

    def begin(self, world: World, fault: MachineCrash, target: str, streams: Streams) -> Undo:
        """Crash; restart at the end."""
        machine = world.datacenter.machine(target)
        if world.holds.take("machine", target):
            machine.crash(fault.kind)

        def end() -> None:
            if world.holds.release("machine", target):
                machine.restart()

        return end


class LoseMachine:
    """``machine-loss``: the machine stays down and its disks have failed, whatever ends."""

    def absorbs(self, world: World, fault: MachineLoss, target: str) -> str:
        """A machine is lost once."""
        disks = world.datacenter.machine(target).disks
        return "the machine was lost already" if disks and all(disk.failed for disk in disks) else ""

    def begin(self, world: World, fault: MachineLoss, target: str, streams: Streams) -> Undo:
        """Crash for good, and fail every disk that has not failed by itself."""
        machine = world.datacenter.machine(target)
        if world.holds.take("machine", target):
            machine.crash(fault.kind)
        for disk in machine.disks:
            if not disk.failed:
                disk.fail(fault.kind)
        return lambda: None


class SlowMachine:
    """``machine-slow``: factors of overlapping faults multiply."""

    def absorbs(self, world: World, fault: MachineSlow, target: str) -> str:
        """Never: a machine that is down is slow when it comes up."""
        return ""

    def begin(self, world: World, fault: MachineSlow, target: str, streams: Streams) -> Undo:
        """Slow the cores down; as before at the end."""
        machine = world.datacenter.machine(target)
        remove = world.slow_machines.add(target, fault.factor)
        machine.slow_factor = product(world.slow_machines.of(target))

        def end() -> None:
            remove()
            machine.slow_factor = product(world.slow_machines.of(target))

        return end


class FailLaunches:
    """``process-launch-fail``: launches succeed again when the last fault on the machine ends."""

    def absorbs(self, world: World, fault: ProcessLaunchFail, target: str) -> str:
        """Never: on a machine that is down they fail when it comes up."""
        return ""

    def begin(self, world: World, fault: ProcessLaunchFail, target: str, streams: Streams) -> Undo:
        """Let every launch fail; as before at the end."""
        machine = world.datacenter.machine(target)
        if world.holds.take("launch", target):
            machine.launch_fails = "corrupted disk"

        def end() -> None:
            if world.holds.release("launch", target):
                machine.launch_fails = ""

        return end


class KillProcess:
    """``process-kill``: the process is started again when the last fault on it ends, or with its machine."""

    def absorbs(self, world: World, fault: ProcessKill, target: str) -> str:
        """A process that does not run cannot die."""
        daemon = world.daemon(*split_process(target))
        return "" if daemon is not None and daemon.alive else "the process does not run"

    def begin(self, world: World, fault: ProcessKill, target: str, streams: Streams) -> Undo:
        """Kill; start at the end, if its machine is up."""
        daemon = world.daemon(*split_process(target))
        assert daemon is not None, f"nobody runs {target}"
        world.holds.take("process", target)
        daemon.kill()

        def end() -> None:
            if world.holds.release("process", target):
                daemon.start()

        return end


class LoseRackPower:
    """``rack-power-loss``: power returns when the last fault ends; machines that crashed by themselves stay down."""

    def absorbs(self, world: World, fault: RackPowerLoss, target: str) -> str:
        """A rack that is dark already stays dark longer: never without effect."""
        return ""

    def begin(self, world: World, fault: RackPowerLoss, target: str, streams: Streams) -> Undo:
        """Cut the power; restore it at the end."""
        rack = world.datacenter.rack(target)
        if world.holds.take("power", target):
            rack.lose_power(fault.kind)

        def end() -> None:
            if world.holds.release("power", target):
                rack.restore_power()

        return end


def process_name(role: str, machine: str) -> str:
    """How facts call a process that is struck."""
    return f"{role}@{machine}"


def split_process(name: str) -> tuple[str, str]:
    """Role and machine of :func:`process_name`."""
    role, _, machine = name.partition("@")
    return role, machine


def product(factors: tuple[float, ...]) -> float:
    """All factors together; 1.0 for none."""
    together = 1.0
    for factor in factors:
        together *= factor
    return together
