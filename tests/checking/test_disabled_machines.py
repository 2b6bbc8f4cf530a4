"""A machine that is disabled is granted nothing, and from the instant at which it is enabled it may be."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.checking.resources import DisabledGetNothing
from feitian_sim.fuxi.check_facts import DisabledCounted
from feitian_sim.fuxi.facts import MachineEnabled, UnitsGranted


def _tell(invariant: DisabledGetNothing, *facts: Any) -> None:
    for fact in facts:
        invariant.hears()[fact.kind](0, fact)


def _granted(machine: str, count: int = 1) -> UnitsGranted:
    return UnitsGranted("job", 1, machine, count, 0, "")


def test_a_grant_on_a_disabled_machine_is_seen_and_what_is_taken_back_there_is_none():
    invariant = DisabledGetNothing()
    _tell(invariant, DisabledCounted(1, "m0 m1", 2), _granted("m2"), _granted("m1", -1))
    with pytest.raises(InvariantViolated, match="FX10"):
        _tell(invariant, _granted("m1"))


def test_one_that_is_enabled_is_granted_before_it_is_counted():
    invariant = DisabledGetNothing()
    _tell(invariant, DisabledCounted(1, "m0 m1", 2), MachineEnabled("m1", "marks"), _granted("m1"))
    with pytest.raises(InvariantViolated, match="FX10"):
        _tell(invariant, _granted("m0"))


def test_too_many_disabled_machines_are_seen():
    with pytest.raises(InvariantViolated, match="FX10"):
        _tell(DisabledGetNothing(), DisabledCounted(1, "m0 m1 m2", 2))
