"""What instances leave on their machines' own disks for the tasks behind them (OSDI 2004, sec. 3.1).

The space is really taken. It is given back when the job ends; and a machine that goes down forgets all of it, for
whatever comes up there later begins with an empty directory. A disk that fails takes with it what lies on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.hardware.disk import Deposit, Disk, DiskRefusal

#: Task and instance.
_Of = tuple[int, int]
#: Where it lies, and its bytes.
_Output = tuple[Deposit, int]


class LocalOutputs:
    """The outputs on all machines of a cell."""

    def __init__(self, datacenter: DataCenter) -> None:
        self._machines = datacenter.machines
        # By machine and application: disk and bytes of each instance's output.
        self._held: dict[int, dict[str, dict[_Of, _Output]]] = {}
        self._apps: dict[str, dict[int, None]] = {}
        self._next_disk: dict[int, int] = {}
        # Machines that have lost any.
        self._struck: dict[int, None] = {}
        datacenter.on_change(self._changed)

    def disk_for(self, machine: Machine, size_bytes: int) -> Disk | None:
        """The disk that the next output of so many bytes goes to: each in turn, those that have no room left out."""
        disks = machine.disks
        turn = self._next_disk.get(machine.index, machine.index)
        for step in range(len(disks)):
            disk = disks[(turn + step) % len(disks)]
            if disk.free_bytes >= size_bytes:
                self._next_disk[machine.index] = turn + step + 1
                return disk
        return None

    def put(self, app: str, task: int, instance: int, disk: Disk, size_bytes: int) -> bool:
        """An instance's output lies on a disk from now on; False when it does not take it."""
        machine = disk.machine.index
        held = self._held.setdefault(machine, {}).setdefault(app, {})
        self._release(held.pop((task, instance), None))
        try:
            disk.allocate(size_bytes)
        except DiskRefusal:
            return False
        held[task, instance] = disk.deposit(), size_bytes
        self._apps.setdefault(app, {})[machine] = None
        return True

    def disk_of(self, app: str, machine: int, task: int, instance: int) -> Disk | None:
        """The disk that has an instance's output on a machine; None when it is not there."""
        there = self._held.get(machine, {}).get(app, {}).get((task, instance))
        return there[0].disk if there is not None and there[0].is_there else None

    def is_struck(self, machine: int) -> bool:
        """Whether anything was ever lost there; else there is no need to look."""
        return machine in self._struck or any(disk.life for disk in self._machines[machine].disks)

    def has_all(self, app: str, machine: int, task: int, instances: Iterable[int]) -> bool:
        """Whether the outputs of these instances of a task are on a machine."""
        return all(self.disk_of(app, machine, task, instance) is not None for instance in instances)

    def end(self, app: str) -> None:
        """The application has ended: what it left is removed."""
        for machine in self._apps.pop(app, ()):
            for there in self._held.get(machine, {}).pop(app, {}).values():
                self._release(there)

    def _changed(self) -> None:
        for machine in [machine for machine in self._held if not self._machines[machine].up]:
            self._struck[machine] = None
            for held in self._held.pop(machine).values():
                for there in held.values():
                    self._release(there)

    @staticmethod
    def _release(there: _Output | None) -> None:
        if there is not None and there[0].is_kept:
            there[0].disk.release(there[1])
