"""Bugs in how packages come to machines, are handed on and unpacked."""

from __future__ import annotations

from typing import Any

from feitian_sim.fuxi.packages.cache import PackageCache
from feitian_sim.fuxi.packages.download import Download
from feitian_sim.fuxi.packages.messages import SendPiece
from feitian_sim.fuxi.packages.shelf import Shelf
from feitian_sim.fuxi.packages.swarm import Swarm
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_PACKAGES = "scenarios/check/packages.yaml"


def _second_does_not_wait(patch: Patch, hit: Hit) -> None:
    fetch = PackageCache.fetch

    def begun(self: PackageCache, name: str, then: Any) -> None:
        if name in self._waiting:
            hit()
            then("")
        else:
            fetch(self, name, then)

    patch.setattr(PackageCache, "fetch", begun)


def _lost_disks_unseen(patch: Patch, hit: Hit) -> None:
    def trusted(self: Shelf, package: str) -> None:
        place = self._places.get(package)
        if place is not None and not place.is_there:
            hit()

    patch.setattr(Shelf, "_look_for", trusted)


def _here_when_asked_for(patch: Patch, hit: Hit) -> None:
    fetch = Download._fetch

    def noted(self: Download, place: Any) -> Any:
        hit()
        shelf = self._ways.shelf
        shelf._pieces[self._package] = shelf.pieces_of(self._package) | 1 << place.piece
        return fetch(self, place)

    patch.setattr(Download, "_fetch", noted)


def _unpacked_at_once(patch: Patch, hit: Hit) -> None:
    begin = PackageCache._begin

    def resumed(self: PackageCache, name: str, asked_ns: int) -> None:
        pieces = self._shelf.pieces_of(name)
        if pieces:
            # What the Tubo before had begun is taken for done.
            hit()
            self._shelf._unpacked[name] = None
            self._ended(name, "")
        else:
            begin(self, name, asked_ns)

    patch.setattr(PackageCache, "_begin", resumed)


def _sent_unseen(patch: Patch, hit: Hit) -> None:
    has = Swarm._has

    def trusted(self: Swarm, wanted: SendPiece) -> bool:
        if not has(self, wanted):
            hit()
        return True

    patch.setattr(Swarm, "_has", trusted)


MUTANTS: tuple[Mutant, ...] = (
    _m("OWN-160", "a second worker does not wait for the package that the first one waits for", "generic", ("FX15",),
       _second_does_not_wait, _PACKAGES),
    _m("OWN-161", "packages are taken to be on a disk that has lost everything", "found here, unplanted", ("FX15", "FX16"),
       _lost_disks_unseen, _PACKAGES),
    _m("OWN-162", "a piece counts as here when it is asked for", "generic", ("FX15", "FX16"), _here_when_asked_for, _PACKAGES),
    _m("OWN-163", "a package that a dead Tubo had begun to fetch is taken for whole", "generic", ("FX15",),
       _unpacked_at_once, _PACKAGES),
    _m("OWN-164", "a machine hands on what its disk has lost", "found here, unplanted", ("FX16",), _sent_unseen, _PACKAGES),
)  # fmt: skip
