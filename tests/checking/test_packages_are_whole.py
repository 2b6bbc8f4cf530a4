"""A package is used where all its pieces lie and are unpacked, and handed on by who has it."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.checking.packages import package_invariants
from feitian_sim.fuxi.check_facts import PackageUnpacked, PackageUsed, PieceHandedOn, PieceStored
from feitian_sim.hardware.facts import DiskDamaged, DiskFailed

PIECES = [PieceStored("m0", "m0/d0", "w", piece) for piece in range(3)]
UNPACKED = PackageUnpacked("m0", "m0/d0", "w", 3)
USED = PackageUsed("m0", "job", 1, 7, "w")


def _tell(*facts: Any) -> list[int]:
    """How often each of the two had something to judge."""
    invariants = package_invariants()
    for fact in facts:
        for invariant in invariants:
            if fact.kind in invariant.hears():
                invariant.hears()[fact.kind](0, fact)
    return [invariant.evaluated for invariant in invariants]


def test_what_is_whole_and_unpacked_may_be_used_and_handed_on():
    assert _tell(*PIECES, UNPACKED, USED, PieceHandedOn("m0", "w", 2)) == [2, 1]


@pytest.mark.parametrize(
    ("facts", "finder"),
    [
        ([*PIECES[:2], UNPACKED], "FX15"),
        ([*PIECES, USED], "FX15"),
        ([*PIECES, UNPACKED, PackageUsed("m1", "job", 1, 7, "w")], "FX15"),
        ([*PIECES, UNPACKED, PackageUsed("m0", "job", 1, 7, "v")], "FX15"),
        ([*PIECES, UNPACKED, DiskFailed("m0/d0", "m0", "r0", "test"), USED], "FX15"),
        ([*PIECES, UNPACKED, DiskDamaged("m0/d0", "wiped", "everything"), USED], "FX15"),
        ([*PIECES[:2], PieceHandedOn("m0", "w", 2)], "FX16"),
        ([*PIECES, PieceHandedOn("m1", "w", 2)], "FX16"),
        ([*PIECES, DiskFailed("m0/d0", "m0", "r0", "test"), PieceHandedOn("m0", "w", 0)], "FX16"),
    ],
)
def test_what_is_not_there_is_seen(facts: list[Any], finder: str):
    with pytest.raises(InvariantViolated, match=finder):
        _tell(*facts)


def test_other_damage_and_other_disks_change_nothing():
    other = [DiskDamaged("m0/d0", "rot", "x"), DiskFailed("m0/d1", "m0", "r0", "test")]
    assert _tell(*PIECES, UNPACKED, *other, USED, PieceHandedOn("m0", "w", 0)) == [2, 1]
