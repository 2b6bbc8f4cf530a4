"""What must hold of packages that workers need: whole before they are used, handed on by who has them (FX15, FX16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant

#: Fuxi on machines that also run Pangu, where packages come from; and such as are surely used.
_FILES, _DECLARED = "fuxi-files", "fuxi-packages"


class WholeBeforeUse(Invariant):
    """FX15: by what was written on disks and is lost with them, whatever anybody believes."""

    id = "FX15"
    needs = (_FILES,)
    surely_with = (_DECLARED,)
    is_built_on = True
    claim = "a worker's process starts only where all pieces of its package lie on a disk, and are unpacked"

    def __init__(self) -> None:
        super().__init__()
        # By disk and package: its pieces that are there.
        self._pieces: dict[tuple[str, str], dict[int, None]] = {}
        self._unpacked: dict[tuple[str, str], None] = {}
        # The disks of a machine that ever had any.
        self._disks: dict[str, dict[str, None]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What is stored, what is lost with a disk, and what is used."""
        return {
            "fuxi.piece_stored": self._stored,
            "fuxi.package_unpacked": self._ready,
            "fuxi.package_used": self._used,
            "hardware.disk_failed": self._failed,
            "hardware.disk_damaged": self._damaged,
        }

    def has(self, machine: str, package: str, piece: int) -> bool:
        """Whether a machine has a piece."""
        return any(piece in self._pieces.get((disk, package), ()) for disk in self._disks.get(machine, ()))

    def _stored(self, now_ns: int, fact: Any) -> None:
        self._disks.setdefault(fact.machine, {})[fact.disk] = None
        self._pieces.setdefault((fact.disk, fact.package), {})[fact.piece] = None

    def _ready(self, now_ns: int, fact: Any) -> None:
        self._unpacked[fact.disk, fact.package] = None
        there = len(self._pieces.get((fact.disk, fact.package), ()))
        self.evaluated += 1
        if there < fact.pieces:
            text = f"{fact.package} was unpacked on {fact.disk}, where {there} of its {fact.pieces} pieces are"
            self.broken(now_ns, text)

    def _used(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if not any((disk, fact.package) in self._unpacked for disk in self._disks.get(fact.machine, ())):
            text = f"{fact.app}/{fact.unit}#{fact.worker} was started on {fact.machine}, where {fact.package} is not"
            self.broken(now_ns, text)

    def _failed(self, now_ns: int, fact: Any) -> None:
        self._lost(fact.disk)

    def _damaged(self, now_ns: int, fact: Any) -> None:
        if fact.damage == "wiped":
            self._lost(fact.disk)

    def _lost(self, disk: str) -> None:
        self._pieces = {key: pieces for key, pieces in self._pieces.items() if key[0] != disk}
        self._unpacked = {key: None for key in self._unpacked if key[0] != disk}


class OnlyWhatOneHas(Invariant):
    """FX16: else others would take something else for a piece."""

    id = "FX16"
    needs = (_FILES,)
    surely_with = (_DECLARED,)
    claim = "a machine hands on only pieces that lie on its disks"

    def __init__(self, kept: WholeBeforeUse) -> None:
        super().__init__()
        self._kept = kept

    def hears(self) -> Mapping[str, Hears]:
        """What is sent."""
        return {"fuxi.piece_handed_on": self._handed_on}

    def _handed_on(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if not self._kept.has(fact.machine, fact.package, fact.piece):
            self.broken(now_ns, f"{fact.machine} hands on piece {fact.piece} of {fact.package}, which it has not")


def package_invariants() -> list[Invariant]:
    """Both."""
    kept = WholeBeforeUse()
    return [kept, OnlyWhatOneHas(kept)]
