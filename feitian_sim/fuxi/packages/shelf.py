"""What a machine's disks have of each package: which pieces have come, and whether it is unpacked.

It stays through the machine's crashes, so that what was written need not come again, and is gone with the disk that it
lay on; nobody is told of that, so whoever asks has the disk looked at.
"""

from __future__ import annotations

from feitian_sim.fuxi.check_facts import PackageUnpacked, PieceStored
from feitian_sim.hardware import Machine
from feitian_sim.hardware.disk import Deposit
from feitian_sim.kernel import Simulation


class Shelf:
    """Of one machine."""

    def __init__(self, sim: Simulation, machine: Machine) -> None:
        self._sim = sim
        self._machine = machine
        # Where each lies or will lie; its pieces, as a set of bits; those that are whole and unpacked.
        self._places: dict[str, Deposit] = {}
        self._pieces: dict[str, int] = {}
        self._unpacked: dict[str, None] = {}

    def place_of(self, package: str) -> Deposit | None:
        """Where it lies or is to be put: on each disk that works in turn. None: there is no such disk."""
        self._look_for(package)
        place = self._places.get(package)
        if place is None:
            working = [disk for disk in self._machine.disks if disk.works]
            if not working:
                return None
            place = self._places[package] = working[len(self._places) % len(working)].deposit()
        return place

    def pieces_of(self, package: str) -> int:
        """The pieces that are here, as a set of bits."""
        self._look_for(package)
        return self._pieces.get(package, 0)

    def has(self, package: str) -> bool:
        """Whether it is here, ready to be used."""
        self._look_for(package)
        return package in self._unpacked

    def put(self, package: str, piece: int) -> None:
        """One of its pieces has been written where it was to go."""
        self._pieces[package] = self._pieces.get(package, 0) | 1 << piece
        if self._sim.facts.wants(PieceStored):
            disk = self._places[package].disk.name
            self._sim.emit(PieceStored(self._machine.name, disk, package, piece))

    def unpacked(self, package: str, pieces: int) -> None:
        """All ``pieces`` of it are: it is ready to be used from now on."""
        self._unpacked[package] = None
        if self._sim.facts.wants(PackageUnpacked):
            disk = self._places[package].disk.name
            self._sim.emit(PackageUnpacked(self._machine.name, disk, package, pieces))

    def lose(self, package: str) -> None:
        """Begin anew with it, perhaps elsewhere."""
        self._places.pop(package, None)
        self._pieces.pop(package, None)
        self._unpacked.pop(package, None)

    def _look_for(self, package: str) -> None:
        place = self._places.get(package)
        if place is not None and not place.is_there:
            self.lose(package)
